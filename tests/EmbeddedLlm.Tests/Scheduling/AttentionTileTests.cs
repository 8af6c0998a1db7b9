using EmbeddedLlm.Scheduling;

namespace EmbeddedLlm.Tests.Scheduling;

public sealed class AttentionTileTests
{
    private static readonly AttentionTile Tile = new(64, CellCost: 0.0007);

    [Theory]
    [InlineData(55, 4096, 64)]
    [InlineData(40, 4096, 64)]
    [InlineData(55, 1024, 64)]
    [InlineData(55, 256, 55)]
    [InlineData(16, 4096, 16)]
    [InlineData(1, 1_000_000, 1)]
    [InlineData(64, 4096, 64)]
    [InlineData(200, 4096, 200)]
    [InlineData(60, 64, 60)]
    public void AFewTokensOverALongHistoryAreFilledUp(int fresh, int total, int expected) => Assert.Equal(expected, Tile.Fill(fresh, total));

    [Theory]
    [InlineData(520, 512, 456)]
    [InlineData(575, 512, 511)]
    [InlineData(576, 512, 512)]
    [InlineData(512, 512, 512)]
    [InlineData(100, 512, 512)]
    [InlineData(2000, 512, 512)]
    [InlineData(100, 80, 80)]
    public void AStepLeavesAWholeTile(int pending, int most, int expected) => Assert.Equal(expected, Tile.Divide(pending, most));

    [Fact]
    public void WithoutTilesNothingChanges()
    {
        Assert.Equal(55, default(AttentionTile).Fill(55, 100_000));
        Assert.Equal(512, default(AttentionTile).Divide(513, 512));
    }

    [Fact]
    public void ASecondTurnComputesAWholeTileAndAnswersTheSame()
    {
        SchedulerFixture fixture = new(new FakeDecoder(), prefixCells: 1000, tile: new AttentionTile(32, CellCost: 100));
        string first = fixture.Ask(Prompt, 20, out _);
        string next = Prompt + first + " And what then?";
        Assert.Equal(FakeDecoder.Answer(next, 5), fixture.Ask(next, 5, out GenerationSummary summary));
        Assert.Equal(next.Length - 32, summary.CachedTokens);
    }

    [Fact]
    public void WhereOthersFillTheStepNothingIsComputedTwice()
    {
        SchedulerFixture fixture = new(new FakeDecoder(), prefixCells: 1000, tile: new AttentionTile(32, CellCost: 100));
        string first = fixture.Ask(Prompt, 20, out _);
        GenerationStream[] streams = [.. Enumerable.Range(0, 3).Select(i => fixture.Submit($"{Prompt}{first} And what then, {i}?", 5))];
        fixture.Run();
        // Or shared with the first of them.
        Assert.All(streams, stream => Assert.InRange(stream.Summary.CachedTokens, Prompt.Length + first.Length - 1, int.MaxValue));
    }

    [Fact]
    public void ThePromptsLastStepIsAWholeTile()
    {
        FakeDecoder decoder = new(batch: 64);
        SchedulerFixture fixture = new(decoder, tile: new AttentionTile(32, CellCost: 0));
        fixture.Ask(new string('x', 140), 1, out _);
        Assert.Equal([64, 44, 32], decoder.History.Select(step => step.Values.Sum()));
    }

    private static string Prompt { get; } = Enumerable.Range(0, 1000)
        .Select(i => $"A prompt that is long enough for its beginning to be of use {i}:").First(prompt => FakeDecoder.Answer(prompt, 20).Length == 20);
}
