using System.Buffers.Binary;

namespace EmbeddedLlm.Gguf;

/// <summary>The strings of an array as UTF-8, for loops over whole vocabularies: what <see cref="GgufArray.GetUtf8"/> looks up for each, this does once.</summary>
internal readonly ref struct GgufStrings(ReadOnlySpan<byte> bytes, ReadOnlySpan<int> offsets)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;

    // Of each string's length field, and the end of the last.
    private readonly ReadOnlySpan<int> _offsets = offsets;

    public int Count => _offsets.Length - 1;

    public ReadOnlySpan<byte> this[int index] => _bytes.Slice(_offsets[index] + sizeof(ulong), Length(index));

    /// <summary>The bytes of a string.</summary>
    public int Length(int index) => _offsets[index + 1] - _offsets[index] - sizeof(ulong);

    /// <summary>The last eight bytes of a string and, where it is shorter, of its length field before it; the last byte of all is the upper one.</summary>
    public ulong LastWord(int index) => BinaryPrimitives.ReadUInt64LittleEndian(_bytes[(_offsets[index + 1] - sizeof(ulong))..]);
}
