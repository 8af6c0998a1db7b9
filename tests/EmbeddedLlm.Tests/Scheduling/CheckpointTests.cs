using EmbeddedLlm.Scheduling;

namespace EmbeddedLlm.Tests.Scheduling;

/// <summary>What is kept of a sequence on its way, on memories that cannot be cut: recurrent ones (window 0), and sliding windows.</summary>
public sealed class CheckpointTests
{
    private const string System = "The instructions that all conversations begin with. ";

    [Theory]
    [InlineData(true, 0)]
    [InlineData(false, 12)]
    public void ASharedBeginningIsComputedOnce(bool isRecurrent, int window)
    {
        SchedulerFixture fixture = Fixture(isRecurrent, window);
        for (int i = 0; i < 4; i++)
        {
            string prompt = $"{System}{i} is the question of somebody.";
            Assert.Equal(FakeDecoder.Answer(prompt, 20), Ask(fixture, prompt, 20, out GenerationSummary summary, System.Length, prompt.Length - 4));
            Assert.Equal(i == 0 ? 0 : System.Length, summary.CachedTokens);
        }
    }

    [Theory]
    [InlineData(true, 0)]
    [InlineData(false, 12)]
    public void ATurnThatRewritesTheAnswerBeforeItGoesOnFromTheEndOfTheQuestion(bool isRecurrent, int window)
    {
        SchedulerFixture fixture = Fixture(isRecurrent, window);
        string history = System;
        int known = 0;
        for (int turn = 0; turn < 5; turn++)
        {
            history += $"Question {turn} of this conversation?";
            // The template opens the reasoning, which it leaves out of the history.
            string prompt = history + "<think>";
            string answer = Ask(fixture, prompt, 20, out GenerationSummary summary, history.Length);
            Assert.Equal(FakeDecoder.Answer(prompt, 20), answer);
            Assert.Equal(known, summary.CachedTokens);
            known = history.Length;
            history += answer[(answer.Length / 2)..];
        }
    }

    [Theory]
    [InlineData(true, 0)]
    [InlineData(false, 12)]
    public void WhereTwoPromptsPartedAThirdGoesOn(bool isRecurrent, int window)
    {
        SchedulerFixture fixture = Fixture(isRecurrent, window);
        int[] cached = [.. "ABC".Select(letter =>
        {
            string prompt = $"{System}{letter} says nothing about where it parts from others.";
            Assert.Equal(FakeDecoder.Answer(prompt, 10), Ask(fixture, prompt, 10, out GenerationSummary summary));
            return summary.CachedTokens;
        })];
        Assert.Equal([0, 0, System.Length], cached);
    }

    [Theory]
    [InlineData(true, 0)]
    [InlineData(false, 12)]
    public void WhoComesWhileTheBeginningIsComputedWaitsForItsCopy(bool isRecurrent, int window)
    {
        SchedulerFixture fixture = Fixture(isRecurrent, window);
        string[] prompts = [.. Enumerable.Range(0, 6).Select(i => $"{System}{i} is the question of somebody.")];
        GenerationStream[] streams = [.. prompts.Select(prompt => Submit(fixture, prompt, 10, System.Length, prompt.Length - 4))];
        fixture.Run();
        Assert.Equal(prompts.Select(prompt => FakeDecoder.Answer(prompt, 10)), streams.Select(SchedulerFixture.Text));
        Assert.Equal([0, .. Enumerable.Repeat(System.Length, 5)], streams.Select(stream => stream.Summary.CachedTokens));
    }

    [Fact]
    public void ALongPromptThatIsEditedInItsMidstGoesOnFromTheCopyBeforeTheEdit()
    {
        SchedulerFixture fixture = new(new FakeDecoder(8, cells: 16384) { IsRecurrent = true }, contextLength: 8192, prefixCells: 16384);
        string text = string.Concat(Enumerable.Range(0, 1000).Select(i => $"{i} "));
        Ask(fixture, text, 4, out _);
        string edited = text[..2500] + "EDITED" + text[2500..];
        Assert.Equal(FakeDecoder.Answer(edited, 8), Ask(fixture, edited, 8, out GenerationSummary summary));
        Assert.InRange(summary.CachedTokens, 1024, 2500);
    }

    [Fact]
    public void AMemoryThatCanBeCutKeepsNoCopies()
    {
        SchedulerFixture fixture = Fixture(isRecurrent: false, window: 0);
        string prompt = System + "And a question of somebody.";
        Ask(fixture, prompt, 10, out _, System.Length, prompt.Length - 4);
        Assert.Empty(fixture.Decoder.Copies);
    }

    [Fact]
    public void CopiesNeverTakeTheSlotOfARequest()
    {
        SchedulerFixture fixture = new(new FakeDecoder(3) { IsRecurrent = true }, prefixCells: 4096);
        string[] prompts = [.. Enumerable.Range(0, 12).Select(i => $"{System}{i} is the question of somebody.")];
        GenerationStream[] streams = [.. prompts.Select(prompt => Submit(fixture, prompt, 10, System.Length, prompt.Length - 4))];
        fixture.Scheduler.Step();
        Assert.Equal(3, fixture.Scheduler.RunningCount);
        fixture.Run();
        Assert.Equal(prompts.Select(prompt => FakeDecoder.Answer(prompt, 10)), streams.Select(SchedulerFixture.Text));
    }

    [Theory]
    [InlineData(0, 0, 100, new[] { 40, 90 }, new[] { 40, 90 })]
    [InlineData(0, 0, 100, new int[0], new[] { 99 })]
    [InlineData(0, 60, 100, new[] { 40 }, new[] { 40, 60 })]
    [InlineData(0, 50, 100, new[] { 40 }, new[] { 40 })]
    [InlineData(40, 40, 100, new[] { 40, 90 }, new[] { 90 })]
    [InlineData(95, 95, 100, new[] { 40, 98 }, new int[0])]
    [InlineData(0, 0, 100, new[] { -1, 0, 5, 100, 101, int.MaxValue }, new[] { 99 })]
    [InlineData(0, 0, 100, new[] { 16, 32, 48, 64, 80 }, new[] { 32, 48, 64, 80 })]
    [InlineData(0, 0, 3500, new[] { 100, 3400 }, new[] { 100, 1167, 2334, 3400 })]
    [InlineData(0, 0, 1500, new[] { 1490 }, new[] { 1024, 1490 })]
    public void APlanHasWhatIsLikelyToBeOfUse(int start, int common, int length, int[] hints, int[] expected) =>
        Assert.Equal(expected, CheckpointPlan.Create(start, common, length, hints, new SchedulerLimits { ContextLength = 8192, QueueCapacity = 1 }));

    private static SchedulerFixture Fixture(bool isRecurrent, int window) =>
        new(new FakeDecoder(16) { IsRecurrent = isRecurrent, Window = window }, prefixCells: 4096, maxRunning: 8);

    private static string Ask(SchedulerFixture fixture, string prompt, int maxTokens, out GenerationSummary summary, params int[] checkpoints)
    {
        GenerationStream stream = Submit(fixture, prompt, maxTokens, checkpoints);
        fixture.Run();
        string text = SchedulerFixture.Text(stream);
        summary = stream.Summary;
        return text;
    }

    private static GenerationStream Submit(SchedulerFixture fixture, string prompt, int maxTokens, params int[] checkpoints)
    {
        GenerationRequest request = SchedulerFixture.Request(prompt, maxTokens);
        return fixture.Scheduler.Submit(
            new GenerationRequest { Prompt = request.Prompt, MaxOutputTokens = maxTokens, Sampling = request.Sampling, Checkpoints = checkpoints }, CancellationToken.None);
    }
}
