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
        if (architecture is "cogvlm" or "dots1" or "jais2" or "modern-bert" or "qwen" or "rwkv6" or "t5" or "t5encoder")
            model.Set(RawKey.Of(architecture + ".attention.head_count_kv", 4u));
        if (architecture is "nemotron_h" or "nemotron_h_moe")
        {
            model.Set(RawKey.Of(architecture + ".block_count", 3u));
            model.Set(RawKey.Of(architecture + ".attention.head_count_kv", (uint[])[0, 2, 0]));
            model.Set(RawKey.Of(architecture + ".feed_forward_length", (uint[])[0, 0, 128]));
        }

        if (architecture == "deepseek4")
            model.Set(RawKey.Of(architecture + ".attention.compress_ratios", (uint[])[0, 0]));
        return model;
    }

    private static bool TryObey(RawModel model, string answer) => TryAddTensor(model, answer) || TryShapeTensor(model, answer) || TrySetKey(model, answer);

    private static bool TryAddTensor(RawModel model, string answer)
    {
        if (MissingTensor().Match(answer) is { Success: true } missing)
            return Add(missing.Groups["name"].Value);
        if (MissingForm().Match(answer) is not { Success: true } form)
            return false;

        string[] roles = form.Groups["roles"].Value.Split("' and '");
        bool isAny = false;
        foreach (string role in roles)
            isAny |= Add($"blk.{form.Groups["layer"].Value}.{role}{(role.EndsWith(".bias", StringComparison.Ordinal) ? "" : ".weight")}");
        return isAny;

        bool Add(string name)
        {
            if (model.FindTensor(name) is not null)
                return false;
            model.Tensors.Add(new RawTensor { Name = Encoding.UTF8.GetBytes(name), Dimensions = [1], Type = (uint)GgmlType.F32, Data = new byte[4] });
            return true;
        }
    }

    private static bool TryShapeTensor(RawModel model, string answer)
    {
        const ulong Width = 64;
        if (WrongShape().Match(answer) is { Success: true } wrong && model.FindTensor(wrong.Groups["name"].Value) is { } tensor)
            return Shape(tensor, [.. wrong.Groups["shape"].Value.Split(',').Select(text => Number(text.Trim()))]);

        // These are refused before llama.cpp gets to say what it expects.
        if (WrongRows().Match(answer) is { Success: true } rows && model.FindTensor(rows.Groups["name"].Value) is { } matrix)
            return Shape(matrix, rows.Groups["name"].Value.EndsWith(".bias", StringComparison.Ordinal) ? [Number(rows.Groups["rows"].Value)] : [Width, Number(rows.Groups["rows"].Value)]);
        if (Empty().Match(answer) is { Success: true } empty && model.FindTensor(empty.Groups["name"].Value) is { } nothing)
        {
            TrySetKey(model, "zero experts");
            return Shape(nothing, [.. nothing.Dimensions.Select(dimension => Math.Max(dimension, 4))]);
        }

        if (Mixtures().Match(answer) is { Success: true } mixtures && model.FindTensor(mixtures.Groups["name"].Value) is { } lerp)
            return Shape(lerp, [Width, 1, 1, answer.Contains("without a gate", StringComparison.Ordinal) ? 5u : 6u]);
        return false;

        static bool Shape(RawTensor tensor, ulong[] dimensions)
        {
            tensor.Dimensions = dimensions;
            tensor.Data = Pattern(dimensions);
            return true;
        }
    }

    private static bool TrySetKey(RawModel model, string answer)
    {
        if (MissingKey().Match(answer) is { Success: true } key && model.Find(key.Groups["name"].Value) is null)
            return Set(Guess(key.Groups["name"].Value));
        if (MissingArray().Match(answer) is { Success: true } array)
            return Set(RawKey.Of(array.Groups["name"].Value, (uint[])[1, 0]));
        if (WrongType().Match(answer) is { Success: true } type)
        {
            string name = type.Groups["name"].Value;
            return Set(type.Groups["type"].Value switch { "bool" => RawKey.Of(name, true), "f32" => RawKey.Of(name, 0.5f), "str" => RawKey.Of(name, "silu"), _ => RawKey.Of(name, 2u) });
        }

        if (Experts().IsMatch(answer))
            return Set(RawKey.Of(model.Architecture + ".expert_count", 4u)) | Set(RawKey.Of(model.Architecture + ".expert_used_count", 2u)) | Set(RawKey.Of(model.Architecture + ".expert_feed_forward_length", 32u));
        if (answer.Contains("token type count", StringComparison.Ordinal))
            return Set(RawKey.Of("tokenizer.ggml.token_type_count", 2u));
        if (answer.Contains("expert_gating_func", StringComparison.Ordinal))
            return Set(RawKey.Of(model.Architecture + ".expert_gating_func", 2u));
        if (answer.Contains("gemma-embedding.attention.sliding_window_pattern", StringComparison.Ordinal))
            return Set(RawKey.Of("gemma-embedding.attention.sliding_window_pattern", 2u));
        if (answer.Contains("no rotation", StringComparison.Ordinal))
            return Set(RawKey.Of(model.Architecture + ".block_count", 4u));
        if (WrongNumber().Match(answer) is { Success: true } number)
            return Set(RawKey.Of(number.Groups["name"].Value, (uint)Number(number.Groups["value"].Value)));
        if (answer.Contains("leaves nothing of a key", StringComparison.Ordinal))
            return Set(RawKey.Of(model.Architecture + ".rope.dimension_count", 8u));
        if (answer.Contains("recurrent layer, or none with attention", StringComparison.Ordinal))
            return Set(answer.Contains("interval", StringComparison.Ordinal) ? RawKey.Of(model.Architecture + ".full_attention_interval", 2u) : RawKey.Of(model.Architecture + ".attention.head_count_kv", (uint[])[0, 2]));
        if (SameAsRank().Match(answer) is { Success: true } rank)
            return Set(RawKey.Of(rank.Groups["name"].Value, 24u)) | Set(RawKey.Of(model.Architecture + ".attention.value_length", 16u));
        if (answer.Contains("ssm.inner_size", StringComparison.Ordinal))
            return Set(RawKey.Of(model.Architecture + ".ssm.inner_size", 64u)) | Set(RawKey.Of(model.Architecture + ".ssm.state_size", 16u)) | Set(RawKey.Of(model.Architecture + ".ssm.time_step_rank", 4u));
        if (answer.Contains("afmoe.attention.sliding_window", StringComparison.Ordinal))
            return Set(RawKey.Of("afmoe.attention.sliding_window", 32u));
        return MissingNumber().Match(answer) is { Success: true } zero && Set(RawKey.Of(zero.Groups["name"].Value, zero.Groups["name"].Value.EndsWith("_mla", StringComparison.Ordinal) ? 24u : 2u));

        bool Set(RawKey key)
        {
            RawKey? old = model.Find(key.NameText);
            if (old is not null && old.Type == key.Type && old.Data.AsSpan().SequenceEqual(key.Data))
                return false;
            model.Set(key);
            return true;
        }
    }

    private static ulong Number(string text) => ulong.Parse(text, NumberStyles.AllowThousands, CultureInfo.InvariantCulture);

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
        "expert_gating_func" or "attention.indexer.head_count" => RawKey.Of(name, 2u),
        "expert_used_count" => RawKey.Of(name, 2u),
        "attention.sliding_window" => RawKey.Of(name, 32u),
        "attention.sliding_window_pattern" => RawKey.Of(name, (uint[])[1, 0]),
        "kda.gate_lower_bound" => RawKey.Of(name, -1f),
        "attention.output_group_count" => RawKey.Of(name, 2u),
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

    [GeneratedRegex(@"layer (?<layer>\d+) has '[^']+', but not '(?<roles>.+)' \(at")]
    private static partial Regex MissingForm();

    [GeneratedRegex(@"the tensor '(?<name>[^']+)' has [\d,]+ rows(?: for heads of |, neither )(?<rows>[\d,]*\d)")]
    private static partial Regex WrongRows();

    [GeneratedRegex(@"the tensor '(?<name>[^']+)' is empty")]
    private static partial Regex Empty();

    [GeneratedRegex(@"the tensor '(?<name>[^']+)' has \d+ mixtures")]
    private static partial Regex Mixtures();

    [GeneratedRegex(@"array key not found in model: (?<name>[\w.\-]+)")]
    private static partial Regex MissingArray();

    [GeneratedRegex(@"key (?<name>[\w.\-]+) has wrong type \w+ but expected type (?<type>\w+)")]
    private static partial Regex WrongType();

    [GeneratedRegex(@"zero experts|n_expert must be|expert_count' is missing")]
    private static partial Regex Experts();

    [GeneratedRegex(@"'(?<name>[^']+)' is (?:[\d,]+, which is |[\d,]+ in layer \d+, in this architecture always |)(?:not |)(?<value>\d+)[ .]")]
    private static partial Regex WrongNumber();

    [GeneratedRegex(@"'(?<name>[^']+)' is [\d,]+, not the sum of a rank")]
    private static partial Regex SameAsRank();

    [GeneratedRegex(@"'(?<name>[^']+)' is missing or 0")]
    private static partial Regex MissingNumber();

    [GeneratedRegex(@"tensor '(?<name>[^']+)' has wrong shape; expected\s*(?<shape>[\d, ]+), got")]
    private static partial Regex WrongShape();

    [GeneratedRegex(@"key not found in model: (?<name>[\w.\-]+)|the key '(?<name>[^']+)' is missing")]
    private static partial Regex MissingKey();
}
