using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using EmbeddedLlm.Gguf;

namespace EmbeddedLlm.ModelFuzz;

/// <summary>
/// Makes a tiny model of any architecture without knowing it: llama.cpp names what it misses, a key or a tensor, and the shape that it expects, and what it names is added until it
/// is content. Growing is fuzzing too: each step is a file that must not end the child.
/// </summary>
internal sealed partial class ModelGrower(RawModel seed, Func<RawModel, Task<string>> load)
{
    private const int MostSteps = 1000;

    /// <summary>The architectures there are.</summary>
    public static IReadOnlyList<string> Architectures { get; } = [.. GgufArchitectures.Names.Order(StringComparer.Ordinal)];

    /// <summary>Grows a model.</summary>
    /// <param name="architecture">llama.cpp's name.</param>
    /// <returns>The model, as far as it grew, and llama.cpp's last words.</returns>
    public async Task<(RawModel Model, string Answer)> GrowAsync(string architecture)
    {
        RawModel model = Start(architecture);
        string answer = "";
        for (int step = 0; step < MostSteps; step++)
        {
            string next = await load(model).ConfigureAwait(false);
            if (!next.StartsWith("refused", StringComparison.Ordinal) || !TryObey(model, next))
                return (model, next);
            if (next == answer)
                return (model, next);
            answer = next;
        }

        return (model, answer);
    }

    // The hyperparameters that most architectures share; what one does not know it ignores.
    private RawModel Start(string architecture)
    {
        RawModel model = seed.Clone();
        string old = model.Architecture + ".";
        model.Tensors.Clear();
        foreach (RawKey key in model.Keys.Where(key => key.NameText.StartsWith(old, StringComparison.Ordinal)))
            key.Name = Encoding.UTF8.GetBytes(architecture + key.NameText[(old.Length - 1)..]);
        model.Set(RawKey.Of("general.architecture", architecture));
        model.Set(RawKey.Of(architecture + ".attention.layer_norm_epsilon", 1e-5f));
        return model;
    }

    private static bool TryObey(RawModel model, string answer)
    {
        if (MissingTensor().Match(answer) is { Success: true } missing)
        {
            model.Tensors.Add(new RawTensor { Name = Encoding.UTF8.GetBytes(missing.Groups["name"].Value), Dimensions = [1], Type = (uint)GgmlType.F32, Data = new byte[4] });
            return true;
        }

        if (WrongShape().Match(answer) is { Success: true } wrong && model.FindTensor(wrong.Groups["name"].Value) is { } tensor)
        {
            tensor.Dimensions = [.. wrong.Groups["shape"].Value.Split(',').Select(text => ulong.Parse(text.Trim(), NumberStyles.None, CultureInfo.InvariantCulture))];
            tensor.Data = Pattern(tensor.Dimensions);
            return true;
        }

        if (MissingKey().Match(answer) is { Success: true } key && model.Find(key.Groups["name"].Value) is null)
        {
            model.Keys.Add(Guess(key.Groups["name"].Value));
            return true;
        }

        return false;
    }

    // Small numbers of both signs, so that a model's answers are not all alike.
    private static byte[] Pattern(ulong[] dimensions)
    {
        ulong count = Math.Min(dimensions.Aggregate(1ul, (product, dimension) => product * dimension), 1 << 20);
        return [.. Enumerable.Range(0, (int)count).SelectMany(index => BitConverter.GetBytes((((index * 37) % 101) - 50) / 200f))];
    }

    private static RawKey Guess(string name) => name[(name.IndexOf('.', StringComparison.Ordinal) + 1)..] switch
    {
        var key when key.Contains("epsilon", StringComparison.Ordinal) || key.Contains("scale", StringComparison.Ordinal) || key.EndsWith("freq_base", StringComparison.Ordinal)
            || key.Contains("softcapping", StringComparison.Ordinal) || key.Contains("clamp", StringComparison.Ordinal) || key.Contains("beta", StringComparison.Ordinal) => RawKey.Of(name, 1f),
        "expert_count" => RawKey.Of(name, 4u),
        "expert_used_count" => RawKey.Of(name, 2u),
        "attention.sliding_window" => RawKey.Of(name, 32u),
        "attention.causal" => RawKey.Of(name, true),
        "ssm.conv_kernel" or "shortconv.l_cache" => RawKey.Of(name, 4u),
        "ssm.inner_size" => RawKey.Of(name, 128u),
        "ssm.time_step_rank" => RawKey.Of(name, 4u),
        "ssm.group_count" or "token_shift_count" or "interleave_moe_layer_step" or "leading_dense_block_count" => RawKey.Of(name, 1u),
        "rope.dimension_sections" => RawKey.Of(name, (int[])[4, 2, 2, 0]),
        _ => RawKey.Of(name, 16u),
    };

    [GeneratedRegex(@"missing tensor '(?<name>[^']+)'|tensor '(?<name>[^']+)' not found|the tensor '(?<name>[^']+)' is missing")]
    private static partial Regex MissingTensor();

    [GeneratedRegex(@"tensor '(?<name>[^']+)' has wrong shape; expected\s*(?<shape>[\d, ]+), got")]
    private static partial Regex WrongShape();

    [GeneratedRegex(@"key not found in model: (?<name>[\w.\-]+)|the key '(?<name>[^']+)' is missing")]
    private static partial Regex MissingKey();
}
