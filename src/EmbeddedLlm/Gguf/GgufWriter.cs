using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace EmbeddedLlm.Gguf;

/// <summary>Fills a piece of a tensor's data.</summary>
/// <param name="offset">Where the piece begins, in bytes from the tensor's first; a multiple of the type's block.</param>
/// <param name="destination">The piece, whole blocks, to be filled completely.</param>
public delegate void GgufTensorFiller(long offset, Span<byte> destination);

/// <summary>
/// Writes a GGUF file, version 3, little-endian: first everything is described, then <see cref="Write"/> lays it out. Keys and tensors keep
/// the order in which they were added, so a file that was read and added again comes out byte for byte.
/// </summary>
/// <remarks>Instances are not safe to use from several threads at once.</remarks>
public sealed class GgufWriter
{
    /// <summary>Pieces of tensor data begin at multiples of so many blocks.</summary>
    internal const int PieceBlocks = 256;

    // Large enough for the file system, small enough for a cache; a multiple of every alignment that is in use.
    private const int ChunkBytes = 4 * 1024 * 1024;

    private readonly ArrayBufferWriter<byte> _metadata = new();
    private readonly HashSet<string> _keys = new(StringComparer.Ordinal);
    private readonly List<(GgufTensorInfo Info, GgufTensorFiller Fill)> _tensors = [];
    private readonly HashSet<string> _tensorNames = new(StringComparer.Ordinal);
    private int _alignment = GgufHeaderParser.DefaultAlignment;
    private long _dataLength;

    /// <summary>Adds a string.</summary>
    /// <param name="key">A key that was not added before, at most 65,535 bytes of UTF-8 without a zero byte.</param>
    /// <param name="value">The string.</param>
    /// <exception cref="ArgumentException">The key was added before or is not valid.</exception>
    public void Add(string key, string value)
    {
        ArgumentNullException.ThrowIfNull(value);
        AddUtf8(key, Encoding.UTF8.GetBytes(value));
    }

    /// <summary>Adds a string given as UTF-8.</summary>
    /// <inheritdoc cref="Add(string, string)"/>
    public void AddUtf8(string key, ReadOnlySpan<byte> value)
    {
        BeginValue(key, GgufValueType.String);
        WriteString(value);
    }

    /// <summary>Adds a truth value.</summary>
    /// <inheritdoc cref="Add(string, string)"/>
    public void Add(string key, bool value)
    {
        BeginValue(key, GgufValueType.Boolean);
        _metadata.Write([value ? (byte)1 : (byte)0]);
    }

    /// <summary>Adds a number of one of the format's ten numeric types.</summary>
    /// <typeparam name="T">byte, sbyte, short, ushort, int, uint, long, ulong, float or double.</typeparam>
    /// <param name="key">A key that was not added before, at most 65,535 bytes of UTF-8 without a zero byte.</param>
    /// <param name="value">The number.</param>
    /// <exception cref="ArgumentException">The key was added before or is not valid.</exception>
    /// <exception cref="InvalidOperationException">The alignment is changed after a tensor was added.</exception>
    /// <exception cref="NotSupportedException">The type is none of the ten.</exception>
    public void Add<T>(string key, T value)
        where T : unmanaged
    {
        BeginValue(key, TypeOf<T>(), value is uint alignment ? alignment : 0);
        WriteFixed([value]);
    }

    /// <summary>Adds an array of numbers or truth values.</summary>
    /// <typeparam name="T">bool, byte, sbyte, short, ushort, int, uint, long, ulong, float or double.</typeparam>
    /// <param name="key">A key that was not added before, at most 65,535 bytes of UTF-8 without a zero byte.</param>
    /// <param name="values">The elements.</param>
    /// <exception cref="ArgumentException">The key was added before or is not valid.</exception>
    /// <exception cref="NotSupportedException">The type is none of those.</exception>
    public void AddArray<T>(string key, ReadOnlySpan<T> values)
        where T : unmanaged
    {
        GgufValueType type = typeof(T) == typeof(bool) ? GgufValueType.Boolean : TypeOf<T>();
        BeginValue(key, GgufValueType.Array);
        WriteArrayHeader(type, values.Length);
        WriteFixed(values);
    }

    /// <summary>Adds an array of strings.</summary>
    /// <param name="key">A key that was not added before, at most 65,535 bytes of UTF-8 without a zero byte.</param>
    /// <param name="values">The elements.</param>
    /// <exception cref="ArgumentException">The key was added before or is not valid.</exception>
    public void AddStrings(string key, IReadOnlyCollection<string> values)
    {
        ArgumentNullException.ThrowIfNull(values);
        byte[][] strings = [.. values.Select(value => Encoding.UTF8.GetBytes(value))];
        BeginValue(key, GgufValueType.Array);
        WriteArrayHeader(GgufValueType.String, strings.Length);
        foreach (byte[] utf8 in strings)
            WriteString(utf8);
    }

    /// <summary>Adds a value as it was read from another file.</summary>
    /// <inheritdoc cref="Add(string, string)"/>
    public void Add(string key, GgufValue value)
    {
        BeginValue(key, value.Type, value.Type == GgufValueType.UInt32 ? value.GetUInt32() : 0);
        if (value.Type == GgufValueType.Array)
            WriteArrayHeader(value.GetArray().ElementType, value.GetArray().Count);
        else if (value.Type == GgufValueType.String)
            WriteUInt64((ulong)value.RawBytes.Length);

        _metadata.Write(value.RawBytes);
    }

    /// <summary>Adds a tensor whose data lies in memory.</summary>
    /// <param name="name">A name that was not added before, at most 64 bytes of UTF-8 without a zero byte.</param>
    /// <param name="type">How the elements are stored.</param>
    /// <param name="dimensions">At most four dimensions, the length of a contiguous row first.</param>
    /// <param name="data">The data, of exactly the size that shape and type ask for. It is not copied before <see cref="Write"/>.</param>
    /// <exception cref="ArgumentException">The name, the shape or the size of the data is not valid.</exception>
    public void AddTensor(string name, GgmlType type, ReadOnlySpan<long> dimensions, ReadOnlyMemory<byte> data)
    {
        GgufTensorInfo info = CreateInfo(name, type, dimensions);
        if (data.Length != info.ByteSize)
            throw new ArgumentException($"The tensor '{name}' takes {info.ByteSize:N0} bytes, not {data.Length:N0}.", nameof(data));

        AddTensor(info, (offset, destination) => data.Span.Slice((int)offset, destination.Length).CopyTo(destination));
    }

    /// <summary>
    /// Adds a tensor whose data is made piece by piece when it is written, so that it never has to fit into memory as a whole.
    /// </summary>
    /// <param name="name">A name that was not added before, at most 64 bytes of UTF-8 without a zero byte.</param>
    /// <param name="type">How the elements are stored.</param>
    /// <param name="dimensions">At most four dimensions, the length of a contiguous row first.</param>
    /// <param name="fill">Fills one piece; called for one after another, in order.</param>
    /// <exception cref="ArgumentException">The name or the shape is not valid.</exception>
    public void AddTensor(string name, GgmlType type, ReadOnlySpan<long> dimensions, GgufTensorFiller fill)
    {
        ArgumentNullException.ThrowIfNull(fill);
        AddTensor(CreateInfo(name, type, dimensions), fill);
    }

    /// <summary>Writes the file: header, padding, and the data of each tensor padded to the alignment.</summary>
    /// <param name="destination">A writable stream; its current position is taken as the start of the file.</param>
    /// <param name="cancellationToken">Stops between two pieces of tensor data.</param>
    /// <exception cref="OperationCanceledException">Writing was cancelled.</exception>
    public void Write(Stream destination, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(destination);
        byte[] header = LayOutHeader();
        destination.Write(header);
        if (_tensors.Count == 0)
            return;

        byte[] chunk = ArrayPool<byte>.Shared.Rent(ChunkBytes);
        try
        {
            WritePadding(destination, chunk, header.Length);
            foreach ((GgufTensorInfo info, GgufTensorFiller fill) in _tensors)
            {
                int granule = GgmlTypes.BlockBytes(info.Type) * PieceBlocks;
                int step = ChunkBytes / granule * granule;
                for (long offset = 0; offset < info.ByteSize; offset += step)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    Span<byte> piece = chunk.AsSpan(0, (int)Math.Min(step, info.ByteSize - offset));
                    fill(offset, piece);
                    destination.Write(piece);
                }

                WritePadding(destination, chunk, info.ByteSize);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(chunk);
        }
    }

    private static GgufValueType TypeOf<T>() => default(T) switch
    {
        byte => GgufValueType.UInt8,
        sbyte => GgufValueType.Int8,
        ushort => GgufValueType.UInt16,
        short => GgufValueType.Int16,
        uint => GgufValueType.UInt32,
        int => GgufValueType.Int32,
        ulong => GgufValueType.UInt64,
        long => GgufValueType.Int64,
        float => GgufValueType.Float32,
        double => GgufValueType.Float64,
        _ => throw new NotSupportedException($"GGUF has no metadata value of type {typeof(T)}."),
    };

    private void SetAlignment(uint alignment)
    {
        if (_tensors.Count != 0)
            throw new InvalidOperationException("The alignment is to be added before the first tensor.");
        if (alignment is 0 or > int.MaxValue || (alignment & (alignment - 1)) != 0)
            throw new ArgumentException("The alignment is a 32-bit unsigned integer and a power of two.", nameof(alignment));

        _alignment = (int)alignment;
    }

    private GgufTensorInfo CreateInfo(string name, GgmlType type, ReadOnlySpan<long> dimensions)
    {
        CheckName(name, GgufHeaderParser.MaximumTensorNameLength);
        if (_tensorNames.Contains(name))
            throw new ArgumentException($"The tensor '{name}' was added before.", nameof(name));
        if (!GgmlTypes.IsDefined(type))
            throw new ArgumentOutOfRangeException(nameof(type), type, "ggml has no such tensor type.");
        if (dimensions.Length > GgufHeaderParser.MaximumDimensions)
            throw new ArgumentException($"A tensor has at most {GgufHeaderParser.MaximumDimensions} dimensions.", nameof(dimensions));
        foreach (long dimension in dimensions)
            ArgumentOutOfRangeException.ThrowIfNegative(dimension, nameof(dimensions));

        return GgufTensorInfo.TryCreate(name, dimensions.ToArray(), type, _dataLength, out GgufTensorInfo? info, out string? fault)
            ? info
            : throw new ArgumentException(fault, nameof(dimensions));
    }

    private void AddTensor(GgufTensorInfo info, GgufTensorFiller fill)
    {
        _dataLength = checked(_dataLength + info.ByteSize + PaddingAfter(info.ByteSize));
        _tensors.Add((info, fill));
        _tensorNames.Add(info.Name);
    }

    /// <summary>The header alone, without the padding that leads to the data.</summary>
    internal byte[] LayOutHeader()
    {
        ArrayBufferWriter<byte> header = new(_metadata.WrittenCount + 4096);
        WriteUInt32(header, GgufHeaderParser.Magic);
        WriteUInt32(header, 3);
        WriteUInt64(header, (ulong)_tensors.Count);
        WriteUInt64(header, (ulong)_keys.Count);
        header.Write(_metadata.WrittenSpan);
        foreach ((GgufTensorInfo info, _) in _tensors)
        {
            WriteString(header, Encoding.UTF8.GetBytes(info.Name));
            WriteUInt32(header, (uint)info.Dimensions.Length);
            foreach (long dimension in info.Dimensions)
                WriteUInt64(header, (ulong)dimension);

            WriteUInt32(header, (uint)info.Type);
            WriteUInt64(header, (ulong)info.Offset);
        }

        return header.WrittenSpan.ToArray();
    }

    private long PaddingAfter(long length) => -length & (_alignment - 1);

    private void WritePadding(Stream destination, byte[] chunk, long length)
    {
        long left = PaddingAfter(length);
        Array.Clear(chunk, 0, (int)Math.Min(left, chunk.Length));
        for (; left > 0; left -= Math.Min(left, chunk.Length))
            destination.Write(chunk, 0, (int)Math.Min(left, chunk.Length));
    }

    private void BeginValue(string key, GgufValueType type, uint alignment = 0)
    {
        CheckName(key, GgufHeaderParser.MaximumKeyLength);
        if (key.Length == 0)
            throw new ArgumentException("A key is not empty.", nameof(key));
        if (_keys.Contains(key))
            throw new ArgumentException($"The key '{key}' was added before.", nameof(key));
        if (key == "general.alignment")
            SetAlignment(alignment);

        _keys.Add(key);
        WriteString(Encoding.UTF8.GetBytes(key));
        WriteUInt32(_metadata, (uint)type);
    }

    private static void CheckName(string name, int maximumLength)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (name.Contains('\0') || Encoding.UTF8.GetByteCount(name) > maximumLength)
            throw new ArgumentException($"'{name}' contains a zero byte or takes more than {maximumLength:N0} bytes.", nameof(name));
    }

    private void WriteArrayHeader(GgufValueType elementType, int count)
    {
        WriteUInt32(_metadata, (uint)elementType);
        WriteUInt64((ulong)count);
    }

    private void WriteFixed<T>(ReadOnlySpan<T> values)
        where T : unmanaged
    {
        ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(values);
        Span<byte> destination = _metadata.GetSpan(bytes.Length)[..bytes.Length];
        bytes.CopyTo(destination);
        if (!BitConverter.IsLittleEndian)
        {
            for (int i = 0; i < destination.Length; i += Unsafe.SizeOf<T>())
                destination.Slice(i, Unsafe.SizeOf<T>()).Reverse();
        }

        _metadata.Advance(bytes.Length);
    }

    private void WriteString(ReadOnlySpan<byte> utf8) => WriteString(_metadata, utf8);

    private void WriteUInt64(ulong value) => WriteUInt64(_metadata, value);

    private static void WriteString(ArrayBufferWriter<byte> writer, ReadOnlySpan<byte> utf8)
    {
        WriteUInt64(writer, (ulong)utf8.Length);
        writer.Write(utf8);
    }

    private static void WriteUInt32(ArrayBufferWriter<byte> writer, uint value)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(writer.GetSpan(sizeof(uint)), value);
        writer.Advance(sizeof(uint));
    }

    private static void WriteUInt64(ArrayBufferWriter<byte> writer, ulong value)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(writer.GetSpan(sizeof(ulong)), value);
        writer.Advance(sizeof(ulong));
    }
}
