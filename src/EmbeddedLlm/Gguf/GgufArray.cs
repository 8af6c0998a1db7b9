using System.Buffers.Binary;
using System.Text;

namespace EmbeddedLlm.Gguf;

/// <summary>
/// An array of a metadata value. Its elements lie in the header's bytes and are decoded one by one when they are asked for.
/// </summary>
/// <remarks>
/// Safe to use from many threads. The <c>Get</c> methods throw <see cref="InvalidOperationException"/> where the elements are of another
/// type than the method's, and <see cref="ArgumentOutOfRangeException"/> for an index that is not in the array.
/// </remarks>
public sealed class GgufArray
{
    private readonly ReadOnlyMemory<byte> _bytes;
    private readonly int _start;
    private int[]? _offsets;

    internal GgufArray(ReadOnlyMemory<byte> bytes, int start, GgufValueType elementType, int count)
    {
        (_bytes, _start) = (bytes, start);
        ElementType = elementType;
        Count = count;
    }

    /// <summary>The type of the elements.</summary>
    public GgufValueType ElementType { get; }

    /// <summary>The number of elements.</summary>
    public int Count { get; }

    /// <summary>
    /// The bytes of all elements as they lie in the file. For elements of a fixed size, those little-endian values side by side.
    /// </summary>
    public ReadOnlySpan<byte> RawBytes => _bytes.Span;

    /// <summary>The UTF-8 bytes of a string.</summary>
    /// <param name="index">From 0 up to <see cref="Count"/>.</param>
    public ReadOnlySpan<byte> GetUtf8(int index) => Element(GgufValueType.String, index)[sizeof(ulong)..];

    /// <summary>The text of a string, bytes that are not UTF-8 replaced by U+FFFD.</summary>
    /// <param name="index">From 0 up to <see cref="Count"/>.</param>
    public string GetString(int index) => Encoding.UTF8.GetString(GetUtf8(index));

    /// <summary>An element that is an array itself.</summary>
    /// <param name="index">From 0 up to <see cref="Count"/>.</param>
    public GgufArray GetArray(int index)
    {
        ReadOnlySpan<byte> element = Element(GgufValueType.Array, index);
        int start = Offsets[index] + sizeof(uint) + sizeof(ulong);
        return new GgufArray(
            _bytes[start..(start + element.Length - sizeof(uint) - sizeof(ulong))],
            _start + start,
            (GgufValueType)BinaryPrimitives.ReadUInt32LittleEndian(element),
            (int)BinaryPrimitives.ReadUInt64LittleEndian(element[sizeof(uint)..]));
    }

    /// <summary>An element that is an integer of any width and sign.</summary>
    /// <param name="index">From 0 up to <see cref="Count"/>.</param>
    /// <exception cref="OverflowException">The element is above <see cref="long.MaxValue"/>.</exception>
    public long GetInteger(int index)
    {
        if (GgufNumbers.TryReadInteger(ElementType, Fixed(index), out long value))
            return value;

        throw ElementType == GgufValueType.UInt64
            ? new OverflowException($"Element {index} is above {long.MaxValue}.")
            : new InvalidOperationException($"The elements are of type {ElementType}, not integers.");
    }

    /// <summary>An element that is a number of any type.</summary>
    /// <param name="index">From 0 up to <see cref="Count"/>.</param>
    public double GetNumber(int index) => GgufNumbers.TryReadNumber(ElementType, Fixed(index), out double value)
        ? value
        : throw new InvalidOperationException($"The elements are of type {ElementType}, not numbers.");

    /// <summary>An element that is a truth value.</summary>
    /// <param name="index">From 0 up to <see cref="Count"/>.</param>
    public bool GetBoolean(int index) => ElementType == GgufValueType.Boolean
        ? Fixed(index)[0] != 0
        : throw new InvalidOperationException($"The elements are of type {ElementType}, not {GgufValueType.Boolean}.");

    /// <summary>All strings, decoded.</summary>
    public string[] ToStrings()
    {
        string[] strings = new string[Count];
        for (int i = 0; i < strings.Length; i++)
            strings[i] = GetString(i);

        return strings;
    }

    /// <exception cref="InvalidOperationException">The elements are no strings.</exception>
    internal GgufStrings Strings => ElementType == GgufValueType.String
        ? new GgufStrings(_bytes.Span, Offsets)
        : throw new InvalidOperationException($"The elements are of type {ElementType}, not {GgufValueType.String}.");

    /// <summary>
    /// The byte position of an element in the file: of its length where it is a string, of its type where it is an array.
    /// </summary>
    internal long OffsetOf(int index)
    {
        int size = GgufValueTypes.FixedSize(ElementType);
        return _start + (size == 0 ? Offsets[index] : index * size);
    }

    private int[] Offsets => _offsets ??= FindOffsets();

    private ReadOnlySpan<byte> Element(GgufValueType type, int index)
    {
        if (ElementType != type)
            throw new InvalidOperationException($"The elements are of type {ElementType}, not {type}.");

        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);
        int[] offsets = Offsets;
        return _bytes.Span[offsets[index]..offsets[index + 1]];
    }

    private ReadOnlySpan<byte> Fixed(int index)
    {
        int size = GgufValueTypes.FixedSize(ElementType);
        if (size == 0)
            throw new InvalidOperationException($"The elements are of type {ElementType}, not numbers.");

        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);
        return _bytes.Span.Slice(index * size, size);
    }

    // The parser has walked these bytes already, so no length here can lead out of them.
    private int[] FindOffsets()
    {
        ReadOnlySpan<byte> bytes = _bytes.Span;
        int[] offsets = new int[Count + 1];
        int position = 0;
        for (int i = 0; i < Count; i++)
        {
            offsets[i] = position;
            position += ElementType == GgufValueType.String
                ? sizeof(ulong) + (int)BinaryPrimitives.ReadUInt64LittleEndian(bytes[position..])
                : ArrayLength(bytes[position..]);
        }

        offsets[Count] = position;
        return offsets;
    }

    /// <summary>
    /// The bytes of one array with its type and count. Nested arrays are walked with a stack of counts, never by recursion.
    /// </summary>
    private static int ArrayLength(ReadOnlySpan<byte> bytes)
    {
        Span<int> left = stackalloc int[GgufHeaderParser.MaximumArrayDepth + 1];
        left[0] = 1;
        int depth = 0;
        int position = 0;
        while (depth >= 0)
        {
            if (left[depth]-- == 0)
            {
                depth--;
                continue;
            }

            GgufValueType type = (GgufValueType)BinaryPrimitives.ReadUInt32LittleEndian(bytes[position..]);
            int count = (int)BinaryPrimitives.ReadUInt64LittleEndian(bytes[(position + sizeof(uint))..]);
            position += sizeof(uint) + sizeof(ulong);
            if (type == GgufValueType.Array)
                left[++depth] = count;
            else if (type != GgufValueType.String)
                position += count * GgufValueTypes.FixedSize(type);
            else
            {
                for (int i = 0; i < count; i++)
                    position += sizeof(ulong) + (int)BinaryPrimitives.ReadUInt64LittleEndian(bytes[position..]);
            }
        }

        return position;
    }
}
