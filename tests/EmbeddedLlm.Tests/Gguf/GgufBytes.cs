using System.Buffers.Binary;
using System.Text;
using EmbeddedLlm.Gguf;

namespace EmbeddedLlm.Tests.Gguf;

/// <summary>Puts a header together field by field, so that a test can write what the real writer refuses to.</summary>
internal sealed class GgufBytes
{
    private readonly List<byte> _bytes = [];

    public static GgufBytes Header(int version = 3, ulong tensors = 0, ulong keys = 0) =>
        new GgufBytes().Raw("GGUF"u8).UInt32((uint)version).UInt64(tensors).UInt64(keys);

    public GgufBytes Raw(ReadOnlySpan<byte> bytes)
    {
        _bytes.AddRange(bytes);
        return this;
    }

    public GgufBytes UInt32(uint value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        return Raw(bytes);
    }

    public GgufBytes UInt64(ulong value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        return Raw(bytes);
    }

    public GgufBytes String(string value) => UInt64((ulong)Encoding.UTF8.GetByteCount(value)).Raw(Encoding.UTF8.GetBytes(value));

    public GgufBytes Key(string key, GgufValueType type) => String(key).UInt32((uint)type);

    public GgufBytes Array(GgufValueType elementType, ulong count) => UInt32((uint)elementType).UInt64(count);

    public GgufBytes Tensor(string name, GgmlType type, ulong offset, params ulong[] dimensions)
    {
        String(name).UInt32((uint)dimensions.Length);
        foreach (ulong dimension in dimensions)
            UInt64(dimension);

        return UInt32((uint)type).UInt64(offset);
    }

    public GgufBytes Pad(int alignment = 32) => Raw(new byte[-_bytes.Count & (alignment - 1)]);

    public byte[] ToArray() => [.. _bytes];

    public GgufFile Read() => GgufFile.Read(new MemoryStream(ToArray()));
}
