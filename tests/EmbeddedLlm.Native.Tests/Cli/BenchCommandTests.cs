using System.Text.Json;
using System.Text.RegularExpressions;
using EmbeddedLlm.Benchmarks.Results;
using EmbeddedLlm.SyntheticModels;

namespace EmbeddedLlm.Native.Tests.Cli;

public sealed class BenchCommandTests
{
    private static readonly string[] s_quick = ["--seconds", "0.3", "--threads", "1"];

    [Fact]
    public async Task EachMeasurementIsALineOfTheTable()
    {
        CliResult result = await CliProcess.RunAsync(["bench", .. s_quick]);
        Assert.Equal(("", 0), (result.Error, result.ExitCode));
        Assert.StartsWith("starter\n", result.Output.ReplaceLineEndings("\n"));
        foreach (string line in (string[])
        [
            "Load +[0-9.,]+ ms",
            "Prompt of 128 tokens +[0-9.,]+ tok/s +[0-9.,]+ – [0-9.,]+ +[0-9]+",
            "8 prompts of 128 tokens at once +[0-9.,]+ tok/s",
            "First token after 128, median +[0-9.,]+ ms",
            "First token after 128, 95th percentile +[0-9.,]+ ms",
            "Answer of [0-9]+ tokens +[0-9.,]+ tok/s",
            "4 answers of [0-9]+ tokens at once +[0-9.,]+ tok/s",
            "8 answers of [0-9]+ tokens at once +[0-9.,]+ tok/s",
            "JSON by a schema, beside free answers +[0-9.]+ ×",
            "Memory by plan, CPU +[0-9.]+ MiB",
        ])
        {
            Assert.Matches(new Regex($"(?m)^{line}"), result.Output);
        }

        Assert.Contains("tokens that end an answer are excluded", result.Output);
    }

    [Fact]
    public async Task JsonIsAFileOfResults()
    {
        using TemporaryFolder folder = new();
        CliResult result = await CliProcess.RunAsync(["bench", "starter", "--json", "--hourly-cost", "0.5", "--api-price", "0.15,0.60", .. s_quick]);
        Assert.Equal(("", 0), (result.Error, result.ExitCode));
        ResultFile file = ResultFile.Read(folder.Write("bench.json", System.Text.Encoding.UTF8.GetBytes(result.Output)));
        Assert.Superset(
            new HashSet<string> { "load", "prefill", "first-token", "decode", "structured-output", "memory", "price" },
            file.Figures.Select(figure => figure.Subject).ToHashSet());
        Assert.All(file.Figures, figure =>
        {
            Assert.Equal(("starter", "cpu", 1), (figure.Model, figure.Device, figure.Threads));
            Assert.True(figure.Value > 0, figure.Key);
            Assert.InRange(figure.Value, figure.Least ?? 0, figure.Greatest ?? double.MaxValue);
        });
        Assert.Equal(file.Figures.Count, file.Figures.Select(figure => figure.Key).Distinct().Count());

        Figure decode = file.Figures.Single(figure => figure.Subject == "decode" && figure.Case.StartsWith("answer ", StringComparison.Ordinal));
        Figure price = file.Figures.Single(figure => figure is { Case: "output, 1 caller", Contender: "EmbeddedLlm" });
        Assert.Equal(0.5e6 / 3600 / decode.Value, price.Value, tolerance: 1e-9);
        Assert.Equal(0.60, file.Figures.Single(figure => figure is { Case: "output, 1 caller", Contender: "API" }).Value);
    }

    [Fact]
    public async Task AModelsPathIsNotInItsFigures()
    {
        using TemporaryFolder folder = new();
        string path = folder.PathOf("tiny.gguf");
        SyntheticModel.Write(path, SyntheticShape.Tiny, SyntheticVocabulary.ByteLevel(512));
        CliResult result = await CliProcess.RunAsync(["bench", path, "--json", .. s_quick]);
        Assert.Equal(("", 0), (result.Error, result.ExitCode));
        using JsonDocument json = JsonDocument.Parse(result.Output);
        Assert.StartsWith("embeddedllm bench tiny.gguf ", json.RootElement.GetProperty("command").GetString());
        Assert.DoesNotContain(Path.GetFileName(Path.GetDirectoryName(path)!), result.Output);
    }

    [Fact]
    public async Task WhatWouldTakeTooLongIsNamedAndLeftOut()
    {
        CliResult result = await CliProcess.RunAsync("bench", "--seconds", "0.0001");
        Assert.Equal(("", 0), (result.Error, result.ExitCode));
        Assert.Matches("(?m)^Not measured: 8 callers × prompt 128\\. One run would take about [0-9]+ s; --seconds gives more time\\.", result.Output);
        Assert.DoesNotContain("8 prompts of 128", result.Output);
    }

    [Theory]
    [InlineData("error: --api-price needs --hourly-cost", "--api-price", "1,2")]
    [InlineData("error: --api-price takes two numbers", "--hourly-cost", "1", "--api-price", "1")]
    [InlineData("error: --api-price takes two numbers", "--hourly-cost", "1", "--api-price", "1,-2")]
    [InlineData("error: --api-price takes two numbers", "--hourly-cost", "1", "--api-price", "1,x")]
    [InlineData("error: --hourly-cost takes", "--hourly-cost", "0")]
    [InlineData("error: --seconds takes", "--seconds", "0")]
    public async Task AWrongCommandLineIsNotMeasured(string error, params string[] arguments)
    {
        CliResult result = await CliProcess.RunAsync(["bench", .. arguments]);
        Assert.StartsWith(error, result.Error);
        Assert.Equal(("", 2), (result.Output, result.ExitCode));
    }

    [Fact]
    public async Task AnUnknownModelIsAFailure()
    {
        CliResult result = await CliProcess.RunAsync("bench", "no-such-model");
        Assert.StartsWith("error: ", result.Error);
        Assert.Equal(("", 1), (result.Output, result.ExitCode));
    }

    [Fact]
    public async Task AtATerminalTheProgressIsShownAndCtrlCEndsIt()
    {
        using TerminalSession session = new("bench", "--seconds", "60");
        await session.UntilAsync("Prompt of 128 tokens");
        session.Type("\x03");
        CliResult result = await session.EndAsync();
        Assert.Equal(130, result.ExitCode);
        Assert.DoesNotContain("Median", result.Output);
    }
}
