using System.Runtime.CompilerServices;
using EmbeddedLlm.Scheduling;

namespace EmbeddedLlm.Tests.Scheduling;

public sealed class DraftModelTests
{
    private const int Tokens = 60;
    private const int DraftLength = 4;

    private static readonly string[] Prompts = FakeDecoder.PromptsWithAnswersOf(Tokens, 8);

    [Fact]
    public void ADraftThatIsAlwaysRightSavesMostSteps()
    {
        SchedulerFixture fixture = new(new FakeDecoder(), draftLength: DraftLength, draftDecoder: Draft());
        Assert.Equal(FakeDecoder.Answer(Prompts[0], Tokens), fixture.Ask(Prompts[0], Tokens, out GenerationSummary summary));
        Assert.Equal(summary.DraftedTokens, summary.AcceptedTokens);
        Assert.Equal(Tokens / (DraftLength + 1), fixture.Decoder.Steps);
    }

    [Fact]
    public void ADraftThatIsOftenWrongChangesNothingButTheSteps()
    {
        SchedulerFixture fixture = new(new FakeDecoder(), draftLength: DraftLength, draftDecoder: Draft(wrongAt: 3));
        Assert.Equal(FakeDecoder.Answer(Prompts[0], Tokens), fixture.Ask(Prompts[0], Tokens, out GenerationSummary summary));
        Assert.InRange(summary.AcceptedTokens, 10, summary.DraftedTokens - 5);
        Assert.Equal(Tokens - summary.AcceptedTokens, fixture.Decoder.Steps);
    }

    [Fact]
    public void AnUnsureDraftGuessesNothing()
    {
        SchedulerFixture fixture = new(new FakeDecoder(), draftLength: DraftLength, draftDecoder: new FakeDecoder { Confidence = 1 });
        Assert.Equal(FakeDecoder.Answer(Prompts[0], Tokens), fixture.Ask(Prompts[0], Tokens, out GenerationSummary summary));
        Assert.Equal((0, Tokens), (summary.DraftedTokens, fixture.Decoder.Steps));
    }

    [Fact]
    public void AllSequencesAreGuessedTogether()
    {
        FakeDecoder draft = Draft();
        SchedulerFixture fixture = new(new FakeDecoder(), draftLength: DraftLength, draftDecoder: draft);
        GenerationStream[] streams = [.. Prompts[..4].Select(prompt => fixture.Submit(prompt, Tokens))];
        fixture.Run();
        Assert.Equal(Prompts[..4].Select(prompt => FakeDecoder.Answer(prompt, Tokens)), streams.Select(SchedulerFixture.Text));
        Assert.InRange(fixture.Decoder.Steps, Tokens / (DraftLength + 1), Tokens / (DraftLength + 1) + 4);
        Assert.InRange(draft.Steps, 1, fixture.Decoder.Steps * DraftLength);
    }

    [Fact]
    public void ALongPromptIsComputedOverSeveralSteps()
    {
        string prompt = new('x', 300);
        FakeDecoder draft = Draft();
        SchedulerFixture fixture = new(new FakeDecoder(), draftLength: DraftLength, draftDecoder: draft);
        Assert.Equal(FakeDecoder.Answer(prompt, Tokens), fixture.Ask(prompt, Tokens, out GenerationSummary summary));
        Assert.InRange(summary.AcceptedTokens, 1, Tokens);
        Assert.All(draft.History, step => Assert.InRange(step.Values.Sum(), 1, draft.Batch.Capacity));
    }

    [Fact]
    public void ASecondTurnComputesOnlyWhatIsNewInTheDraftAsWell()
    {
        FakeDecoder draft = Draft();
        SchedulerFixture fixture = new(new FakeDecoder(), draftLength: DraftLength, prefixCells: 1000, draftDecoder: draft);
        string prompt = new string('x', 200) + Prompts[0];
        string answer = fixture.Ask(prompt, Tokens, out _);
        string next = prompt + answer + " and then?";
        int before = draft.ComputedTokens;
        Assert.Equal(FakeDecoder.Answer(next, Tokens), fixture.Ask(next, Tokens, out GenerationSummary summary));
        Assert.InRange(summary.AcceptedTokens, 1, Tokens);
        Assert.InRange(draft.ComputedTokens - before, 1, Tokens + 30);
    }

    [Theory]
    [InlineData(nameof(DecodeResult.Failed))]
    [InlineData(nameof(DecodeResult.NoCells))]
    [InlineData(nameof(DecodeResult.Aborted))]
    public void AFailureOfTheDraftCostsGuessesOnly(string name)
    {
        DecodeResult result = Enum.Parse<DecodeResult>(name);
        FakeDecoder draft = Draft();
        draft.OnDecode = step => step % 5 == 0 ? result : DecodeResult.Done;
        SchedulerFixture fixture = new(new FakeDecoder(), draftLength: DraftLength, draftDecoder: draft);
        Assert.Equal(FakeDecoder.Answer(Prompts[0], Tokens), fixture.Ask(Prompts[0], Tokens, out GenerationSummary summary));
        Assert.InRange(summary.AcceptedTokens, 1, Tokens);
    }

    [Fact]
    public void NumbersOfTheDraftThatAreNoneCostGuessesOfTheirOwnRequestOnly()
    {
        FakeDecoder draft = new() { Confidence = 20, Poison = 'Z' };
        SchedulerFixture fixture = new(new FakeDecoder(), prefixCells: 1000, draftLength: DraftLength, draftDecoder: draft);
        GenerationStream first = fixture.Submit(Prompts[0], Tokens);
        for (int step = 0; step < 3; step++)
            fixture.Scheduler.Step();
        // Not computed again with each step.
        int before = draft.ComputedTokens;
        Assert.Equal(FakeDecoder.Answer("Z" + Prompts[1], Tokens), fixture.Ask("Z" + Prompts[1], Tokens, out GenerationSummary bad));
        Assert.Equal(0, bad.DraftedTokens);
        Assert.InRange(draft.ComputedTokens - before, 1, 100);
        Assert.Equal(FakeDecoder.Answer(Prompts[0], Tokens), SchedulerFixture.Text(first));
        Assert.Equal(FakeDecoder.Answer(Prompts[2], Tokens), fixture.Ask(Prompts[2], Tokens, out GenerationSummary after));
        Assert.Equal(Tokens * DraftLength / (DraftLength + 1), after.AcceptedTokens);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public void ARequestThatHasEndedIsNotKeptAlive(int failing)
    {
        FakeDecoder draft = Draft();
        draft.OnDecode = step => step == failing ? DecodeResult.Failed : DecodeResult.Done;
        SchedulerFixture fixture = new(new FakeDecoder(), draftLength: DraftLength, draftDecoder: draft);
        WeakReference[] requests = [.. Enumerable.Range(0, 3).Select(_ => EndedRequest(fixture))];
        GC.Collect();
        Assert.All(requests, request => Assert.False(request.IsAlive));
        GC.KeepAlive(fixture);
    }

    [Fact]
    public void ADraftWithRecurrentMemoryIsRefused() => Assert.Throws<ArgumentException>(() => new DraftModel(new FakeDecoder { IsRecurrent = true }, FakeDecoder.Vocabulary.Count));

    [Fact]
    public void RandomRequestsAnswerAsWithoutADraft()
    {
        for (int seed = 0; seed < 20; seed++)
        {
            Random random = new(seed);
            int slots = random.Next(1, 9);
            FakeDecoder decoder = new(slots, cells: 300, batch: random.Next(9, 40)) { Repeats = random.Next(2) == 0 };
            decoder.OnDecode = _ => random.Next(30) == 0 ? DecodeResult.Aborted : DecodeResult.Done;
            FakeDecoder draft = new(slots, cells: random.Next(150, 400), batch: random.Next(9, 40)) { Repeats = decoder.Repeats, Confidence = 20, IsWrongAt = random.Next(0, 9) };
            draft.OnDecode = _ => random.Next(50) == 0 ? DecodeResult.Failed : DecodeResult.Done;
            SchedulerFixture fixture = new(
                decoder, contextLength: 150, queueCapacity: 1000, prefixCells: random.Next(0, 300), maxRunning: random.Next(1, 8), draftLength: random.Next(1, 9), draftDecoder: draft);
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
                Assert.Equal(FakeDecoder.Answer(prompt, Math.Min(max, 150 - prompt.Length), decoder.Repeats), SchedulerFixture.Text(stream));
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference EndedRequest(SchedulerFixture fixture)
    {
        GenerationRequest request = SchedulerFixture.Request(Prompts[0], 4);
        fixture.Scheduler.Submit(request, default);
        fixture.Run();
        return new WeakReference(request);
    }

    /// <summary>A small model that says the same as the large one, but for some tokens.</summary>
    private static FakeDecoder Draft(int wrongAt = 0) => new() { Confidence = 20, IsWrongAt = wrongAt };
}
