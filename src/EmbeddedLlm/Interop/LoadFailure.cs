using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace EmbeddedLlm.Interop;

/// <summary>Turns the system's reason for refusing a library into what to do about it.</summary>
internal static class LoadFailure
{
    public static string Explain(string file, string error)
    {
        error = error.ReplaceLineEndings(" ").Trim();
        return FindHint(file, error) is { } hint ? $"{hint} ({error})" : error;
    }

    /// <summary>Why a file cannot be a library for this process, as far as its header tells; null where nothing speaks against it.</summary>
    public static string? FindWrongImage(string file)
    {
        if (ReadImage(file) is not { } image)
            return null;
        if (image.Format != ExpectedFormat)
            return $"it is {image.Format ?? "no library"}, not a {ExpectedFormat} library: the file is damaged, or for another system";
        if (image.Machine is { } machine && machine != RuntimeInformation.ProcessArchitecture)
            return $"it is built for {machine}, this process runs as {RuntimeInformation.ProcessArchitecture}";
        return LibraryImage.Read(file) is { IsWhole: false } library
            ? $"it was cut short: {library.Length} bytes are there, and it has at least {library.LeastLength}"
            : null;
    }

    private static string? FindHint(string file, string error)
    {
        if (FindWrongImage(file) is { } wrong)
            return wrong;
        if (error.Contains("GLIBC", StringComparison.Ordinal))
            return "this system's C or C++ library is too old: glibc 2.34 (Ubuntu 22.04, Debian 12, RHEL 9) or newer is needed";
        if (NativePlatform.IsMusl)
            return "it needs glibc, and this system uses musl";
        if (error.Contains("cannot open shared object file", StringComparison.Ordinal))
            return "a library that it needs is missing (on slim images libstdc++6 or libgcc-s1, as a rule)";
        if (error.Contains("0x8007007E", StringComparison.Ordinal))
            return "a library that it needs is missing (the Visual C++ runtime, as a rule)";
        return null;
    }

    private static string ExpectedFormat => OperatingSystem.IsWindows() ? "PE" : OperatingSystem.IsMacOS() ? "Mach-O" : "ELF";

    /// <summary>The format and machine that a file's header names; null where it cannot be read.</summary>
    private static (string? Format, Architecture? Machine)? ReadImage(string file)
    {
        try
        {
            using FileStream stream = File.OpenRead(file);
            Span<byte> header = stackalloc byte[1024];
            header = header[..stream.ReadAtLeast(header, header.Length, throwOnEndOfStream: false)];
            return ReadHeader(header);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>ELF: System V ABI, e_machine. PE: Microsoft's PE format, COFF header. Mach-O: mach-o/loader.h, cputype.</summary>
    internal static (string? Format, Architecture? Machine) ReadHeader(ReadOnlySpan<byte> header)
    {
        if (header.StartsWith("\u007fELF"u8) && header.Length >= 20)
        {
            return ("ELF", BinaryPrimitives.ReadUInt16LittleEndian(header[18..]) switch
            {
                0x3E => Architecture.X64,
                0xB7 => Architecture.Arm64,
                0x03 => Architecture.X86,
                0x28 => Architecture.Arm,
                _ => null,
            });
        }

        if (header.StartsWith("MZ"u8) && header.Length >= 0x40)
        {
            int signature = BinaryPrimitives.ReadInt32LittleEndian(header[0x3C..]);
            if (signature < 0 || signature > header.Length - 6 || !header[signature..].StartsWith("PE\0\0"u8))
                return ("PE", null);
            return ("PE", BinaryPrimitives.ReadUInt16LittleEndian(header[(signature + 4)..]) switch
            {
                0x8664 => Architecture.X64,
                0xAA64 => Architecture.Arm64,
                0x014C => Architecture.X86,
                _ => null,
            });
        }

        if (header.Length >= 8 && BinaryPrimitives.ReadUInt32LittleEndian(header) == 0xFEEDFACF)
        {
            return ("Mach-O", BinaryPrimitives.ReadUInt32LittleEndian(header[4..]) switch
            {
                0x01000007 => Architecture.X64,
                0x0100000C => Architecture.Arm64,
                _ => null,
            });
        }

        // A universal file holds several machines; the system picks.
        if (header.Length >= 8 && BinaryPrimitives.ReadUInt32BigEndian(header) == 0xCAFEBABE)
            return ("Mach-O", null);
        return (null, null);
    }
}
