using EmbeddedLlm.SyntheticModels;

namespace EmbeddedLlm.Native.Tests.Cli;

public sealed class QuantizeCommandTests
{
    [Fact]
    public async Task AModelIsQuantisedAndTheSizesAreSaid()
    {
        using TemporaryFolder folder = new();
        string source = folder.PathOf("in.gguf");
        SyntheticModel.Write(source, SyntheticShape.Small with { Mix = SyntheticMix.F16 }, SyntheticVocabulary.ByteLevel(512));
        CliResult result = await CliProcess.RunAsync("quantize", source, folder.PathOf("out.gguf"), "q4_k_m");
        Assert.Equal(("", 0), (result.Output, result.ExitCode));
        Assert.Contains("became", result.Error, StringComparison.Ordinal);
        CliResult again = await CliProcess.RunAsync("quantize", source, folder.PathOf("out.gguf"), "Q8_0");
        Assert.Equal(1, again.ExitCode);
        Assert.Contains("is there already", again.Error, StringComparison.Ordinal);
        Assert.Equal(0, (await CliProcess.RunAsync("quantize", source, folder.PathOf("out.gguf"), "Q8_0", "--overwrite")).ExitCode);
    }

    [Fact]
    public async Task TheSizeOfASplitModelIsThatOfAllItsFiles()
    {
        using TemporaryFolder folder = new();
        string whole = folder.PathOf("in.gguf");
        SyntheticModel.Write(whole, SyntheticShape.Small with { Mix = SyntheticMix.F16 }, SyntheticVocabulary.ByteLevel(512));
        CliResult expected = await CliProcess.RunAsync("quantize", whole, folder.PathOf("a.gguf"), "q8_0");
        CliResult result = await CliProcess.RunAsync("quantize", SplitModel.Write(whole, count: 2)[0], folder.PathOf("b.gguf"), "q8_0");
        Assert.Equal((expected.Error, 0), (result.Error, result.ExitCode));
    }

    [Theory]
    [InlineData("Q4_X")]
    [InlineData("15")]
    public async Task AnUnknownTypeIsAWrongCommandLine(string type)
    {
        CliResult result = await CliProcess.RunAsync("quantize", "in.gguf", "out.gguf", type);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains($"There is no type '{type}'; there are", result.Error, StringComparison.Ordinal);
    }
}
