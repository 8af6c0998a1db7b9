using System.Diagnostics.CodeAnalysis;

namespace EmbeddedLlm.Gguf;

/// <summary>The layout of one tensor: its name, shape, type and the place of its data.</summary>
public sealed class GgufTensorInfo
{
    private readonly long[] _dimensions;

    private GgufTensorInfo(string name, long[] dimensions, GgmlType type, long offset, long elementCount, long byteSize)
    {
        _dimensions = dimensions;
        Name = name;
        Type = type;
        Offset = offset;
        ElementCount = elementCount;
        ByteSize = byteSize;
    }

    /// <summary>The tensor's name, such as <c>blk.0.attn_q.weight</c>.</summary>
    public string Name { get; }

    /// <summary>
    /// The tensor's shape, ggml's <c>ne</c>: the first dimension is the length of a contiguous row. At most 4; none for a single number.
    /// </summary>
    public ReadOnlySpan<long> Dimensions => _dimensions;

    /// <summary>How the elements are stored.</summary>
    public GgmlType Type { get; }

    /// <summary>Where the data begins, in bytes from <see cref="GgufFile.DataOffset"/>.</summary>
    public long Offset { get; }

    /// <summary>The product of the dimensions.</summary>
    public long ElementCount { get; }

    /// <summary>The bytes of the data, without the padding that follows it.</summary>
    public long ByteSize { get; }

    /// <inheritdoc/>
    public override string ToString() => $"{Name} {Type} [{string.Join(" × ", _dimensions)}]";

    /// <summary>A dimension of ggml's four, 1 where the shape has fewer.</summary>
    internal long DimensionOrOne(int index) => index < _dimensions.Length ? _dimensions[index] : 1;

    internal static bool TryCreate(
        string name,
        long[] dimensions,
        GgmlType type,
        long offset,
        [NotNullWhen(true)] out GgufTensorInfo? tensor,
        [NotNullWhen(false)] out string? fault)
    {
        tensor = null;
        Int128 elements = 1;
        foreach (long dimension in dimensions)
        {
            // Four dimensions below 2^63 would overflow 128 bits; what is past 64 is refused before the next factor.
            elements *= dimension;
            if (elements > long.MaxValue)
            {
                fault = $"the tensor '{name}' has more elements than 64 bits can count";
                return false;
            }
        }

        long row = dimensions.Length == 0 ? 1 : dimensions[0];
        int block = GgmlTypes.BlockElements(type);
        if (row % block != 0)
        {
            fault = $"the tensor '{name}' has rows of {row:N0} elements, not a multiple of the {block} of a block of {type}";
            return false;
        }

        Int128 bytes = elements / block * GgmlTypes.BlockBytes(type);
        if (bytes > long.MaxValue)
        {
            fault = $"the tensor '{name}' has more bytes than 64 bits can count";
            return false;
        }

        fault = null;
        tensor = new GgufTensorInfo(name, dimensions, type, offset, (long)elements, (long)bytes);
        return true;
    }
}
