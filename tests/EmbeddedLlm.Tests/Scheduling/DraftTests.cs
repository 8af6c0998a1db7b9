using EmbeddedLlm.Scheduling;

namespace EmbeddedLlm.Tests.Scheduling;

public sealed class DraftTests
{
    private static readonly string Prompt = Enumerable.Range(0, 1000)
        .Select(i => $"A prompt that is not too short {i}").First(prompt => FakeDecoder.Answer(prompt, 100, repeats: true).Length == 100);

    [Theory]
    [InlineData("abcabc", 3, "abc")]
    [InlineData("abcdabc", 2, "da")]
    [InlineData("abXcdabYcdab", 3, "Ycd")]
    [InlineData("xyzab12ab", 4, "12ab")]
    [InlineData("aaaa", 3, "a")]
    [InlineData("abcdef", 3, "")]
    [InlineData("ab", 3, "")]
    [InlineData("abcabc", 0, "")]
    public void TheGuessIsWhatFollowedTheLastTokensWhenTheyCameLast(string tokens, int most, string guess)
    {
        Draft draft = new(8);
        draft.Begin(most);
        draft.LookUp(Tokens(tokens));
        Assert.Equal(Tokens(guess), draft.Tokens.ToArray());
    }

    [Fact]
    public void WhoIsCancelledAbortsADecodeThatIsMostlyItsGuesses()
    {
        FakeDecoder decoder = new(1) { Repeats = true };
        SchedulerFixture fixture = new(decoder, draftLength: 8);
        using CancellationTokenSource source = new();
        decoder.OnDecode = step =>
        {
            if (step == 1 || decoder.Batch.Count < 6)
                return DecodeResult.Done;
            source.Cancel();
            return decoder.AbortRequests > 0 ? DecodeResult.Aborted : DecodeResult.Done;
        };
        GenerationStream stream = fixture.Submit(Prompt, 100, source.Token);
        fixture.Run();
        Assert.True(stream.IsComplete);
        Assert.Equal(1, decoder.AbortRequests);
    }

    [Fact]
    public void GuessesCountUntilTheFirstWrongOne()
    {
        Draft draft = new(8);
        draft.Begin(8);
        draft.LookUp(Tokens("abcdeabc"));
        Assert.Equal(Tokens("deabc"), draft.Tokens.ToArray());
        Assert.True(draft.Verify(Tokens("d")));
        Assert.True(draft.Verify(Tokens("dea")));
        Assert.False(draft.Verify(Tokens("deaX")));
        Assert.Equal(3, draft.Verified);
        draft.Settle();
        Assert.Equal((5, 3), (draft.TotalCount, draft.TotalVerified));
    }

    [Fact]
    public void WrongGuessesMakeTheNextOnesShorterAndRightOnesLonger()
    {
        Draft draft = new(8);
        int[] tokens = Tokens("abcdefghijkabc");
        List<int> lengths = [];
        foreach (string chosen in new[] { "X", "d", "de", "defg", "defghijk" })
        {
            draft.Begin(8);
            draft.LookUp(tokens);
            lengths.Add(draft.Count);
            draft.Verify(Tokens(chosen));
            draft.Settle();
        }

        Assert.Equal([8, 1, 2, 4, 8], lengths);
    }

    [Fact]
    public void TheAnswerIsTheSameInFewerSteps()
    {
        SchedulerFixture fixture = new(new FakeDecoder { Repeats = true }, draftLength: 8);
        Assert.Equal(FakeDecoder.Answer(Prompt, 100, repeats: true), fixture.Ask(Prompt, 100, out GenerationSummary summary));
        Assert.InRange(summary.AcceptedTokens, 30, summary.DraftedTokens);
        Assert.Equal(100 - summary.AcceptedTokens, fixture.Decoder.Steps);
        Assert.Equal(100, summary.OutputTokens);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    public void TheOutputLimitHoldsInTheMidstOfGuesses(int limit)
    {
        SchedulerFixture fixture = new(new FakeDecoder(cells: 120) { Repeats = true }, contextLength: 120, draftLength: 8);
        string text = FakeDecoder.Answer(Prompt, 100, repeats: true);
        for (int i = 1; i < 40; i += limit)
        {
            Assert.Equal(text[..i], fixture.Ask(Prompt, i, out GenerationSummary summary));
            Assert.Equal(i, summary.OutputTokens);
        }

        Assert.Equal(FakeDecoder.Answer(Prompt, 120 - Prompt.Length, repeats: true), fixture.Ask(Prompt, 1000, out _));
    }

    [Fact]
    public void AStopStringEndsInTheMidstOfGuesses()
    {
        SchedulerFixture fixture = new(new FakeDecoder { Repeats = true }, draftLength: 8, prefixCells: 500);
        string text = FakeDecoder.Answer(Prompt, 100, repeats: true);
        string stop = text[40..48];
        GenerationStream stream = fixture.Submit(Prompt, 100, default, stop);
        fixture.Run();
        Assert.Equal(text[..text.IndexOf(stop, StringComparison.Ordinal)], SchedulerFixture.Text(stream));
        Assert.Equal(text, fixture.Ask(Prompt, 100, out GenerationSummary summary));
        Assert.Equal(Prompt.Length - 1, summary.CachedTokens);
    }

    [Theory]
    [InlineData(false, 0)]
    [InlineData(true, 0)]
    [InlineData(false, 12)]
    public void RandomRequestsAnswerAsWithoutGuesses(bool isRecurrent, int window)
    {
        for (int seed = 0; seed < 15; seed++)
        {
            Random random = new(seed);
            FakeDecoder decoder = new(random.Next(1, 9), cells: 300, batch: random.Next(9, 40)) { Repeats = true, IsRecurrent = isRecurrent, Window = window };
            decoder.OnDecode = _ => random.Next(30) == 0 ? DecodeResult.Aborted : DecodeResult.Done;
            SchedulerFixture fixture = new(
                decoder, contextLength: 150, queueCapacity: 1000, prefixCells: random.Next(0, 300), maxRunning: random.Next(1, 8), draftLength: random.Next(1, 9));
            List<(string Prompt, int Max, GenerationStream Stream)> requests = [];
            for (int i = 0; i < 60; i++)
            {
                string prompt = "Once again: "[..random.Next(1, 12)] + random.Next(30);
                int max = random.Next(1, 120);
                requests.Add((prompt, max, fixture.Submit(prompt, max)));
                for (int steps = random.Next(8); steps > 0; steps--)
                {
                    fixture.Scheduler.Step();
                    fixture.Scheduler.CheckIntegrity();
                }
            }

            fixture.Run();
            foreach ((string prompt, int max, GenerationStream stream) in requests)
                Assert.Equal(FakeDecoder.Answer(prompt, Math.Min(max, 150 - prompt.Length), repeats: true), SchedulerFixture.Text(stream));
        }
    }

    [Fact]
    public void NothingIsGuessedThatTheGrammarForbids()
    {
        AnswerConstraint constraint = new() { Grammar = Grammar.FromGbnf("root ::= ([a-z]{3} \"-\")+"), Vocabulary = new GrammarVocabulary(FakeDecoder.Vocabulary) };
        FakeDecoder decoder = new() { Repeats = true };
        SchedulerFixture fixture = new(decoder, draftLength: 8);
        decoder.OnDecode = _ =>
        {
            Sequence sequence = fixture.Scheduler.Running[0];
            string text = Text(sequence.Tokens.AsSpan(sequence.Request.Prompt.Length, sequence.OutputCount)) + Text(sequence.Draft!.Tokens);
            Assert.Matches("^([a-z]{3}-)*[a-z]{0,3}$", text);
            return DecodeResult.Done;
        };
        GenerationRequest request = new()
        {
            Prompt = Tokens(Prompt + " abc-def-abc-def-abc-d"),
            MaxOutputTokens = 60,
            Sampling = EmbeddedLlm.Sampling.SamplingOptions.Greedy,
            Constraint = constraint,
        };
        GenerationStream stream = fixture.Scheduler.Submit(request, default);
        fixture.Run();
        Assert.True(stream.Summary.DraftedTokens > 10);

        string Text(ReadOnlySpan<int> tokens) => string.Concat(tokens.ToArray().Select(token => (char)token));
    }

    private static int[] Tokens(string text) => [.. text.Select(c => (int)c)];
}
