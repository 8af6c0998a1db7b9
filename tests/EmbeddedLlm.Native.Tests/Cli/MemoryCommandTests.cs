using System.Text.Json;

namespace EmbeddedLlm.Native.Tests.Cli;

public sealed class MemoryCommandTests
{
    [Fact]
    public async Task FitShowsEachPartAndSucceedsWhereItFits()
    {
        CliResult result = await CliProcess.RunAsync("fit", "starter", "--context", "1024");
        string[] lines = Lines(result);
        Assert.Equal(0, result.ExitCode);
        Assert.Matches("^Device +Weights +KV cache +States +Compute +Logits +Total +Free +Fits$", lines[0]);
        Assert.Matches("^CPU .* yes$", lines[1]);
        Assert.StartsWith("Context 1,024 tokens, KV cache 1,024 tokens", lines[^1]);
    }

    [Fact]
    public async Task FitFailsWhereItDoesNotFit()
    {
        CliResult result = await CliProcess.RunAsync("fit", "starter", "--memory", "1");
        Assert.Equal(1, result.ExitCode);
        Assert.Matches("^CPU .* no$", Lines(result)[1]);
        Assert.EndsWith("Largest context that fits: 0 tokens.", Lines(result)[^1]);
    }

    [Fact]
    public async Task RecommendListsTheStarterModel()
    {
        CliResult result = await CliProcess.RunAsync("recommend");
        Assert.Equal(0, result.ExitCode);
        Assert.Contains(Lines(result), line => line.StartsWith("starter ", StringComparison.Ordinal) && line.Contains("0.92 M", StringComparison.Ordinal));
    }

    /// <summary>Of a mixture of experts a token reads a part of the weights. Both are of about one size, and are not on this machine.</summary>
    [Fact]
    public async Task AMixtureOfExpertsIsFasterThanADenseModelOfItsSize()
    {
        IReadOnlyList<ModelRecommendation> models = await EmbeddedModel.RecommendAsync(new EmbeddedModelOptions { MemoryLimit = 1L << 40, GpuLayers = 0 }, TestContext.Current.CancellationToken);

        Assert.InRange(Speed("qwen3-30b-a3b") / Speed("qwen3-32b"), 8, 12);

        double Speed(string name) => models.Single(model => model.Name == name).TokensPerSecond!.Value;
    }

    [Fact]
    public async Task InspectShowsMetadataTensorsTokensAndTheTemplate()
    {
        CliResult result = await CliProcess.RunAsync("inspect", "starter");
        Assert.Equal(0, result.ExitCode);
        Assert.Matches("general.architecture +String +llama", result.Output);
        Assert.Matches("(?m)^all +[0-9]+ +0.92 M", result.Output);
        Assert.Matches("(?m)^eos +[0-9]+ +\\S", result.Output);
        Assert.Contains("Chat template:", result.Output);
    }

    [Fact]
    public async Task InspectWritesJson()
    {
        CliResult result = await CliProcess.RunAsync("inspect", "starter", "--json");
        using JsonDocument json = JsonDocument.Parse(result.Output);
        Assert.Equal("llama", json.RootElement.GetProperty("architecture").GetString());
        Assert.Equal(918_656, json.RootElement.GetProperty("parameters").GetInt64());
        Assert.Equal(918_656, json.RootElement.GetProperty("tensors").EnumerateArray().Sum(tensor => tensor.GetProperty("shape").EnumerateArray().Aggregate(1L, (product, each) => product * each.GetInt64())));
    }

    private static string[] Lines(CliResult result) => result.Output.TrimEnd().ReplaceLineEndings("\n").Split('\n');
}
