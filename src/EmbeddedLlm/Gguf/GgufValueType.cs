using System.Diagnostics.CodeAnalysis;

namespace EmbeddedLlm.Gguf;

/// <summary>The type of a metadata value, with the numbers of the GGUF specification (<c>gguf_metadata_value_type</c>).</summary>
[SuppressMessage("Naming", "CA1720:Identifier contains type name",
    Justification = "These are types, and their names are the specification's.")]
public enum GgufValueType
{
    /// <summary>An 8-bit unsigned integer.</summary>
    UInt8 = 0,

    /// <summary>An 8-bit signed integer.</summary>
    Int8 = 1,

    /// <summary>A 16-bit unsigned integer.</summary>
    UInt16 = 2,

    /// <summary>A 16-bit signed integer.</summary>
    Int16 = 3,

    /// <summary>A 32-bit unsigned integer.</summary>
    UInt32 = 4,

    /// <summary>A 32-bit signed integer.</summary>
    Int32 = 5,

    /// <summary>A 32-bit IEEE 754 number.</summary>
    Float32 = 6,

    /// <summary>One byte; anything but 0 is read as true.</summary>
    Boolean = 7,

    /// <summary>A 64-bit length and that many bytes of UTF-8, without a terminator.</summary>
    String = 8,

    /// <summary>An element type, a 64-bit count and the elements.</summary>
    Array = 9,

    /// <summary>A 64-bit unsigned integer.</summary>
    UInt64 = 10,

    /// <summary>A 64-bit signed integer.</summary>
    Int64 = 11,

    /// <summary>A 64-bit IEEE 754 number.</summary>
    Float64 = 12,
}
