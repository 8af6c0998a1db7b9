using System.Buffers.Binary;
using System.Text;

namespace EmbeddedLlm.Gguf;

/// <summary>One metadata value. It refers to the header's bytes and decodes them when asked.</summary>
/// <remarks>
/// The <c>Get</c> methods throw <see cref="InvalidOperationException"/> where the value is of another type than the method's.
/// </remarks>
public readonly struct GgufValue
{
    private readonly GgufMetadata? _metadata;
    private readonly int _index;

    internal GgufValue(GgufMetadata metadata, int index) => (_metadata, _index) = (metadata, index);

    /// <summary>The type of the value.</summary>
    public GgufValueType Type => Slot.Type;

    /// <summary>The byte position of the value in the file: of a string's first byte, of an array's first element.</summary>
    public long Offset => Slot.Start;

    /// <summary>The value's bytes as they lie in the file: those of a string, of the number, or of all elements of an array.</summary>
    public ReadOnlySpan<byte> RawBytes => Metadata.Bytes(_index);

    internal GgufMetadataSlot Slot => Metadata.Slot(_index);

    private GgufMetadata Metadata => _metadata ?? throw new InvalidOperationException("This value was never read from a file.");

    /// <summary>The text of a string, bytes that are not UTF-8 replaced by U+FFFD.</summary>
    public string GetString() => Encoding.UTF8.GetString(Expect(GgufValueType.String));

    /// <summary>The bytes of a string.</summary>
    public ReadOnlySpan<byte> GetUtf8() => Expect(GgufValueType.String);

    /// <summary>An 8-bit unsigned integer.</summary>
    public byte GetByte() => Expect(GgufValueType.UInt8)[0];

    /// <summary>An 8-bit signed integer.</summary>
    public sbyte GetSByte() => (sbyte)Expect(GgufValueType.Int8)[0];

    /// <summary>A 16-bit unsigned integer.</summary>
    public ushort GetUInt16() => BinaryPrimitives.ReadUInt16LittleEndian(Expect(GgufValueType.UInt16));

    /// <summary>A 16-bit signed integer.</summary>
    public short GetInt16() => BinaryPrimitives.ReadInt16LittleEndian(Expect(GgufValueType.Int16));

    /// <summary>A 32-bit unsigned integer.</summary>
    public uint GetUInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Expect(GgufValueType.UInt32));

    /// <summary>A 32-bit signed integer.</summary>
    public int GetInt32() => BinaryPrimitives.ReadInt32LittleEndian(Expect(GgufValueType.Int32));

    /// <summary>A 64-bit unsigned integer.</summary>
    public ulong GetUInt64() => BinaryPrimitives.ReadUInt64LittleEndian(Expect(GgufValueType.UInt64));

    /// <summary>A 64-bit signed integer.</summary>
    public long GetInt64() => BinaryPrimitives.ReadInt64LittleEndian(Expect(GgufValueType.Int64));

    /// <summary>A 32-bit floating-point number.</summary>
    public float GetSingle() => BinaryPrimitives.ReadSingleLittleEndian(Expect(GgufValueType.Float32));

    /// <summary>A 64-bit floating-point number.</summary>
    public double GetDouble() => BinaryPrimitives.ReadDoubleLittleEndian(Expect(GgufValueType.Float64));

    /// <summary>A truth value.</summary>
    public bool GetBoolean() => Expect(GgufValueType.Boolean)[0] != 0;

    /// <summary>An array.</summary>
    public GgufArray GetArray()
    {
        _ = Expect(GgufValueType.Array);
        return Metadata.Array(_index);
    }

    /// <summary>An integer of any width and sign.</summary>
    /// <param name="value">The number.</param>
    /// <returns>False where the value is no integer, or is above <see cref="long.MaxValue"/>.</returns>
    public bool TryGetInteger(out long value) => GgufNumbers.TryReadInteger(Type, RawBytes, out value);

    private ReadOnlySpan<byte> Expect(GgufValueType type)
    {
        if (Type != type)
            throw new InvalidOperationException($"The value of '{Slot.Key}' is of type {Type}, not {type}.");

        return RawBytes;
    }
}
