namespace EmbeddedLlm.Gguf;

/// <summary>What the parser finds in a header.</summary>
internal sealed record GgufHeaderLayout(
    int Version,
    long? FileLength,
    int Alignment,
    long DataOffset,
    GgufMetadata Metadata,
    GgufTensorInfo[] Tensors,
    Dictionary<string, int> TensorIndex);

/// <summary>Where a metadata value lies in the header's bytes.</summary>
/// <param name="Key">The value's key.</param>
/// <param name="Type">The value's type.</param>
/// <param name="ElementType">The type of an array's elements; the type itself for anything else.</param>
/// <param name="Start">The position of the value's bytes: of a string's first byte, of an array's first element.</param>
/// <param name="Length">The number of the value's bytes, without a string's length or an array's type and count.</param>
/// <param name="Count">The number of an array's elements, 1 for anything else.</param>
internal readonly record struct GgufMetadataSlot(
    string Key, GgufValueType Type, GgufValueType ElementType, int Start, int Length, int Count);
