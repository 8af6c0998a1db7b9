using System.Runtime.InteropServices;
using EmbeddedLlm.Gguf;

namespace EmbeddedLlm.SyntheticModels;

/// <summary>Writes LoRA adapters with random weights for a model, in the format that llama.cpp's <c>convert_lora_to_gguf.py</c> makes.</summary>
internal sealed record SyntheticAdapter
{
    /// <summary>The columns of A and rows of B.</summary>
    public int Rank { get; init; } = 4;

    /// <summary>What the product is multiplied with, times the rank.</summary>
    public float Alpha { get; init; } = 4;

    /// <summary>How large the adapter's part is, compared with what the matrices of a model give.</summary>
    public float Strength { get; init; } = 1;

    /// <summary>Of the weights.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Which of the model's matrices have a part; all within layers unless said otherwise. Convolutions and norms cannot have any.</summary>
    public Func<string, bool> Targets { get; init; } = name => name.StartsWith("blk.", StringComparison.Ordinal) && !name.Contains("conv", StringComparison.Ordinal) && !name.Contains("norm", StringComparison.Ordinal) && name.EndsWith(".weight", StringComparison.Ordinal);

    /// <summary>Writes the adapter to a file. The same model and record always give the same bytes.</summary>
    public void Write(string path, GgufFile model)
    {
        using FileStream stream = new(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        Describe(model).Write(stream);
    }

    /// <summary>Describes the adapter, to be changed or written elsewhere.</summary>
    public GgufWriter Describe(GgufFile model)
    {
        GgufWriter writer = new();
        model.Metadata.TryGetString("general.architecture", out string? architecture);
        writer.Add("general.type", "adapter");
        writer.Add("general.architecture", architecture!);
        writer.Add("adapter.type", "lora");
        writer.Add("adapter.lora.alpha", Alpha);
        ulong index = 0;
        foreach (GgufTensorInfo tensor in model.Tensors)
        {
            if (tensor.Dimensions.Length < 2 || !Targets(tensor.Name))
                continue;
            // Elements of A·x around those of x, and of B·A·x around those of what the matrix itself gives.
            Add(writer, tensor.Name + ".lora_a", tensor.Dimensions[0], Rank, 1 / MathF.Sqrt(tensor.Dimensions[0]), index++);
            Add(writer, tensor.Name + ".lora_b", Rank, tensor.Dimensions[1], Strength / MathF.Sqrt(Rank), index++);
        }

        return writer;
    }

    private void Add(GgufWriter writer, string name, long columns, long rows, float deviation, ulong index)
    {
        byte[] bytes = new byte[columns * rows * sizeof(float)];
        Random random = new((int)((Seed * 1000) + index));
        foreach (ref float weight in MemoryMarshal.Cast<byte, float>(bytes.AsSpan()))
            weight = deviation * 1.7320508f * ((2 * random.NextSingle()) - 1);
        writer.AddTensor(name, GgmlType.F32, [columns, rows], bytes);
    }
}
