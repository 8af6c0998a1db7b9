using System.Runtime.InteropServices;
using EmbeddedLlm.Interop;

namespace EmbeddedLlm.Native.Tests.Interop;

public sealed class LoadFailureTests
{
    [Theory]
    [InlineData(0x3E, Architecture.X64)]
    [InlineData(0xB7, Architecture.Arm64)]
    public void AnElfHeaderNamesItsMachine(byte machine, Architecture expected)
    {
        byte[] header = new byte[64];
        "\u007fELF"u8.CopyTo(header);
        header[18] = machine;

        Assert.Equal(("ELF", expected), LoadFailure.ReadHeader(header));
    }

    [Theory]
    [InlineData(0x64, 0x86, Architecture.X64)]
    [InlineData(0x64, 0xAA, Architecture.Arm64)]
    public void APeHeaderNamesItsMachine(byte low, byte high, Architecture expected)
    {
        byte[] header = new byte[256];
        "MZ"u8.CopyTo(header);
        header[0x3C] = 0x80;
        "PE\0\0"u8.CopyTo(header.AsSpan(0x80));
        header[0x84] = low;
        header[0x85] = high;

        Assert.Equal(("PE", expected), LoadFailure.ReadHeader(header));
    }

    [Theory]
    [InlineData(0x07, Architecture.X64)]
    [InlineData(0x0C, Architecture.Arm64)]
    public void AMachOHeaderNamesItsMachine(byte machine, Architecture expected) =>
        Assert.Equal(("Mach-O", expected), LoadFailure.ReadHeader([0xCF, 0xFA, 0xED, 0xFE, machine, 0, 0, 1]));

    [Theory]
    [InlineData(new byte[0])]
    [InlineData(new byte[] { 0x7F, (byte)'E', (byte)'L', (byte)'F' })]
    [InlineData(new byte[] { 1, 2, 3, 4, 5, 6, 7, 8, 9 })]
    public void OtherHeadersNameNothing(byte[] header) => Assert.Equal((null, null), LoadFailure.ReadHeader(header));

    [Theory]
    [InlineData(int.MinValue)]
    [InlineData(-1)]
    [InlineData(int.MaxValue)]
    public void APeHeaderThatPointsOutsideItselfNamesNoMachine(int offset)
    {
        byte[] header = new byte[256];
        "MZ"u8.CopyTo(header);
        BitConverter.TryWriteBytes(header.AsSpan(0x3C), offset);

        Assert.Equal(("PE", null), LoadFailure.ReadHeader(header));
    }

    [Fact]
    public void AnotherMachinesLibraryIsToldApart()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "ELF is Linux's format");
        using TemporaryFolder folder = TestPaths.CreateFolder();
        byte[] header = new byte[64];
        "\u007fELF"u8.CopyTo(header);
        header[18] = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? (byte)0xB7 : (byte)0x3E;

        Assert.StartsWith("it is built for ", LoadFailure.Explain(folder.Write("libllama.so", header), "error"), StringComparison.Ordinal);
    }

    [Fact]
    public void AnOldCLibraryIsNamed()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "a matter of Linux");
        string explained = LoadFailure.Explain("libllama.so", "/lib/libc.so.6: version `GLIBC_2.34' not found (required by libllama.so)");
        Assert.Contains("glibc 2.34", explained, StringComparison.Ordinal);
    }
}
