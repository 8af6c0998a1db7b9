using System.Buffers.Binary;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace EmbeddedLlm.Interop;

/// <summary>
/// What a library's file says of itself, before anything is loaded. The system maps a file that was cut short as if it were whole, and the process ends where the missing part is first touched.
/// </summary>
/// <param name="Length">The bytes that the file has.</param>
/// <param name="LeastLength">The bytes that the file must have for all that is mapped to be in it.</param>
/// <param name="Needed">The libraries that it names as needed, in its order; the first 256.</param>
internal sealed record LibraryImage(long Length, long LeastLength, IReadOnlyList<string> Needed)
{
    private const int MostNeeded = 256;
    private const int LongestName = 256;

    /// <summary>Whether all that is mapped is there.</summary>
    public bool IsWhole => Length >= LeastLength;

    /// <summary>Reads an ELF file of 64 bits or a PE32+ file; null where it is neither, is damaged or cannot be read.</summary>
    public static LibraryImage? Read(string path)
    {
        try
        {
            using SafeFileHandle file = File.OpenHandle(path);
            Span<byte> start = stackalloc byte[64];
            if (RandomAccess.Read(file, start, 0) < start.Length)
                return null;
            if (start.StartsWith("\u007fELF\u0002\u0001"u8))
                return ReadElf(file, start);
            return start.StartsWith("MZ"u8) ? ReadPe(file, BinaryPrimitives.ReadUInt32LittleEndian(start[0x3C..])) : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>System V ABI, chapters 4 and 5: program headers, and the dynamic section.</summary>
    private static LibraryImage? ReadElf(SafeFileHandle file, ReadOnlySpan<byte> header)
    {
        const int EntrySize = 56;
        const uint Load = 1;
        const uint Dynamic = 2;
        long table = BinaryPrimitives.ReadInt64LittleEndian(header[32..]);
        int count = BinaryPrimitives.ReadUInt16LittleEndian(header[56..]);
        if (table < 0 || BinaryPrimitives.ReadUInt16LittleEndian(header[54..]) != EntrySize)
            return null;
        long least = table + (count * EntrySize);
        byte[] entries = new byte[Math.Min(count, 256) * EntrySize];
        if (RandomAccess.Read(file, entries, table) < entries.Length)
            return new LibraryImage(RandomAccess.GetLength(file), least, []);

        List<Section> sections = [];
        Section dynamic = default;
        for (int i = 0; i < entries.Length; i += EntrySize)
        {
            ReadOnlySpan<byte> entry = entries.AsSpan(i, EntrySize);
            Section section = new(
                BinaryPrimitives.ReadInt64LittleEndian(entry[16..]), BinaryPrimitives.ReadInt64LittleEndian(entry[8..]), BinaryPrimitives.ReadInt64LittleEndian(entry[32..]));
            if (section.Offset < 0 || section.Length < 0 || section.Offset > long.MaxValue - section.Length)
                return null;
            switch (BinaryPrimitives.ReadUInt32LittleEndian(entry))
            {
                case Load:
                    sections.Add(section);
                    least = Math.Max(least, section.Offset + section.Length);
                    break;
                case Dynamic:
                    dynamic = section;
                    break;
            }
        }

        long length = RandomAccess.GetLength(file);
        return new LibraryImage(length, least, length < least ? [] : ReadElfNeeded(file, dynamic, sections));
    }

    private static List<string> ReadElfNeeded(SafeFileHandle file, Section dynamic, List<Section> sections)
    {
        const int EntrySize = 16;
        byte[] entries = new byte[Math.Min(dynamic.Length, 1 << 16) / EntrySize * EntrySize];
        List<long> names = [];
        long strings = -1;
        if (RandomAccess.Read(file, entries, dynamic.Offset) < entries.Length)
            return [];
        for (int i = 0; i < entries.Length; i += EntrySize)
        {
            long value = BinaryPrimitives.ReadInt64LittleEndian(entries.AsSpan(i + 8));
            switch (BinaryPrimitives.ReadInt64LittleEndian(entries.AsSpan(i)))
            {
                case 0: // DT_NULL
                    i = entries.Length;
                    break;
                case 1 when names.Count < MostNeeded: // DT_NEEDED
                    names.Add(value);
                    break;
                case 5: // DT_STRTAB
                    strings = Find(sections, value);
                    break;
            }
        }

        return strings < 0 ? [] : [.. names.Select(name => ReadName(file, strings + name)).Where(name => name.Length > 0)];
    }

    /// <summary>Microsoft's PE format: section table and import directory. Libraries that are loaded late are not in it.</summary>
    private static LibraryImage? ReadPe(SafeFileHandle file, long signature)
    {
        const int HeaderSize = 24;
        const int SectionSize = 40;
        const int OptionalSize = 128;
        byte[] header = new byte[HeaderSize + OptionalSize];
        if (RandomAccess.Read(file, header, signature) < header.Length || !header.AsSpan().StartsWith("PE\0\0"u8))
            return null;
        ReadOnlySpan<byte> optional = header.AsSpan(HeaderSize);
        if (BinaryPrimitives.ReadUInt16LittleEndian(optional) != 0x20B)
            return null;

        int count = Math.Min(BinaryPrimitives.ReadUInt16LittleEndian(header.AsSpan(6)), (ushort)256);
        long table = signature + HeaderSize + BinaryPrimitives.ReadUInt16LittleEndian(header.AsSpan(20));
        byte[] entries = new byte[count * SectionSize];
        if (RandomAccess.Read(file, entries, table) < entries.Length)
            return new LibraryImage(RandomAccess.GetLength(file), table + entries.Length, []);
        List<Section> sections = [];
        long least = table + entries.Length;
        for (int i = 0; i < entries.Length; i += SectionSize)
        {
            ReadOnlySpan<byte> entry = entries.AsSpan(i, SectionSize);
            Section section = new(
                BinaryPrimitives.ReadUInt32LittleEndian(entry[12..]), BinaryPrimitives.ReadUInt32LittleEndian(entry[20..]), BinaryPrimitives.ReadUInt32LittleEndian(entry[16..]));
            sections.Add(section);
            least = Math.Max(least, section.Offset + section.Length);
        }

        // The second data directory.
        long imports = Find(sections, BinaryPrimitives.ReadUInt32LittleEndian(optional[120..]));
        long length = RandomAccess.GetLength(file);
        return new LibraryImage(length, least, imports < 0 || length < least ? [] : ReadPeNeeded(file, imports, sections));
    }

    private static List<string> ReadPeNeeded(SafeFileHandle file, long imports, List<Section> sections)
    {
        const int EntrySize = 20;
        List<string> names = [];
        Span<byte> entry = stackalloc byte[EntrySize];
        for (long at = imports; names.Count < MostNeeded && RandomAccess.Read(file, entry, at) == EntrySize; at += EntrySize)
        {
            uint address = BinaryPrimitives.ReadUInt32LittleEndian(entry[12..]);
            if (address == 0 || Find(sections, address) is var name && name < 0 || ReadName(file, name) is not { Length: > 0 } text)
                break;
            names.Add(text);
        }

        return names;
    }

    /// <summary>Where in the file an address of memory is; -1 where nowhere.</summary>
    private static long Find(List<Section> sections, long address)
    {
        foreach (Section section in sections)
        {
            if (address >= section.Address && address - section.Address < section.Length)
                return section.Offset + (address - section.Address);
        }

        return -1;
    }

    private static string ReadName(SafeFileHandle file, long offset)
    {
        Span<byte> bytes = stackalloc byte[LongestName];
        if (offset < 0)
            return "";
        bytes = bytes[..RandomAccess.Read(file, bytes, offset)];
        int end = bytes.IndexOf((byte)0);
        return end < 0 ? "" : Encoding.UTF8.GetString(bytes[..end]);
    }

    /// <summary>A part of the file, and the address that it has in memory.</summary>
    private readonly record struct Section(long Address, long Offset, long Length);
}
