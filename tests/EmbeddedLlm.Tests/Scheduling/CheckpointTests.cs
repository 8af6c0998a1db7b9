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
    [InlineData(true)]
    [InlineData(false)]
    public void APromptThatIsCancelledInTheMidstOfAStepCostsOthersNothing(bool isRecurrent)
    {
        using CancellationTokenSource source = new();
        FakeDecoder decoder = new(4, batch: 64) { IsRecurrent = isRecurrent };
        decoder.OnDecode = step =>
        {
            if (step == 10)
                source.Cancel();
            return step == 10 && decoder.AbortRequests > 0 ? DecodeResult.Aborted : DecodeResult.Done;
        };
        SchedulerFixture fixture = new(decoder, contextLength: 1000);
        string prompt = FakeDecoder.PromptsWithAnswersOf(40, 1)[0];
        GenerationStream other = fixture.Submit(prompt, 40);
        fixture.Scheduler.Step();
        GenerationStream large = fixture.Submit(new string('p', 900), 1, source.Token);
        while (!large.IsComplete)
            fixture.Scheduler.Step();
        int before = decoder.ComputedTokens;
        fixture.Run();
        Assert.Equal(FakeDecoder.Answer(prompt, 40), SchedulerFixture.Text(other));
        // A token for each of those still to come, and at most one again.
        Assert.InRange(decoder.ComputedTokens - before, 29, 31);
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

    [Fact]
    public void AnAbortCostsOnlyWhatCameAfterTheLastCopy()
    {
        FakeDecoder decoder = new(8, batch: 16) { IsRecurrent = true };
        SchedulerFixture fixture = new(decoder, prefixCells: 4096);
        string prompt = System + "And a question of somebody who wants to know.";
        decoder.OnDecode = step => step == 6 ? DecodeResult.Aborted : DecodeResult.Done;
        Assert.Equal(FakeDecoder.Answer(prompt, 10), Ask(fixture, prompt, 10, out GenerationSummary summary, System.Length));
        Assert.Equal(0, summary.CachedTokens);
        Assert.InRange(decoder.ComputedTokens, prompt.Length, prompt.Length + 9 + 32);
    }

    [Theory]
    [InlineData(false, 0)]
    [InlineData(true, 0)]
    [InlineData(false, 12)]
    public void RandomRequestsAnswerAsWithoutACacheWhateverIsPinnedAndAborted(bool isRecurrent, int window)
    {
        int cached = 0;
        for (int seed = 0; seed < 20; seed++)
        {
            Random random = new(seed);
            FakeDecoder decoder = new(random.Next(2, 9), cells: 400, batch: random.Next(9, 40)) { IsRecurrent = isRecurrent, Window = window };
            decoder.OnDecode = _ => random.Next(40) == 0 ? DecodeResult.Aborted : DecodeResult.Done;
            SchedulerFixture fixture = new(decoder, contextLength: 200, queueCapacity: 1000, prefixCells: random.Next(1, 400), maxRunning: random.Next(1, 8));
            List<string> histories = [""];
            List<(string Prompt, int Max, GenerationStream Stream)> asked = [];
            List<PinnedPrefix> pins = [];
            for (int i = 0; i < 60; i++)
            {
                string history = histories[random.Next(histories.Count)];
                string prompt = history[..random.Next(history.Length + 1)] + new string((char)('a' + random.Next(3)), random.Next(1, 40));
                prompt = prompt.Length > 150 ? prompt[..20] : prompt;
                histories.Add(prompt + FakeDecoder.Answer(prompt, 10));
                int max = random.Next(1, 30);
                asked.Add((prompt, max, Submit(fixture, prompt, max, random.Next(prompt.Length), random.Next(prompt.Length))));
                if (random.Next(5) == 0)
                {
                    int[] tokens = SchedulerFixture.Request(prompt).Prompt;
                    if (tokens.Length <= fixture.PrefixCells)
                    {
                        pins.Add(new PinnedPrefix(tokens));
                        fixture.Scheduler.Submit(new GenerationRequest { Prompt = tokens, Prefix = pins[^1], Priority = random.Next(-1, 2) }, CancellationToken.None);
                    }
                }

                if (pins.Count > 0 && random.Next(6) == 0)
                    fixture.Scheduler.Release(pins[random.Next(pins.Count)]);
                for (int steps = random.Next(6); steps > 0; steps--)
                {
                    fixture.Scheduler.Step();
                    fixture.Scheduler.CheckIntegrity();
                }
            }

            fixture.Run();
            foreach ((string prompt, int max, GenerationStream stream) in asked)
            {
                Assert.Equal(FakeDecoder.Answer(prompt, max), SchedulerFixture.Text(stream));
                cached += stream.Summary.CachedTokens;
            }
        }

        Assert.InRange(cached, 1000, int.MaxValue);
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
