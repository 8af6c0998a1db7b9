using System.Buffers.Binary;
using EmbeddedLlm.Interop;

namespace EmbeddedLlm.Native.Tests.Interop;

public sealed class LibraryImageTests
{
    /// <summary>The oracle is the system: a library of this machine is loaded by it, so what it needs is there.</summary>
    [Fact]
    public void AnElfFileNamesWhatItNeeds()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "ELF is Linux's format");
        string folder = NativeLibraryLoader.Load().Folder;
        LibraryImage image = LibraryImage.Read(NativePlatform.FindLibraryFiles(folder, "llama")[0])!;
        Assert.True(image.IsWhole);
        Assert.Contains("libggml-base.so", image.Needed);
        Assert.Contains("libc.so.6", image.Needed);
        Assert.All(image.Needed, name => Assert.Matches(@"^[\w.+-]+\.so[\d.]*$", name));
    }

    [Fact]
    public void APeFileNamesWhatItNeeds()
    {
        using TemporaryFolder folder = new();
        LibraryImage image = LibraryImage.Read(folder.Write("ggml-cuda.dll", Pe("ggml-base.dll", "cublas64_13.dll")))!;
        Assert.True(image.IsWhole);
        Assert.Equal(["ggml-base.dll", "cublas64_13.dll"], image.Needed);
    }

    [Fact]
    public void APeFileThatWasCutShortIsNotWhole()
    {
        using TemporaryFolder folder = new();
        Assert.False(LibraryImage.Read(folder.Write("ggml-cuda.dll", Pe("ggml-base.dll").AsSpan()[..^1]))!.IsWhole);
    }

    /// <summary>Every byte of the headers, changed in turn, and every length: nothing but an image or none comes out.</summary>
    [Fact]
    public void DamagedFilesAreReadWithoutHarm()
    {
        using TemporaryFolder folder = new();
        byte[] pe = Pe("ggml-base.dll", "cublas64_13.dll");
        string path = folder.PathOf("library");
        foreach (byte[] file in OperatingSystem.IsLinux() ? [pe, Elf()] : (byte[][])[pe])
        {
            for (int i = 0; i < file.Length; i += i < 1024 ? 1 : 37)
            {
                foreach (byte value in (ReadOnlySpan<byte>)[0, 0x7F, 0xFF])
                {
                    byte[] damaged = [.. file];
                    damaged[i] = value;
                    File.WriteAllBytes(path, damaged);
                    Assert.True(LibraryImage.Read(path) is null or { Needed.Count: <= 256 });
                }

                File.WriteAllBytes(path, file[..i]);
                Assert.True(LibraryImage.Read(path) is null or { Needed.Count: <= 256 });
            }
        }
    }

    [Fact]
    public void OtherFilesAreNoImage()
    {
        using TemporaryFolder folder = new();
        Assert.Null(LibraryImage.Read(folder.Write("text", "not a library, but long enough to be one, if only it began like one of them"u8)));
        Assert.Null(LibraryImage.Read(folder.PathOf("missing")));
    }

    /// <summary>The start of a real file with its headers, and nothing of what they speak of.</summary>
    private static byte[] Elf()
    {
        using FileStream stream = File.OpenRead(Path.Combine(NativeLibraryLoader.Load().Folder, "libggml-base.so"));
        byte[] start = new byte[2048];
        stream.ReadExactly(start);
        return start;
    }

    /// <summary>Headers, one section, and in it the import directory and the names.</summary>
    private static byte[] Pe(params string[] libraries)
    {
        const int Signature = 0x80;
        const int Optional = Signature + 24;
        const int OptionalSize = 240;
        const int Section = Optional + OptionalSize;
        const int Raw = 512;
        const int Address = 0x1000;
        byte[] file = new byte[Raw + 512];
        "MZ"u8.CopyTo(file);
        Write32(0x3C, Signature);
        "PE\0\0"u8.CopyTo(file.AsSpan(Signature));
        Write16(Signature + 4, 0x8664);
        Write16(Signature + 6, 1);
        Write16(Signature + 20, OptionalSize);
        Write16(Optional, 0x20B);
        Write32(Optional + 120, Address);
        Write32(Section + 12, Address);
        Write32(Section + 16, 512);
        Write32(Section + 20, Raw);
        int name = 20 * (libraries.Length + 1);
        for (int i = 0; i < libraries.Length; i++)
        {
            Write32(Raw + (20 * i) + 12, Address + name);
            System.Text.Encoding.ASCII.GetBytes(libraries[i]).CopyTo(file, Raw + name);
            name += libraries[i].Length + 1;
        }

        return file;

        void Write32(int at, int value) => BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(at), value);
        void Write16(int at, int value) => BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(at), (ushort)value);
    }
}
