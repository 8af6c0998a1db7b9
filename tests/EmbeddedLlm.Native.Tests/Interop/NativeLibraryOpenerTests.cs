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

    [Fact]
    public void AFileThatIsNoLibraryIsCalledDamaged()
    {
        using TemporaryFolder folder = CopyWithoutLlama();
        string file = folder.Write(LlamaFile, "not a library"u8);

        NativeLibraryException failure = Assert.Throws<NativeLibraryException>(() => NativeLibraryOpener.Open([folder.Path]));

        Assert.Equal([file], failure.PathsTried);
        Assert.Contains("the file is damaged, or for another system", failure.Message, StringComparison.Ordinal);
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
    public void ALibraryThatIsNotLlamaIsRefused()
    {
        using TemporaryFolder folder = CopyWithoutLlama();
        File.Copy(NativePlatform.FindLibraryFiles(folder.Path, "ggml-base")[0], Path.Combine(folder.Path, LlamaFile));

        NativeLibraryException failure = Assert.Throws<NativeLibraryException>(() => NativeLibraryOpener.Open([folder.Path]));

        Assert.Contains("it does not say its version", failure.Message, StringComparison.Ordinal);
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

    private static TemporaryFolder CopyWithoutLlama()
    {
        TemporaryFolder folder = TestPaths.CreateFolder();
        string source = NativeLibraryLoader.Load().Folder;
        foreach (string file in NativePlatform.FindLibraryFiles(source, "ggml").Concat(NativePlatform.FindLibraryFiles(source, "ggml-base")))
            File.Copy(file, Path.Combine(folder.Path, Path.GetFileName(file)));
        return folder;
    }
}
