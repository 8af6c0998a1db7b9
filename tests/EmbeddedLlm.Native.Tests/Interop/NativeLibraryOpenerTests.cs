using EmbeddedLlm.Interop;

namespace EmbeddedLlm.Native.Tests.Interop;

public sealed class NativeLibraryOpenerTests
{
    private static string LlamaFile { get; } = NativePlatform.FilePrefix + "llama" + NativePlatform.FileExtension;

    [Fact]
    public void EveryFolderTriedIsListedInOrder()
    {
        using TemporaryFolder empty = TestPaths.CreateFolder();
        string missing = Path.Combine(empty.Path, "missing");

        NativeLibraryException failure = Assert.Throws<NativeLibraryException>(() => NativeLibraryOpener.Open([missing, empty.Path]));

        Assert.Equal([missing, empty.Path], failure.PathsTried);
        Assert.Contains($"{missing}: there is no such folder", failure.Message, StringComparison.Ordinal);
        Assert.Contains($"{empty.Path}: there is no ", failure.Message, StringComparison.Ordinal);
        Assert.Contains(NativeLibraryLoader.FolderVariable, failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("llama")]
    [InlineData("ggml")]
    [InlineData("ggml-base")]
    public void AFileThatIsNoLibraryIsCalledDamagedBeforeAnythingIsOpened(string damaged)
    {
        using TemporaryFolder folder = CreateOtherLibraries();
        string file = folder.Write(NativePlatform.FilePrefix + damaged + NativePlatform.FileExtension, "not a library"u8);

        NativeLibraryException failure = Assert.Throws<NativeLibraryException>(() => NativeLibraryOpener.Open([folder.Path]));

        Assert.Equal([file], failure.PathsTried);
        Assert.Contains("the file is damaged, or for another system", failure.Message, StringComparison.Ordinal);
        Assert.False(failure.IsFinal);
    }

    /// <summary>Opened, it would end the process.</summary>
    [Theory]
    [InlineData("llama")]
    [InlineData("ggml-base")]
    public void AFileThatWasCutShortIsRefusedBeforeAnythingIsOpened(string damaged)
    {
        Assert.SkipWhen(OperatingSystem.IsMacOS(), "what a Mach-O file must hold is not read");
        using TemporaryFolder folder = CreateOtherLibraries();
        string file = folder.PathOf(NativePlatform.FilePrefix + damaged + NativePlatform.FileExtension);
        byte[] whole = File.ReadAllBytes(file);
        File.WriteAllBytes(file, whole[..(whole.Length / 2)]);

        NativeLibraryException failure = Assert.Throws<NativeLibraryException>(() => NativeLibraryOpener.Open([folder.Path]));

        Assert.Equal([file], failure.PathsTried);
        Assert.Contains("it was cut short", failure.Message, StringComparison.Ordinal);
        Assert.False(failure.IsFinal);
    }

    [Fact]
    public void ALibraryWithoutItsCompanionsIsRefused()
    {
        using TemporaryFolder folder = TestPaths.CreateFolder();
        folder.Write(LlamaFile, "anything"u8);

        NativeLibraryException failure = Assert.Throws<NativeLibraryException>(() => NativeLibraryOpener.Open([folder.Path]));

        Assert.Contains("which it needs, is not beside it", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ALibraryThatIsNotLlamaIsRefusedAndNoOtherFolderTried()
    {
        using TemporaryFolder folder = CreateOtherLibraries();

        NativeLibraryException failure = Assert.Throws<NativeLibraryException>(() => NativeLibraryOpener.Open([folder.Path, NativeLibraryLoader.Load().Folder]));

        Assert.Contains("it does not say its version", failure.Message, StringComparison.Ordinal);
        Assert.Contains("no other folder can be tried", failure.Message, StringComparison.Ordinal);
        Assert.True(failure.IsFinal);
    }

    [Fact]
    public void AUsableFolderAfterUnusableOnesIsTaken()
    {
        using TemporaryFolder empty = TestPaths.CreateFolder();
        string folder = NativeLibraryLoader.Load().Folder;

        Assert.Equal(folder, NativeLibraryOpener.Open([empty.Path, folder]).Folder);
    }

    [Theory]
    [InlineData("llama", "", true)]
    [InlineData("llama", ".v0.4.0", true)]
    [InlineData("llama", ".cuda.v0.4.0", true)]
    [InlineData("llama", "-common", false)]
    [InlineData("ggml", "", true)]
    [InlineData("ggml", "-base", false)]
    [InlineData("ggml", "-cpu-haswell", false)]
    public void LibrariesAreFoundByNameVariantAndVersion(string name, string rest, bool found)
    {
        using TemporaryFolder folder = TestPaths.CreateFolder();
        folder.Write(NativePlatform.FilePrefix + name + rest + NativePlatform.FileExtension);

        Assert.Equal(found, NativePlatform.FindLibraryFiles(folder.Path, name).Count == 1);
    }

    [Fact]
    public void ThePlainLibraryComesBeforeVariants()
    {
        using TemporaryFolder folder = TestPaths.CreateFolder();
        folder.Write(NativePlatform.FilePrefix + "llama.cuda.v0.4.0" + NativePlatform.FileExtension);
        string plain = folder.Write(NativePlatform.FilePrefix + "llama.v0.4.0" + NativePlatform.FileExtension);

        Assert.Equal(plain, NativePlatform.FindLibraryFiles(folder.Path, "llama")[0]);
    }

    /// <summary>Real libraries under the names of llama.cpp's, but the .NET runtime's: ggml's own would meddle with the one in use.</summary>
    private static TemporaryFolder CreateOtherLibraries()
    {
        TemporaryFolder folder = TestPaths.CreateFolder();
        string other = Path.Combine(Path.GetDirectoryName(typeof(object).Assembly.Location)!, NativePlatform.FilePrefix + "System.IO.Compression.Native" + NativePlatform.FileExtension);
        foreach (string name in (string[])["llama", "ggml", "ggml-base"])
            File.Copy(other, folder.PathOf(NativePlatform.FilePrefix + name + NativePlatform.FileExtension));
        return folder;
    }
}
