using System.Runtime.InteropServices;
using EmbeddedLlm.Interop;

namespace EmbeddedLlm.Native.Tests.Interop;

public sealed unsafe class NativeAbiTests
{
    [Theory]
    [InlineData("0.4.0", true)]
    [InlineData("0.4.0-dev", true)]
    [InlineData("0.5.12", true)]
    [InlineData("0.3.9", false)]
    [InlineData("0.6.0", false)]
    [InlineData("0.40.1", false)]
    [InlineData("1.4.0", false)]
    [InlineData("", false)]
    [InlineData(null, false)]
    public void OnlyComparedVersionsAreAccepted(string? version, bool accepted) => Assert.Equal(accepted, NativeAbi.IsSupportedVersion(version));

    [Fact]
    public void ThePackagedLibraryHasTheExpectedLayouts()
    {
        NativeLibraries libraries = NativeLibraryLoader.Load();
        Assert.Null(NativeAbi.FindProblem(libraries.Llama, libraries.Version));
        Assert.Null(NativeAbi.FindQuantizationProblem(libraries.Llama));
    }

    [Fact]
    public void ALibraryOfAnotherVersionIsRefusedByItsVersion() =>
        Assert.Contains("0.3.9", NativeAbi.FindProblem(NativeLibraryLoader.Load().Llama, "0.3.9"), StringComparison.Ordinal);

    [Fact]
    public void ALibraryWithoutTheFunctionsIsRefused() =>
        Assert.Contains("llama_model_default_params", NativeAbi.FindProblem(NativeLibraryLoader.Load().GgmlBase, "0.4.0"), StringComparison.Ordinal);

    /// <summary>A struct that is 8 bytes longer than ours, as a build from other sources would return it.</summary>
    [Fact]
    public void AStructOfAnotherSizeIsRefused()
    {
        Assert.SkipUnless(RuntimeInformation.ProcessArchitecture == Architecture.X64, "measured on x64 only");
        string? problem = NativeAbi.FindProblem<LongerModelParams>(NativeLibraryLoader.Load().Llama, "llama_model_default_params", _ => true);
        Assert.Contains("has 80 bytes where 88 were expected", problem, StringComparison.Ordinal);
    }

    [Fact]
    public void DefaultsThatAreNotTheExpectedOnesAreRefused() =>
        Assert.Contains(
            "the defaults in its llama_context_params",
            NativeAbi.FindProblem<llama_context_params>(NativeLibraryLoader.Load().Llama, "llama_context_default_params", defaults => defaults.n_ctx != 512),
            StringComparison.Ordinal);

    [Fact]
    public void StructsHaveTheSizesThatTheHeadersGive()
    {
        Assert.Equal(80, sizeof(llama_model_params));
        Assert.Equal(160, sizeof(llama_context_params));
        Assert.Equal(64, sizeof(llama_model_quantize_params));
        Assert.Equal(56, sizeof(llama_batch));
        Assert.Equal(12, sizeof(llama_token_data));
        Assert.Equal(32, sizeof(llama_token_data_array));
        Assert.Equal(1, sizeof(llama_sampler_chain_params));
        Assert.Equal(264, sizeof(llama_model_kv_override));
        Assert.Equal(48, sizeof(llama_perf_context_data));
        Assert.Equal(528, sizeof(ggml_threadpool_params));
    }

    private readonly record struct LongerModelParams(llama_model_params Known, long Added);
}
