using EmbeddedLlm.Interop;

namespace EmbeddedLlm.Native.Tests.Interop;

public sealed class NativeLibraryLoaderTests
{
    [Fact]
    public void ThePackagedLibrariesLoad() => Assert.True(NativeAbi.IsSupportedVersion(NativeLibraryLoader.Load().Version));

    [Fact]
    public void LoadingAgainGivesTheSameLibraries() => Assert.Same(NativeLibraryLoader.Load(), NativeLibraryLoader.Load());

    [Fact]
    public void LoadingAgainFromTheSameFolderGivesTheSameLibraries()
    {
        NativeLibraries first = NativeLibraryLoader.Load();
        Assert.Same(first, NativeLibraryLoader.Load(first.Folder + Path.DirectorySeparatorChar));
    }

    [Fact]
    public void LoadingFromAnotherFolderIsRefused()
    {
        NativeLibraries first = NativeLibraryLoader.Load();
        using TemporaryFolder other = TestPaths.CreateFolder();

        var refusal = Assert.Throws<InvalidOperationException>(() => NativeLibraryLoader.Load(other.Path));

        Assert.Contains(first.Folder, refusal.Message, StringComparison.Ordinal);
        Assert.Contains(other.Path, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ManyThreadsGetTheSameLibraries()
    {
        NativeLibraries[] loaded = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Run(() => NativeLibraryLoader.Load())));
        Assert.Single(loaded.Distinct());
    }

    [Fact]
    public void TheCpuIsADevice()
    {
        NativeLibraryLoader.Load();
        BackendDevice cpu = Assert.Single(BackendDevice.List(), device => device.Type == ggml_backend_dev_type.CPU);
        Assert.Equal("CPU", cpu.Backend);
        Assert.True(cpu.MemoryTotal > 0);
    }

    [Fact]
    public void AGivenFolderIsTheOnlyOneTried()
    {
        string folder = Path.GetFullPath("given");
        Assert.All(NativeLibraryLoader.FindFolders(folder), tried => Assert.StartsWith(folder, tried, StringComparison.Ordinal));
    }

    [Fact]
    public void WithoutAGivenFolderTheAppsOwnIsTriedFirst()
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable(NativeLibraryLoader.FolderVariable) is null, "the environment names a folder");
        Assert.Equal(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory), NativeLibraryLoader.FindFolders(folder: null)[0]);
    }
}
