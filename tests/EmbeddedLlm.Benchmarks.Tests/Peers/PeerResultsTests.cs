using EmbeddedLlm.Benchmarks.Peers;
using EmbeddedLlm.Benchmarks.Results;

namespace EmbeddedLlm.Benchmarks.Tests.Peers;

public sealed class PeerResultsTests
{
    private static readonly PeerTask s_task = new("decode 16", 1, 32, 16);

    [Fact]
    public void RatiosAreTakenInEachRound()
    {
        NamedPeer one = new("one"), other = new("other");
        BarePeer bare = new(null!);
        PeerResults results = new("m", "cpu", 1);
        // The machine is slower from round to round; by medians alone the other would be 0.5 times as fast.
        results.Add(s_task, [bare, one, other], [Round(bare, 100, one, 90, other, 200), Round(bare, 50, one, 45, other, 25), Round(bare, 10, one, 9, other, 20)]);
        Assert.Equal(
            [("bare loop", FigureUnit.TokensPerSecond, 50.0), ("one", FigureUnit.TokensPerSecond, 45.0), ("one", FigureUnit.Ratio, 0.9), ("other", FigureUnit.TokensPerSecond, 25.0), ("other", FigureUnit.Ratio, 2.0)],
            results.Figures.Select(figure => (figure.Contender, figure.Unit, figure.Value)));
        Figure ratio = results.Figures[^1];
        Assert.Equal(("decode 16 beside bare loop", 0.5, 2.0, 3), (ratio.Case, ratio.Least, ratio.Greatest, ratio.Samples));
    }

    [Fact]
    public void WithoutTheBareLoopTheLibraryIsTheYardstick()
    {
        NamedPeer one = new("one");
        ClientPeer client = new(null!);
        PeerResults results = new("m", "cpu", 1);
        results.Add(s_task, [one, client], [new Dictionary<Peer, double> { [one] = 30, [client] = 60 }]);
        Figure ratio = Assert.Single(results.Figures, figure => figure.Unit == FigureUnit.Ratio);
        Assert.Equal(("one", "decode 16 beside EmbeddedLlm", 0.5), (ratio.Contender, ratio.Case, ratio.Value));
    }

    [Theory]
    [InlineData(1, 4, 1, 40.0)]
    [InlineData(9, 4, 1, 20.0)]
    [InlineData(9, 8, 2, 40.0)]
    public void ARateIsOfThePromptsOrOfTheTokensAfterTheFirst(int outputTokens, int inputTokens, int callers, double rate)
    {
        PeerRun run = new(Total: TimeSpan.FromMilliseconds(outputTokens == 1 ? 100 : 500), Prefill: TimeSpan.FromMilliseconds(100), inputTokens, callers * outputTokens);
        Assert.Equal(rate, run.Rate(new PeerTask("", callers, inputTokens / callers, outputTokens)), tolerance: 1e-9);
    }

    /// <summary>The library computes what a schema forces at the beginning with the prompt: without the prompt's time, those tokens would have taken none.</summary>
    [Fact]
    public void ARateOfAnswersHeldToASchemaIsOfWholeRequests()
    {
        PeerRun run = new(Total: TimeSpan.FromMilliseconds(500), Prefill: TimeSpan.FromMilliseconds(100), InputTokens: 4, OutputTokens: 10);
        Assert.Equal(20, run.Rate(new PeerTask("", 1, 4, 10, Schema: "{}")), tolerance: 1e-9);
    }

    private static Dictionary<Peer, double> Round(Peer a, double rateOfA, Peer b, double rateOfB, Peer c, double rateOfC) => new() { [a] = rateOfA, [b] = rateOfB, [c] = rateOfC };

    private sealed class NamedPeer(string name) : Peer
    {
        public override string Name => name;

        public override Task<PeerRun> AnswerAsync(IReadOnlyList<BenchmarkPrompt> prompts, int outputTokens, string? schema, CancellationToken cancellationToken) => throw new NotSupportedException();

        public override ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
