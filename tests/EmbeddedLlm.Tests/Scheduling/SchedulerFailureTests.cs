using EmbeddedLlm.Scheduling;

namespace EmbeddedLlm.Tests.Scheduling;

public sealed class SchedulerFailureTests
{
    [Theory]
    [InlineData(DecodeResult.Failed)]
    [InlineData(DecodeResult.NoCells)]
    internal async Task AFailedDecodeAtAnyStepEndsItsSequencesAndTheEngineGoesOn(DecodeResult failure)
    {
        for (int failing = 1; failing <= 20; failing++)
        {
            SchedulerFixture fixture = new(new FakeDecoder(2, batch: 8) { OnDecode = step => step == failing ? failure : DecodeResult.Done });
            GenerationStream[] streams = [.. Enumerable.Range(0, 4).Select(i => fixture.Submit($"prompt number {i}", 12))];
            fixture.Run();
            int failed = 0;
            for (int i = 0; i < streams.Length; i++)
            {
                try
                {
                    Assert.Equal(FakeDecoder.Answer($"prompt number {i}", 12), await streams[i].WaitToReadAsync() ? streams[i].ReadText() : "");
                }
                catch (DecodeException)
                {
                    failed++;
                }
            }

            Assert.InRange(failed, 1, 2);
            GenerationStream after = fixture.Submit("after", 12);
            fixture.Run();
            Assert.Equal(FakeDecoder.Answer("after", 12), SchedulerFixture.Text(after));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AnAbortedDecodeAtAnyStepIsMadeGood(bool isRecurrent)
    {
        for (int aborted = 1; aborted <= 20; aborted++)
        {
            SchedulerFixture fixture = new(new FakeDecoder(2, batch: 8)
            {
                IsRecurrent = isRecurrent,
                OnDecode = step => step == aborted ? DecodeResult.Aborted : DecodeResult.Done,
            });
            GenerationStream[] streams = [.. Enumerable.Range(0, 3).Select(i => fixture.Submit($"prompt number {i}", 12))];
            fixture.Run();
            for (int i = 0; i < streams.Length; i++)
                Assert.Equal(FakeDecoder.Answer($"prompt number {i}", 12), SchedulerFixture.Text(streams[i]));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task UnusableLogitsDoNotReachLaterRequests(bool isRecurrent)
    {
        SchedulerFixture fixture = new(new FakeDecoder(3, batch: 16) { Poison = 'Z', IsRecurrent = isRecurrent }, prefixCells: 1000);
        Assert.Equal(FakeDecoder.Answer("before", 12), fixture.Ask("before", 12, out _));
        for (int i = 0; i < 2; i++)
        {
            // Still in its prompt when the other one's logits come.
            string longPrompt = string.Concat(Enumerable.Repeat($"{i} is a prompt of many chunks ", 8));
            GenerationStream bad = fixture.Submit("Z bad", 12);
            GenerationStream other = fixture.Submit(longPrompt, 12);
            fixture.Run();
            Assert.Contains("usable logits", (await Assert.ThrowsAsync<DecodeException>(async () => await bad.WaitToReadAsync())).Message, StringComparison.Ordinal);
            Assert.Equal(FakeDecoder.Answer(longPrompt, 12), SchedulerFixture.Text(other));
            Assert.Equal(FakeDecoder.Answer("after", 12), fixture.Ask("after", 12, out _));
            fixture.Scheduler.CheckIntegrity();
        }
    }

    [Theory]
    [InlineData(false, 0)]
    [InlineData(true, 0)]
    [InlineData(false, 4)]
    public async Task UnusableLogitsEndNobodyElsesAnswer(bool isRecurrent, int draftLength)
    {
        SchedulerFixture fixture = new(new FakeDecoder(4, batch: 16) { Poison = 'Z', IsRecurrent = isRecurrent }, prefixCells: 1000, draftLength: draftLength);
        string longPrompt = string.Concat(Enumerable.Repeat("a prompt of many chunks ", 8));
        string[] prompts = ["first", longPrompt, "second", "third", "third", "third and more"];
        Assert.All(prompts, prompt => Assert.DoesNotContain("Z", FakeDecoder.Answer(prompt, 12), StringComparison.Ordinal));
        GenerationStream[] good = [.. prompts[..2].Select(prompt => fixture.Submit(prompt, 12))];
        for (int step = 0; step < 3; step++)
            fixture.Scheduler.Step();
        GenerationStream[] bad = [fixture.Submit("Z bad", 12), fixture.Submit(longPrompt + "Z" + longPrompt, 12), fixture.Submit("third Z", 12)];
        good = [.. good, .. prompts[2..].Select(prompt => fixture.Submit(prompt, 12))];
        fixture.Run();
        foreach (GenerationStream stream in bad)
            Assert.Contains("usable logits", (await Assert.ThrowsAsync<DecodeException>(async () => await stream.WaitToReadAsync())).Message, StringComparison.Ordinal);
        for (int i = 0; i < good.Length; i++)
            Assert.Equal(FakeDecoder.Answer(prompts[i], 12), SchedulerFixture.Text(good[i]));
        fixture.Scheduler.CheckIntegrity();
    }

    [Fact]
    public async Task WhatACancelledRequestLeftCostsTheNextNothing()
    {
        SchedulerFixture fixture = new(new FakeDecoder(2, batch: 16) { Poison = 'Z' });
        using CancellationTokenSource source = new();
        GenerationStream cancelled = fixture.Submit("Z" + new string('a', 100), 12, source.Token);
        fixture.Scheduler.Step();
        await source.CancelAsync();
        Assert.Equal(FakeDecoder.Answer("after", 12), fixture.Ask("after", 12, out _));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await cancelled.WaitToReadAsync());
    }

    [Fact]
    public void WhatACancelledRequestLeftIsNotHeldAgainstWhoIsComputedAloneAfterIt()
    {
        SchedulerFixture fixture = new(new FakeDecoder(2, batch: 16) { Poison = 'Z' });
        using CancellationTokenSource source = new();
        fixture.Submit("Z" + new string('a', 100), 12, source.Token);
        GenerationStream other = fixture.Submit("other", 12);
        // Both together, and then the first one's beginning alone.
        fixture.Scheduler.Step();
        fixture.Scheduler.Step();
        source.Cancel();
        fixture.Run();
        Assert.Equal(FakeDecoder.Answer("other", 12), SchedulerFixture.Text(other));
    }

    [Fact]
    public async Task WhoHasAnotherTurnOfAdaptersIsNotBlamedForWhoIsInTheMidstOfItsPrompt()
    {
        SchedulerFixture fixture = new(new FakeDecoder(2, batch: 16) { Poison = 'Z' }, stepsPerAdapterTurn: 2);
        AdapterSet adapters = AdapterSet.Of(new ScaledAdapter(0, 1));
        GenerationStream bad = fixture.Submit("Z" + new string('a', 200), 12);
        string prompt = new('b', 100);
        GenerationStream good = fixture.Scheduler.Submit(SchedulerFixture.Request(prompt, 12, adapters: adapters), CancellationToken.None);
        fixture.Run();
        Assert.Equal(FakeDecoder.Answer(prompt, 12, adapters: adapters), SchedulerFixture.Text(good));
        await Assert.ThrowsAsync<DecodeException>(async () => await bad.WaitToReadAsync());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AWrongGuessThatSpoilsTheLogitsEndsNoAnswer(bool hasOther)
    {
        FakeDecoder draft = new() { Confidence = 20, IsWrongAt = 3 };
        // The draft says it in the place of every third token.
        SchedulerFixture fixture = new(new FakeDecoder { Poison = 'A' }, draftLength: 4, draftDecoder: draft);
        string[] prompts = FakeDecoder.PromptsWithAnswersOf(40, hasOther ? 2 : 1);
        GenerationStream[] streams = [.. prompts.Select(prompt => fixture.Submit(prompt, 40))];
        fixture.Run();
        Assert.Equal(prompts.Select(prompt => FakeDecoder.Answer(prompt, 40)), streams.Select(SchedulerFixture.Text));
    }

    [Theory]
    [InlineData(DecodeResult.Aborted)]
    [InlineData(DecodeResult.Failed)]
    internal void AStepOfSeveralThatIsNotComputedCostsARecurrentModelWhatIsCached(DecodeResult result)
    {
        FakeDecoder decoder = new(8) { IsRecurrent = true };
        SchedulerFixture fixture = new(decoder, prefixCells: 1000);
        string prompt = new('p', 60);
        string answer = fixture.Ask(prompt, 12, out _);
        fixture.Submit("one", 12);
        fixture.Submit("two", 12);
        int failing = decoder.Steps + 3;
        decoder.OnDecode = step => step == failing ? result : DecodeResult.Done;
        fixture.Run();
        Assert.Equal(answer, fixture.Ask(prompt, 12, out GenerationSummary summary));
        Assert.Equal(0, summary.CachedTokens);
    }

    [Fact]
    public void AStepOfOneThatIsAbortedCostsARecurrentModelNothingThatIsCached()
    {
        FakeDecoder decoder = new(8) { IsRecurrent = true };
        SchedulerFixture fixture = new(decoder, prefixCells: 1000);
        string prompt = new('p', 60);
        string answer = fixture.Ask(prompt, 12, out _);
        int failing = decoder.Steps + 3;
        decoder.OnDecode = step => step == failing ? DecodeResult.Aborted : DecodeResult.Done;
        Assert.Equal(FakeDecoder.Answer("one", 12), fixture.Ask("one", 12, out _));
        Assert.Equal(answer, fixture.Ask(prompt, 12, out GenerationSummary summary));
        Assert.Equal(59, summary.CachedTokens);
    }

    [Fact]
    public async Task UnusableLogitsEndTheSequenceWithAnError()
    {
        SchedulerFixture fixture = new(new FakeDecoder { IsBroken = true });
        GenerationStream stream = fixture.Submit("Hello");
        fixture.Run();
        await Assert.ThrowsAsync<DecodeException>(async () => await stream.WaitToReadAsync());
    }

    [Theory]
    [InlineData("root ::= \"forced\" [a-z]")]
    [InlineData("root ::= [a-z] [a-z] \"forced\" [a-z]")]
    public async Task ADefectInOneAnswersGrammarCostsTheOthersNothing(string grammar)
    {
        SchedulerFixture fixture = new(new FakeDecoder(3));
        GenerationStream[] others = [fixture.Submit("first", 20), fixture.Submit("second", 20)];
        GenerationRequest broken = new()
        {
            Prompt = [1, 2, 3],
            Constraint = new AnswerConstraint
            {
                Grammar = Grammar.FromGbnf(grammar),
                Vocabulary = new GrammarVocabulary(FakeDecoder.Vocabulary),
                Tokenize = _ => throw new InvalidOperationException("on purpose"),
            },
        };
        GenerationStream failing = fixture.Scheduler.Submit(broken, CancellationToken.None);
        fixture.Run();
        DecodeException exception = await Assert.ThrowsAsync<DecodeException>(async () => await failing.WaitForAllAsync());
        Assert.IsType<InvalidOperationException>(exception.InnerException);
        Assert.Equal(FakeDecoder.Answer("first", 20), SchedulerFixture.Text(others[0]));
        Assert.Equal(FakeDecoder.Answer("second", 20), SchedulerFixture.Text(others[1]));
    }

    [Fact]
    public async Task CancellationEndsTheStreamAtOnceAndFreesTheSlotWithTheNextStep()
    {
        SchedulerFixture fixture = new(new FakeDecoder(1));
        using CancellationTokenSource source = new();
        GenerationStream stream = fixture.Submit("Hello", 500, source.Token);
        fixture.Scheduler.Step();
        await source.CancelAsync();
        OperationCanceledException exception = await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await stream.WaitToReadAsync());
        Assert.Equal(source.Token, exception.CancellationToken);
        Assert.False(fixture.Scheduler.Step());
        fixture.Run();
    }

    [Fact]
    public void CancellationAbortsADecodeThatIsMostlyItsOwn()
    {
        using CancellationTokenSource source = new();
        FakeDecoder decoder = new(2);
        SchedulerFixture fixture = new(decoder);
        decoder.OnDecode = step =>
        {
            source.Cancel();
            return step == 1 && decoder.AbortRequests > 0 ? DecodeResult.Aborted : DecodeResult.Done;
        };
        GenerationStream other = fixture.Submit("short", 10);
        fixture.Submit("a much longer prompt than the other", 10, source.Token);
        fixture.Run();
        Assert.Equal(1, decoder.AbortRequests);
        Assert.Equal(FakeDecoder.Answer("short", 10), SchedulerFixture.Text(other));
    }

    [Fact]
    public void ACancellationThatComesAfterThePlanAbortsTheDecodeAllTheSame()
    {
        using CancellationTokenSource source = new();
        FakeDecoder decoder = new(2);
        decoder.OnDecode = _ => decoder.AbortRequests > 0 ? DecodeResult.Aborted : DecodeResult.Done;
        SchedulerFixture fixture = new(decoder);
        GenerationRequest request = new()
        {
            Prompt = [.. Enumerable.Repeat((int)'p', 50)],
            Constraint = new AnswerConstraint
            {
                Grammar = Grammar.FromGbnf("root ::= \"forced\" [a-z]"),
                Vocabulary = new GrammarVocabulary(FakeDecoder.Vocabulary),
                // Called when the request is admitted, after those that ended were sorted out.
                Tokenize = text =>
                {
                    source.Cancel();
                    return [.. text.Select(letter => (int)letter)];
                },
            },
        };
        fixture.Scheduler.Submit(request, source.Token);
        fixture.Scheduler.Step();
        Assert.Equal((1, 1), (decoder.Steps, decoder.AbortRequests));
        fixture.Run();
    }

    [Fact]
    public void CancellationDoesNotAbortADecodeThatIsMostlyOfOthers()
    {
        using CancellationTokenSource source = new();
        FakeDecoder decoder = new(2);
        SchedulerFixture fixture = new(decoder);
        decoder.OnDecode = _ =>
        {
            source.Cancel();
            return DecodeResult.Done;
        };
        fixture.Submit("short", 10, source.Token);
        fixture.Submit("a much longer prompt than the other", 10);
        fixture.Run();
        Assert.Equal(0, decoder.AbortRequests);
    }

    [Fact]
    public void ARequestWithACancelledTokenIsNotEnqueued()
    {
        SchedulerFixture fixture = new(new FakeDecoder());
        Assert.Throws<OperationCanceledException>(() => fixture.Submit("Hello", cancellationToken: new CancellationToken(true)));
        Assert.Equal(0, fixture.Scheduler.WaitingCount);
    }

    /// <summary>Who drains or forgets an engine that has failed for good does not hide why it did.</summary>
    [Fact]
    public void WhatClosedASchedulerIsWhatItRefusesWith()
    {
        SchedulerFixture fixture = new(new FakeDecoder());
        fixture.Scheduler.Close(() => new DecodeException("on purpose"));
        fixture.Scheduler.Refuse();
        Assert.Equal("on purpose", Assert.Throws<DecodeException>(() => fixture.Submit("prompt")).Message);
    }

    [Fact]
    public void RandomRequestsEndEachOnceWithTheirOwnAnswer()
    {
        for (int seed = 0; seed < 20; seed++)
        {
            Random random = new(seed);
            FakeDecoder decoder = new(random.Next(1, 9), cells: 300, batch: random.Next(9, 40));
            decoder.OnDecode = _ => random.Next(40) == 0 ? DecodeResult.Aborted : DecodeResult.Done;
            SchedulerFixture fixture = new(decoder, contextLength: 150, queueCapacity: 1000);
            List<(string Prompt, int Max, GenerationStream Stream, CancellationTokenSource Source)> requests = [];
            for (int i = 0; i < 150; i++)
            {
                string prompt = new((char)('A' + random.Next(26)), random.Next(1, 100));
                CancellationTokenSource source = new();
                int max = random.Next(1, 60);
                requests.Add((prompt, max, fixture.Submit(prompt, max, source.Token), source));
                for (int steps = random.Next(6); steps > 0; steps--)
                    fixture.Scheduler.Step();
                fixture.Scheduler.CheckIntegrity();
                if (random.Next(4) == 0)
                    requests[random.Next(requests.Count)].Source.Cancel();
            }

            fixture.Run();
            foreach ((string prompt, int max, GenerationStream stream, CancellationTokenSource source) in requests)
            {
                if (!source.IsCancellationRequested)
                    Assert.Equal(FakeDecoder.Answer(prompt, Math.Min(max, 150 - prompt.Length)), SchedulerFixture.Text(stream));
                Assert.True(stream.IsComplete);
                source.Dispose();
            }
        }
    }
}
