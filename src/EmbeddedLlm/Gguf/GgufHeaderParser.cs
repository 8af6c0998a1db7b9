using System.Buffers.Binary;
using System.Numerics;
using System.Text;
using System.Text.Unicode;

namespace EmbeddedLlm.Gguf;

/// <summary>
/// Parses a header: magic and version, counts, metadata, tensor infos. Every count is compared with the bytes left before it is believed.
/// </summary>
internal ref struct GgufHeaderParser
{
    public const uint Magic = 0x46554747; // "GGUF"
    public const int DefaultAlignment = 32;
    public const int MaximumDimensions = 4;
    public const int MaximumTensorNameLength = 64;
    public const int MaximumKeyLength = 65_535;
    public const int MaximumArrayDepth = 8;

    // An empty key, a type and one byte; an empty name, no dimensions, a type and an offset.
    private const int MinimumEntrySize = 8 + 4 + 1;
    private const int MinimumTensorSize = 8 + 4 + 4 + 8;

    private readonly GgufHeaderBuffer _buffer;
    private int _position;

    private GgufHeaderParser(GgufHeaderBuffer buffer) => _buffer = buffer;

    public static GgufHeaderLayout Parse(GgufHeaderBuffer buffer)
    {
        GgufHeaderParser parser = new(buffer);
        return parser.Parse();
    }

    private GgufHeaderLayout Parse()
    {
        int version = ReadVersion();
        int tensorCount = ReadCount(MinimumTensorSize, "the number of tensors");
        int entryCount = ReadCount(MinimumEntrySize, "the number of metadata keys");

        // The lists grow with what was really read: a count only has to fit the file, which may be far larger than its header.
        List<GgufMetadataSlot> slots = [];
        Dictionary<string, int> slotIndex = new(StringComparer.Ordinal);
        for (int i = 0; i < entryCount; i++)
        {
            int start = _position;
            GgufMetadataSlot slot = ReadEntry();
            if (!slotIndex.TryAdd(slot.Key, i))
                throw new GgufFormatException(start, $"the metadata key '{slot.Key}' is there twice");

            slots.Add(slot);
        }

        int alignment = ReadAlignment(slots, slotIndex);
        List<GgufTensorInfo> tensors = [];
        Dictionary<string, int> tensorIndex = new(StringComparer.Ordinal);
        for (int i = 0; i < tensorCount; i++)
        {
            int start = _position;
            GgufTensorInfo tensor = ReadTensor(alignment);
            if (!tensorIndex.TryAdd(tensor.Name, i))
                throw new GgufFormatException(start, $"the tensor '{tensor.Name}' is there twice");

            tensors.Add(tensor);
        }

        // Without tensors there is no data section that padding could lead to.
        long dataOffset = tensors.Count == 0 ? _position : AlignUp(_position, alignment);
        CheckTensorsFit(tensors, dataOffset);

        byte[] header = _buffer.Detach(_position);
        return new GgufHeaderLayout(
            version, _buffer.FileLength, alignment, dataOffset, new GgufMetadata(header, [.. slots], slotIndex), [.. tensors], tensorIndex);
    }

    private int ReadVersion()
    {
        if (_buffer.FileLength == 0)
            throw new GgufFormatException(0, "it is empty", isTruncated: true);
        uint magic = _buffer.ReadUInt32(0, "the magic number");
        if (magic != Magic)
            throw new GgufFormatException(0, ForeignContent.Find(_buffer.Bytes) is { } found ? $"it does not begin with 'GGUF': it looks like {found}" : "it does not begin with 'GGUF'");

        uint version = _buffer.ReadUInt32(4, "the version");
        _position = 8;
        return version switch
        {
            2 or 3 => (int)version,
            1 => throw new GgufFormatException(4, "version 1 of the format is no longer supported; convert the model again"),
            _ when BinaryPrimitives.ReverseEndianness(version) is > 0 and < 0x10000 =>
                throw new GgufFormatException(4, "it is big-endian, only little-endian files are supported"),
            _ => throw new GgufFormatException(4, $"version {version} of the format is not known"),
        };
    }

    private int ReadCount(int minimumSize, string what)
    {
        int start = _position;
        ulong count = _buffer.ReadUInt64(start, what);
        _position += sizeof(ulong);

        long most = Math.Min(_buffer.RemainingFrom(_position), GgufHeaderBuffer.MaximumLength) / minimumSize;
        if (count > (ulong)most)
            throw new GgufFormatException(start, $"{what} is {count:N0}, the rest of the file has room for {most:N0}", isTruncated: true);

        return (int)count;
    }

    private GgufMetadataSlot ReadEntry()
    {
        string key = ReadName(MaximumKeyLength, "a metadata key");
        if (key.Length == 0)
            throw new GgufFormatException(_position - sizeof(ulong), "a metadata key is empty");

        GgufValueType type = ReadValueType(key);
        if (type == GgufValueType.String)
        {
            int length = ReadStringLength($"the value of '{key}'");
            _position += length;
            return new GgufMetadataSlot(key, type, type, _position - length, length, Count: 1);
        }

        if (type == GgufValueType.Array)
        {
            GgufValueType elementType = ReadValueType(key);
            int count = ReadCount(GgufValueTypes.MinimumSize(elementType), $"the number of elements of '{key}'");
            int start = _position;
            SkipElements(key, elementType, count);
            return new GgufMetadataSlot(key, type, elementType, start, _position - start, count);
        }

        int size = GgufValueTypes.FixedSize(type);
        _buffer.Require(_position, size, $"the value of '{key}'");
        _position += size;
        return new GgufMetadataSlot(key, type, type, _position - size, size, Count: 1);
    }

    /// <summary>
    /// Passes over the elements of an array, checking their lengths. Nested arrays are walked with a stack of counts, never by recursion.
    /// </summary>
    private void SkipElements(string key, GgufValueType elementType, int count)
    {
        Span<int> outerCounts = stackalloc int[MaximumArrayDepth];
        int depth = 0;
        (GgufValueType type, int left) = (elementType, count);

        while (true)
        {
            if (type == GgufValueType.String)
                SkipStrings(key, left);
            else if (type != GgufValueType.Array)
                SkipFixed(key, (long)left * GgufValueTypes.FixedSize(type));

            if (type == GgufValueType.Array && left > 0)
            {
                if (depth == MaximumArrayDepth)
                    throw new GgufFormatException(_position, $"the arrays of '{key}' are nested more than {MaximumArrayDepth} deep");

                outerCounts[depth++] = left - 1;
                type = ReadValueType(key);
                left = ReadCount(GgufValueTypes.MinimumSize(type), $"the number of elements of '{key}'");
                continue;
            }

            // The innermost array is done: go on with the next array of the one around it.
            do
            {
                if (depth == 0)
                    return;

                left = outerCounts[--depth];
            }
            while (left == 0);

            type = GgufValueType.Array;
        }
    }

    private void SkipFixed(string key, long length)
    {
        _buffer.Require(_position, length, $"the value of '{key}'");
        _position += (int)length;
    }

    // Vocabularies have hundreds of thousands of strings, so this loop stays in the bytes that are there and leaves them only to have
    // more read.
    private void SkipStrings(string key, int count)
    {
        ReadOnlySpan<byte> bytes = _buffer.Bytes;
        int position = _position;
        for (int i = 0; i < count; i++)
        {
            if (position <= bytes.Length - sizeof(ulong))
            {
                ulong length = BinaryPrimitives.ReadUInt64LittleEndian(bytes[position..]);
                if (length <= (ulong)(bytes.Length - position - sizeof(ulong)))
                {
                    position += sizeof(ulong) + (int)length;
                    continue;
                }
            }

            _position = position;
            position += sizeof(ulong) + ReadStringLength($"element {i:N0} of '{key}'");
            bytes = _buffer.Bytes;
        }

        _position = position;
    }

    private GgufValueType ReadValueType(string key)
    {
        uint type = _buffer.ReadUInt32(_position, $"the type of '{key}'");
        if (!GgufValueTypes.IsDefined((GgufValueType)type))
            throw new GgufFormatException(_position, $"the type of '{key}' is {type}, which is none of the format's 13");

        _position += sizeof(uint);
        return (GgufValueType)type;
    }

    /// <summary>Reads a string's length and makes its bytes available; the position is then at the first of them.</summary>
    private int ReadStringLength(string what)
    {
        ulong length = _buffer.ReadUInt64(_position, what);
        int start = _position + sizeof(ulong);
        if (length > (ulong)Math.Max(0, _buffer.RemainingFrom(start)))
            throw new GgufFormatException(_position,
                $"{what} is {length:N0} bytes long, {_buffer.RemainingFrom(start):N0} are left", isTruncated: true);

        _buffer.Require(start, (long)length, what);
        _position = start;
        return (int)length;
    }

    /// <summary>
    /// Reads a key or a tensor's name. C code ends such a string at a zero byte, so one within it would make two names of one.
    /// </summary>
    private string ReadName(int maximumLength, string what)
    {
        int start = _position;
        ulong length = _buffer.ReadUInt64(start, what);
        if (length > (ulong)maximumLength)
            throw new GgufFormatException(start, $"{what} is {length:N0} bytes long, the most is {maximumLength:N0}");

        _buffer.Require(start + sizeof(ulong), (long)length, what);
        ReadOnlySpan<byte> utf8 = _buffer.Bytes.Slice(start + sizeof(ulong), (int)length);
        if (!Utf8.IsValid(utf8))
            throw new GgufFormatException(start, $"{what} is not valid UTF-8");
        if (utf8.Contains((byte)0))
            throw new GgufFormatException(start, $"{what} contains a zero byte");

        _position = start + sizeof(ulong) + (int)length;
        return Encoding.UTF8.GetString(utf8);
    }

    private readonly int ReadAlignment(List<GgufMetadataSlot> slots, Dictionary<string, int> index)
    {
        if (!index.TryGetValue("general.alignment", out int i))
            return DefaultAlignment;

        GgufMetadataSlot slot = slots[i];
        if (slot.Type != GgufValueType.UInt32)
            throw new GgufFormatException(slot.Start, $"'general.alignment' is of type {slot.Type}, not {GgufValueType.UInt32}");

        uint alignment = BinaryPrimitives.ReadUInt32LittleEndian(_buffer.Bytes[slot.Start..]);
        if (!BitOperations.IsPow2(alignment) || alignment > int.MaxValue)
            throw new GgufFormatException(slot.Start, $"'general.alignment' is {alignment}, not a power of two");

        return (int)alignment;
    }

    private GgufTensorInfo ReadTensor(int alignment)
    {
        int start = _position;
        string name = ReadName(MaximumTensorNameLength, "a tensor's name");
        uint dimensionCount = _buffer.ReadUInt32(_position, $"the shape of '{name}'");
        if (dimensionCount > MaximumDimensions)
            throw new GgufFormatException(_position,
                $"the tensor '{name}' has {dimensionCount} dimensions, the most is {MaximumDimensions}");

        _position += sizeof(uint);
        long[] dimensions = new long[dimensionCount];
        for (int i = 0; i < dimensions.Length; i++, _position += sizeof(ulong))
        {
            ulong dimension = _buffer.ReadUInt64(_position, $"the shape of '{name}'");
            if (dimension > long.MaxValue)
                throw new GgufFormatException(_position, $"the tensor '{name}' has a dimension of {dimension:N0}");

            dimensions[i] = (long)dimension;
        }

        uint type = _buffer.ReadUInt32(_position, $"the type of '{name}'");
        if (!GgmlTypes.IsDefined((GgmlType)type))
            throw new GgufFormatException(_position,
                $"the tensor '{name}' is of type {type}, which is unknown or was removed from the format");

        _position += sizeof(uint);
        ulong offset = _buffer.ReadUInt64(_position, $"the offset of '{name}'");
        if (offset > long.MaxValue || offset % (uint)alignment != 0)
            throw new GgufFormatException(_position, $"the data of '{name}' is at {offset:N0}, not a multiple of {alignment}");

        _position += sizeof(ulong);
        return GgufTensorInfo.TryCreate(name, dimensions, (GgmlType)type, (long)offset, out GgufTensorInfo? tensor, out string? fault)
            ? tensor
            : throw new GgufFormatException(start, fault);
    }

    private readonly void CheckTensorsFit(List<GgufTensorInfo> tensors, long dataOffset)
    {
        if (_buffer.FileLength is not { } fileLength)
            return;

        long available = Math.Max(0, fileLength - dataOffset);
        foreach (GgufTensorInfo tensor in tensors)
        {
            if (tensor.ByteSize > available || tensor.Offset > available - tensor.ByteSize)
            {
                string place = $"{tensor.ByteSize:N0} bytes at {tensor.Offset:N0} of the tensor data";
                string reason = $"the data of '{tensor.Name}' takes {place}, of which the file has {available:N0}";
                throw new GgufFormatException(fileLength, reason, isTruncated: true);
            }
        }
    }

    private static long AlignUp(long value, long alignment) => (value + alignment - 1) & -alignment;
}
