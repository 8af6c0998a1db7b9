using EmbeddedLlm.Benchmarks.Peers;
using EmbeddedLlm.Benchmarks.Results;

namespace EmbeddedLlm.Benchmarks.Tests.Peers;

public sealed class PeerComparisonTests : IDisposable
{
    private readonly FakePrograms _programs = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task WhatIsThereIsMeasuredAndWhatIsNotIsNamed()
    {
        _programs.AddShell("llama-bench", "echo '[{\"build_number\":1,\"build_commit\":\"a\",\"avg_ns\":1000000}]'");
        await using Subject subject = await Subject.LoadAsync(BenchmarkFiles.Starter, new RunSettings { Threads = 1 });
        List<string> lines = [];
        PeerResults results = await PeerComparison.MeasureAsync(subject, "starter", "cpu", [], rounds: 2, lines.Add, Cancel, _programs.Settings.SearchPath);

        foreach (string missing in (string[])["node-llama-cpp: not found: there is no node", "llama-server: not found: there is no llama-server", "ollama: not found: there is no ollama"])
            Assert.Contains($"{missing} on the PATH.", results.Remarks);
        Assert.Contains("llama-bench, 8 callers × 64: not measured, it has one sequence.", results.Remarks);
        Assert.Equal("build 1 (a)", results.Versions["llama-bench"]);
        Assert.Equal(["EmbeddedLlm", "bare loop", "llama-bench"], results.Figures.Select(figure => figure.Contender).Distinct());
        Assert.Equal(
            ["prefill 128", "decode 128", "8 callers × 64", "JSON schema 128, whole requests"],
            results.Figures.Where(figure => figure is { Contender: "EmbeddedLlm", Unit: FigureUnit.TokensPerSecond }).Select(figure => figure.Case).Except(["prefill 504"]));
        Assert.Equal(results.Figures.Count, results.Figures.Select(figure => figure.Key).Distinct().Count());
        Assert.All(results.Figures, figure =>
        {
            Assert.Equal(("peers", "starter", "cpu", 1, 2), (figure.Subject, figure.Model, figure.Device, figure.Threads, figure.Samples));
            Assert.True(double.IsFinite(figure.Value) && figure.Value > 0, figure.Key);
        });
    }

    [Fact]
    public async Task APeerThatFailsIsLeftOutAndTheOthersGoOn()
    {
        _programs.AddShell("llama-bench", """
            n=$(cat "$(dirname "$0")/count" 2>/dev/null || echo 0)
            echo $((n + 1)) > "$(dirname "$0")/count"
            if [ $n -ge 2 ]; then echo 'ggml assertion failed' >&2; exit 134; fi
            echo '[{"build_number":1,"build_commit":"a","avg_ns":1000000}]'
            """);
        await using Subject subject = await Subject.LoadAsync(BenchmarkFiles.Starter, new RunSettings { Threads = 1 });
        PeerResults results = await PeerComparison.MeasureAsync(subject, "starter", "cpu", ["bare loop", "llama-bench"], rounds: 2, _ => { }, Cancel, _programs.Settings.SearchPath);
        Assert.Contains("llama-bench, prefill 128: failed: llama-bench ended with exit code 134: ggml assertion failed.", results.Remarks);
        Assert.DoesNotContain("llama-bench", results.Figures.Select(figure => figure.Contender));
        Assert.Contains(results.Figures, figure => figure is { Contender: "EmbeddedLlm", Case: "decode 128" });
    }

    public void Dispose() => _programs.Dispose();
}
