using EmbeddedLlm.Sampling;
using EmbeddedLlm.Scheduling;

namespace EmbeddedLlm.Tests.Scheduling;

/// <summary>What each caller may count on while others ask as well.</summary>
public sealed class FairnessTests
{
    [Fact]
    public void LongPromptsTogetherAddAtMostOneChunkToAnothersNextToken()
    {
        SchedulerFixture fixture = new(new FakeDecoder(6, batch: 64), prefillChunk: 12);
        GenerationStream first = fixture.Submit(FakeDecoder.PromptsWithAnswersOf(60, 1)[0], 60);
        fixture.Scheduler.Step();
        for (int i = 0; i < 4; i++)
            fixture.Submit(new string((char)('p' + i), 150), 1);
        int before = fixture.Decoder.Steps;
        while (!first.IsComplete)
            fixture.Scheduler.Step();
        Assert.Equal(59, fixture.Decoder.Steps - before);
        Assert.All(fixture.Decoder.History.Skip(before), step => Assert.Equal(1, step[0]));
        Assert.All(fixture.Decoder.History.Skip(before).Take(49), step => Assert.Equal(13, step.Values.Sum()));
    }

    [Fact]
    public void EqualPromptsAreAnsweredInTheirOrder()
    {
        SchedulerFixture fixture = new(new FakeDecoder(4, batch: 64), prefillChunk: 10);
        fixture.Submit(FakeDecoder.PromptsWithAnswersOf(100, 1)[0], 100);
        fixture.Scheduler.Step();
        GenerationStream[] streams = [.. "pqr".Select(letter => fixture.Submit(new string(letter, 90), 1))];
        List<int> ends = [];
        for (int step = 1; ends.Count < streams.Length; step++)
        {
            fixture.Scheduler.Step();
            ends.AddRange(streams.Where(stream => stream.IsComplete).Skip(ends.Count).Select(_ => step));
        }

        // In turns all three would be there after 25 steps at the earliest.
        Assert.Equal([9, 18, 27], ends);
    }

    [Fact]
    public void APromptWaitsForNoMoreTokensOfLaterOnesThanItHasItselfAndHasHalfOfTheChunksThen()
    {
        SchedulerFixture fixture = new(new FakeDecoder(8, cells: 4000, batch: 64), contextLength: 500, prefillChunk: 10);
        fixture.Submit(FakeDecoder.PromptsWithAnswersOf(400, 1)[0], 400);
        fixture.Scheduler.Step();
        GenerationStream patient = fixture.Submit(new string('p', 200), 1);
        int before = fixture.Decoder.Steps;
        for (int i = 0; !patient.IsComplete; i++)
        {
            while (fixture.Scheduler.RunningCount + fixture.Scheduler.WaitingCount < 4)
                fixture.Submit(new string((char)('a' + (i % 10)), 20), 1);
            fixture.Scheduler.Step();
        }

        int[] turns = [.. fixture.Decoder.History.Skip(before).Select(step => step.GetValueOrDefault(1))];
        Assert.Equal(200, turns.Sum());
        // Twenty chunks of others, and then one of each by turns, until what is left is less than the others have.
        Assert.All(turns.Take(20), count => Assert.Equal(0, count));
        Assert.InRange(turns.Length, 58, 62);
        Assert.All(turns.Skip(20).SkipLast(4).Chunk(2), pair => Assert.InRange(pair.Sum(), 0, 10));
    }

    [Fact]
    public void SeveralPromptsThatHaveWaitedLongLeaveTheirShareToShortOnes()
    {
        SchedulerFixture fixture = new(new FakeDecoder(8, cells: 8000, batch: 64), contextLength: 700, prefillChunk: 10);
        fixture.Submit(FakeDecoder.PromptsWithAnswersOf(400, 1)[0], 400);
        fixture.Scheduler.Step();
        GenerationStream[] patient = [.. "pqr".Select(letter => fixture.Submit(new string(letter, 300), 1))];
        int before = fixture.Decoder.Steps;
        for (int i = 0; patient.All(stream => !stream.IsComplete); i++)
        {
            while (fixture.Scheduler.RunningCount + fixture.Scheduler.WaitingCount < 6)
                fixture.Submit(new string((char)('a' + (i % 10)), 20), 1);
            fixture.Scheduler.Step();
        }

        // After the short ones had as much as each of the long ones is long, they have every fourth chunk.
        IEnumerable<int[]> rounds = fixture.Decoder.History.Skip(before + 30).Take(80)
            .Select(step => step.Keys.Where(slot => slot != 0).Select(slot => Math.Min(slot, 4)).Distinct().Single()).Chunk(4);
        Assert.All(rounds, round => Assert.Equal([1, 2, 3, 4], round.Order()));
    }

    [Fact]
    public void ALongPromptIsAnsweredInBoundedTimeWhileOthersKeepComing()
    {
        SchedulerFixture fixture = new(new FakeDecoder(3, cells: 300, batch: 32), contextLength: 250, prefillChunk: 8);
        GenerationStream patient = fixture.Submit(new string('p', 200), 20);
        for (int step = 0; !patient.IsComplete; step++)
        {
            // Three share the chunks, so the long prompt has its turn at least each third step.
            Assert.InRange(step, 0, (3 * 200 / 8) + 40);
            if (fixture.Scheduler.WaitingCount < 5)
                fixture.Submit($"another request, and one more {step}", 6);
            fixture.Scheduler.Step();
        }

        Assert.Equal(FakeDecoder.Answer(new string('p', 200), 20), SchedulerFixture.Text(patient));
        fixture.Run();
    }

    [Fact]
    public void ARequestThatNeedsManyCellsIsNotOvertakenForEver()
    {
        SchedulerFixture fixture = new(new FakeDecoder(6, cells: 200, batch: 32), contextLength: 200);
        for (int i = 0; i < 5; i++)
            fixture.Submit($"a short one {i}", 20);
        fixture.Scheduler.Step();
        GenerationStream large = fixture.Submit(new string('p', 180), 5);
        for (int step = 0; !large.IsComplete; step++)
        {
            Assert.InRange(step, 0, 40);
            if (fixture.Scheduler.WaitingCount < 5)
                fixture.Submit($"a short one after it {step}", 20);
            fixture.Scheduler.Step();
        }

        fixture.Run();
    }

    [Fact]
    public void WhoeverWaitsForTheTokensOfALessUrgentOneIsNotOvertakenByThoseBetween()
    {
        SchedulerFixture fixture = new(new FakeDecoder(8, cells: 8000, batch: 64), contextLength: 1000, prefixCells: 1000, prefillChunk: 10);
        fixture.Submit(FakeDecoder.PromptsWithAnswersOf(500, 1)[0], 500);
        fixture.Scheduler.Step();
        string common = new('-', 200);
        fixture.Scheduler.Submit(SchedulerFixture.Request(common + "low", 1, priority: int.MinValue), default);
        fixture.Scheduler.Step();
        GenerationStream urgent = fixture.Scheduler.Submit(SchedulerFixture.Request(common + "high", 1, priority: int.MaxValue), default);
        // Nothing but the common tokens and its own are computed.
        Assert.InRange(StepsUntil(fixture, urgent), 1, 20);
    }

    [Fact]
    public void AShortPromptThatBeginsAsALongOneDoesNotWaitUntilTheLongOnesTurn()
    {
        SchedulerFixture fixture = new(new FakeDecoder(8, cells: 8000, batch: 64), contextLength: 1000, prefixCells: 1000, prefillChunk: 10);
        fixture.Submit(FakeDecoder.PromptsWithAnswersOf(500, 1)[0], 500);
        fixture.Scheduler.Step();
        string common = new('-', 30);
        GenerationStream large = fixture.Submit(common + new string('l', 800), 1);
        fixture.Scheduler.Step();
        GenerationStream small = fixture.Submit(common + "short", 1);
        Assert.InRange(StepsUntil(fixture, small), 1, 4);
        Assert.False(large.IsComplete);
    }

    [Fact]
    public void TheNextInTheQueueIsAdmittedAsSoonAsAnotherHasLostItsPlace()
    {
        SchedulerFixture fixture = new(new FakeDecoder(4, cells: 200, batch: 200), contextLength: 200);
        string large = Enumerable.Range(0, 1000).Select(i => new string('-', 110) + i).First(prompt => FakeDecoder.Answer(prompt, 80).Length == 80);
        GenerationStream first = fixture.Scheduler.Submit(SchedulerFixture.Request(FakeDecoder.PromptsWithAnswersOf(150, 1)[0], 150, priority: 2), default);
        fixture.Scheduler.Submit(SchedulerFixture.Request(large, 80, priority: 0), default);
        fixture.Scheduler.Step();
        GenerationStream third = fixture.Scheduler.Submit(SchedulerFixture.Request(new string('c', 35), 20, priority: 1), default);
        while (fixture.Scheduler.RunningCount == 2 && fixture.Scheduler.WaitingCount == 1)
            fixture.Scheduler.Step();
        fixture.Scheduler.Step();
        Assert.Equal([2, 1], fixture.Scheduler.Running.Select(sequence => sequence.Request.Priority));
        fixture.Run();
        Assert.True(first.IsComplete && third.IsComplete);
    }

    [Fact]
    public void ThoseWhoBeginAlikeRunTogetherThoughTheirPromptsDoNotFitSeparately()
    {
        SchedulerFixture fixture = new(new FakeDecoder(9, cells: 2048, batch: 64), contextLength: 1100, prefixCells: 2048);
        string[] prompts = [.. Enumerable.Range(0, 8).Select(i => new string('c', 960) + i)];
        GenerationStream[] streams = [.. prompts.Select(prompt => fixture.Submit(prompt, 30))];
        int most = 0;
        while (fixture.Scheduler.Step())
            most = Math.Max(most, fixture.Scheduler.RunningCount);
        Assert.Equal(8, most);
        Assert.Equal(prompts.Select(prompt => FakeDecoder.Answer(prompt, 30)), streams.Select(SchedulerFixture.Text));
    }

    [Fact]
    public void NoMoreSequencesRunThanABatchHoldsTokensSoEachGetsItsNextTokenInEachStep()
    {
        SchedulerFixture fixture = new(new FakeDecoder(6, batch: 2));
        GenerationStream[] streams = [.. FakeDecoder.PromptsWithAnswersOf(30, 6).Select(prompt => fixture.Submit(prompt, 30))];
        while (streams.Any(stream => !stream.IsComplete))
        {
            (Sequence Sequence, int Count)[] decoding = [.. fixture.Scheduler.Running.Where(sequence => sequence.IsStarted && sequence.IsDecoding).Select(sequence => (sequence, sequence.OutputCount))];
            Assert.True(fixture.Scheduler.Step());
            Assert.All(decoding, before => Assert.Equal(before.Count + 1, before.Sequence.OutputCount));
        }

        fixture.Run();
    }

    [Fact]
    public void ATextThatAGrammarForcesAddsAtMostOneChunkToAnothersNextToken()
    {
        SchedulerFixture fixture = new(new FakeDecoder(3, batch: 64), prefillChunk: 12);
        GenerationStream first = fixture.Submit(FakeDecoder.PromptsWithAnswersOf(60, 1)[0], 60);
        fixture.Scheduler.Step();
        string forced = string.Concat(Enumerable.Repeat("all of this is forced, ", 5));
        GenerationStream second = fixture.Scheduler.Submit(
            new GenerationRequest
            {
                Prompt = ['p', 'r', 'o', 'm', 'p', 't'],
                Sampling = SamplingOptions.Greedy,
                Constraint = new AnswerConstraint
                {
                    Grammar = Grammar.FromGbnf($"root ::= [a-z] \"{forced}\" [a-z]"),
                    Vocabulary = new GrammarVocabulary(FakeDecoder.Vocabulary),
                    Tokenize = text => [.. text.Select(letter => (int)letter)],
                },
            },
            default);
        fixture.Submit(new string('p', 100), 1);
        fixture.Run();
        Assert.True(first.IsComplete);
        Assert.Contains(forced, SchedulerFixture.Text(second), StringComparison.Ordinal);
        // One token each for the two that decode.
        Assert.All(fixture.Decoder.History.Skip(1).Where(step => step.ContainsKey(0)), step => Assert.InRange(step.Values.Sum(), 1, 2 + 12));
    }

    [Fact]
    public void WithoutABoundWaitingRequestsAreServedInTheirOrderAndCanBeCancelled()
    {
        SchedulerFixture fixture = new(new FakeDecoder(1), queueCapacity: int.MaxValue);
        using CancellationTokenSource source = new();
        GenerationStream[] streams = [.. Enumerable.Range(0, 2000).Select(i => fixture.Submit($"{i}", 1, i % 2 == 0 ? default : source.Token))];
        source.Cancel();
        Assert.All(streams.Where((_, i) => i % 2 == 1), stream => Assert.True(stream.IsComplete));
        List<int> order = [];
        while (fixture.Scheduler.Step())
            order.AddRange(Enumerable.Range(order.Count * 2, 4).Where(i => i % 2 == 0 && i < streams.Length && streams[i].IsComplete));
        Assert.Equal(Enumerable.Range(0, 1000).Select(i => i * 2), order);
    }

    /// <summary>How long an answer takes where others with prompts of medium length keep coming.</summary>
    private static int StepsUntil(SchedulerFixture fixture, GenerationStream stream)
    {
        int before = fixture.Decoder.Steps;
        for (int i = 0; !stream.IsComplete && fixture.Decoder.Steps - before < 200; i++)
        {
            while (fixture.Scheduler.RunningCount + fixture.Scheduler.WaitingCount < 6)
                fixture.Submit(new string((char)('d' + (i % 10)), 60), 1);
            fixture.Scheduler.Step();
        }

        return fixture.Decoder.Steps - before;
    }
}
