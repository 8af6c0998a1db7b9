using System.Buffers.Binary;

namespace EmbeddedLlm.Gguf;

/// <summary>Numbers of any of the format's types, read from their bytes.</summary>
internal static class GgufNumbers
{
    public static bool TryReadInteger(GgufValueType type, ReadOnlySpan<byte> bytes, out long value)
    {
        ulong unsigned = 0;
        long? signed = type switch
        {
            GgufValueType.UInt8 => bytes[0],
            GgufValueType.Int8 => (sbyte)bytes[0],
            GgufValueType.UInt16 => BinaryPrimitives.ReadUInt16LittleEndian(bytes),
            GgufValueType.Int16 => BinaryPrimitives.ReadInt16LittleEndian(bytes),
            GgufValueType.UInt32 => BinaryPrimitives.ReadUInt32LittleEndian(bytes),
            GgufValueType.Int32 => BinaryPrimitives.ReadInt32LittleEndian(bytes),
            GgufValueType.Int64 => BinaryPrimitives.ReadInt64LittleEndian(bytes),
            GgufValueType.UInt64 when (unsigned = BinaryPrimitives.ReadUInt64LittleEndian(bytes)) <= long.MaxValue => (long)unsigned,
            _ => null,
        };

        value = signed.GetValueOrDefault();
        return signed.HasValue;
    }

    public static bool TryReadNumber(GgufValueType type, ReadOnlySpan<byte> bytes, out double value)
    {
        (bool isNumber, value) = type switch
        {
            GgufValueType.Float32 => (true, BinaryPrimitives.ReadSingleLittleEndian(bytes)),
            GgufValueType.Float64 => (true, BinaryPrimitives.ReadDoubleLittleEndian(bytes)),
            GgufValueType.UInt64 => (true, BinaryPrimitives.ReadUInt64LittleEndian(bytes)),
            _ => TryReadInteger(type, bytes, out long integer) ? (true, integer) : (false, 0),
        };

        return isNumber;
    }
}
