using System.Text;
using System.Text.Json;
using EmbeddedLlm.Gguf;

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

    /// <summary>As it is in an application that is compiled ahead of time; where llama.cpp computes attention, it does so with what the processor has all the same.</summary>
    [Fact]
    public async Task WhatDotNetMayUseOfTheProcessorMakesNoDifference()
    {
        string[] arguments = ["fit", "starter", "--context", "512", "--memory", "1000", "--keys", "BF16", "--values", "BF16"];
        CliResult usual = await CliProcess.RunAsync(arguments);
        using CliProcess less = CliProcess.StartWith(new Dictionary<string, string> { ["DOTNET_EnableAVX"] = "0" }, arguments);
        Assert.Equal(usual.Output, await less.Output.ReadToEndAsync(TestContext.Current.CancellationToken));
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

    /// <summary>None of these models is on this machine.</summary>
    [Theory]
    [InlineData(65_536, KvCacheType.F16, 8)]
    [InlineData(65_536, KvCacheType.F32, 16)]
    [InlineData(131_072, KvCacheType.F16, 16)]
    public async Task ALongContextTakesItsMemoryAlsoInAModelThatIsNotHere(int context, KvCacheType type, int gibibytes)
    {
        ModelRecommendation Of(IReadOnlyList<ModelRecommendation> models) => models.Single(model => model.Name == "llama-3.1-8b-instruct");
        EmbeddedModelOptions options = new() { MemoryLimit = 1L << 40, GpuLayers = 0, KeyCacheType = type, ValueCacheType = type };
        long without = Of(await EmbeddedModel.RecommendAsync(options, TestContext.Current.CancellationToken)).MemoryBytes;
        options.ContextLength = context;
        IReadOnlyList<ModelRecommendation> with = await EmbeddedModel.RecommendAsync(options, TestContext.Current.CancellationToken);
        // The header says 128 KiB for each token.
        Assert.InRange((Of(with).MemoryBytes - without) / (double)(1 << 30), gibibytes * 0.75, gibibytes * 1.25);

        options.MemoryLimit = without + (1 << 30);
        Assert.DoesNotContain(await EmbeddedModel.RecommendAsync(options, TestContext.Current.CancellationToken), model => model.Name == "llama-3.1-8b-instruct");
    }

    [Fact]
    public async Task AModelThatWasMadeForShorterContextsIsNotRecommended()
    {
        CliResult result = await CliProcess.RunAsync("recommend", "--context", "4096");
        Assert.Equal(0, result.ExitCode);
        Assert.DoesNotContain(Lines(result), line => line.StartsWith("starter ", StringComparison.Ordinal));
        Assert.Contains(Lines(result), line => line.StartsWith("qwen2.5-0.5b-instruct ", StringComparison.Ordinal));
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

    [Fact]
    public async Task InspectShowsNumbersOfArraysExactly()
    {
        using TemporaryFolder folder = new();
        GgufWriter writer = new();
        writer.AddArray("a.floats", [0.1f, -2.5f]);
        writer.AddArray("a.doubles", [0.1]);
        writer.AddArray("a.large", [long.MinValue + 1, (1L << 53) + 1]);
        writer.AddArray("a.largest", [ulong.MaxValue]);
        using (FileStream stream = File.Create(folder.PathOf("a.gguf")))
            writer.Write(stream);

        CliResult text = await CliProcess.RunAsync("inspect", folder.PathOf("a.gguf"));
        CliResult json = await CliProcess.RunAsync("inspect", folder.PathOf("a.gguf"), "--json");

        Assert.Matches("(?m)^a.floats +Float32\\[2\\] +0.1, -2.5\\s*$", text.Output);
        Assert.Matches("(?m)^a.doubles +Float64\\[1\\] +0.1\\s*$", text.Output);
        Assert.Matches("(?m)^a.large +Int64\\[2\\] +-9223372036854775807, 9007199254740993\\s*$", text.Output);
        Assert.Matches("(?m)^a.largest +UInt64\\[1\\] +18446744073709551615\\s*$", text.Output);
        using JsonDocument document = JsonDocument.Parse(json.Output);
        JsonElement metadata = document.RootElement.GetProperty("metadata");
        Assert.Equal("0.1 -2.5", Elements(metadata.GetProperty("a.floats")));
        Assert.Equal("0.1", Elements(metadata.GetProperty("a.doubles")));
        Assert.Equal("-9223372036854775807 9007199254740993", Elements(metadata.GetProperty("a.large")));
        Assert.Equal("18446744073709551615", Elements(metadata.GetProperty("a.largest")));

        static string Elements(JsonElement array) => string.Join(' ', array.EnumerateArray().Select(element => element.GetRawText()));
    }

    /// <summary>Of what comes through a pipe nobody knows how long it is, so that no size is too large for it.</summary>
    [Fact]
    public async Task InspectAddsUpWhateverAHeaderClaims()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Standard input has no path there.");
        using MemoryStream header = new();
        using BinaryWriter writer = new(header);
        writer.Write("GGUF"u8);
        writer.Write(3);
        writer.Write(2L);
        writer.Write(0L);
        foreach (byte name in "ab"u8)
        {
            writer.Write(1L);
            writer.Write(name);
            writer.Write(1);
            writer.Write(1L << 62);
            writer.Write((int)GgmlType.I8);
            writer.Write(0L);
        }

        CliResult result = await CliProcess.RunWithInputAsync(Encoding.ASCII.GetString(header.ToArray()), "inspect", "/dev/stdin");
        Assert.Equal(("", 0), (result.Error, result.ExitCode));
        Assert.Matches("(?m)^I8 +2 ", result.Output);
    }

    private static string[] Lines(CliResult result) => result.Output.TrimEnd().ReplaceLineEndings("\n").Split('\n');
}
