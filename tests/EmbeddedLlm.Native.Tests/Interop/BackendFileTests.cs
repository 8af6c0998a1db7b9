using EmbeddedLlm.Interop;

namespace EmbeddedLlm.Native.Tests.Interop;

public sealed class BackendFileTests
{
    private static string Extension { get; } = OperatingSystem.IsWindows() ? ".dll" : ".so";

    [Theory]
    [InlineData("cuda", "cuda")]
    [InlineData("cuda12", "cuda")]
    [InlineData("cpu", "cpu")]
    [InlineData("cpu-haswell", "cpu")]
    [InlineData("vulkan", "vulkan")]
    [InlineData("metal", "metal")]
    [InlineData("base", null)]
    [InlineData("cudart", null)]
    [InlineData("other", null)]
    public void AFilesNameTellsItsBackend(string name, string? family) => Assert.Equal(family, BackendFile.FromPath(NameOf(name))?.Family);

    [Fact]
    public void BackendsAreFoundInAllFoldersByFamilyAndThenByName()
    {
        using TemporaryFolder first = new();
        using TemporaryFolder second = new();
        foreach (string name in (string[])["cpu-x64", "vulkan", "base"])
            first.Write(NameOf(name));
        foreach (string name in (string[])["cuda12", "vulkan", "cuda"])
            second.Write(NameOf(name));
        first.Write(NativePlatform.FilePrefix + "llama" + NativePlatform.FileExtension);

        IReadOnlyList<BackendFile> files = BackendFile.Find([first.Path, second.Path, Path.Combine(first.Path, "missing")]);

        Assert.Equal(["cpu-x64", "cuda", "cuda12", "vulkan"], files.Select(file => file.Name));
        Assert.Equal(first.PathOf(NameOf("vulkan")), files[3].Path);
    }

    [Theory]
    [InlineData(null, null)]
    [InlineData(" ", null)]
    [InlineData("cpu", "")]
    [InlineData("CUDA, vulkan", "cuda vulkan")]
    [InlineData("cuda;cpu", "cuda")]
    public void TheChoiceOfBackendsIsAList(string? list, string? names) =>
        Assert.Equal(names, BackendLoader.ReadChoice(list) is { } chosen ? string.Join(' ', chosen.Order()) : null);

    [Theory]
    [InlineData("libcudart.so.13", "CUDA 13 runtime", "EmbeddedLlm.Runtime.Cuda12")]
    [InlineData("cublas64_12.dll", "CUDA 12 runtime", "EmbeddedLlm.Runtime.Cuda.")]
    [InlineData("libcuda.so.1", "NVIDIA's driver", "driver")]
    [InlineData("nvcuda.dll", "NVIDIA's driver", "driver")]
    [InlineData("libvulkan.so.1", "Vulkan loader", "libvulkan1")]
    [InlineData("vulkan-1.dll", "Vulkan loader", "driver")]
    [InlineData("libother.so", "Install what brings them", "")]
    public void TheAdviceFitsWhatIsMissing(string library, string what, string also)
    {
        string? advice = BackendAdvice.For("cuda", [library], "");
        Assert.Contains(what, advice, StringComparison.Ordinal);
        Assert.Contains(also, advice, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("it found no device (ggml_cuda_init: failed to initialize CUDA: CUDA driver version is insufficient for CUDA runtime version)", "525 or newer")]
    [InlineData("it found no device (ggml_cuda_init: failed to initialize CUDA: no CUDA-capable device is detected)", "--gpus")]
    [InlineData("load_backend: failed to load x.so: x.so: undefined symbol: ggml_new", "another version of llama.cpp")]
    public void TheAdviceFitsWhatWasSaid(string reason, string what) => Assert.Contains(what, BackendAdvice.For("cuda", [], reason), StringComparison.Ordinal);

    private static string NameOf(string backend) => NativePlatform.FilePrefix + "ggml-" + backend + Extension;
}
