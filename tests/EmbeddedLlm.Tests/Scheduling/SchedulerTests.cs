using System.Runtime.CompilerServices;
using System.Text.Json;
using EmbeddedLlm.Sampling;
using EmbeddedLlm.Scheduling;

namespace EmbeddedLlm.Tests.Scheduling;

public sealed class SchedulerTests
{
    private static readonly string[] Prompts =
        ["a", "bb", "The third prompt", "x y z", "Is it raining?", "once upon", "Z", "0123456789 0123456789 0123456789 0123456789"];

    [Fact]
    public void AnAnswerIsTheModelsOwn()
    {
        SchedulerFixture fixture = new(new FakeDecoder());
        GenerationStream stream = fixture.Submit("Hello", 40);
        fixture.Run();
        Assert.Equal(FakeDecoder.Answer("Hello", 40), SchedulerFixture.Text(stream));
    }

    [Theory]
    [InlineData(1, 64)]
    [InlineData(3, 64)]
    [InlineData(8, 64)]
    [InlineData(8, 8)]
    public void ManyAtOnceAnswerAsEachAlone(int maxSequences, int batch)
    {
        SchedulerFixture fixture = new(new FakeDecoder(maxSequences, batch: batch));
        GenerationStream[] streams = [.. Prompts.Select(prompt => fixture.Submit(prompt, 50))];
        fixture.Run();
        Assert.Equal(Prompts.Select(prompt => FakeDecoder.Answer(prompt, 50)), streams.Select(SchedulerFixture.Text));
    }

    [Fact]
    public void SequencesJoinAndLeaveBetweenSteps()
    {
        SchedulerFixture fixture = new(new FakeDecoder(2));
        GenerationStream first = fixture.Submit("first", 5);
        GenerationStream second = fixture.Submit("second", 30);
        GenerationStream third = fixture.Submit("third", 30);
        while (!first.IsComplete)
            fixture.Scheduler.Step();
        Assert.Equal(1, fixture.Scheduler.WaitingCount);
        fixture.Scheduler.Step();
        Assert.Equal(0, fixture.Scheduler.WaitingCount);
        Assert.Equal(2, fixture.Scheduler.RunningCount);
        fixture.Run();
        Assert.Equal(FakeDecoder.Answer("second", 30), SchedulerFixture.Text(second));
        Assert.Equal(FakeDecoder.Answer("third", 30), SchedulerFixture.Text(third));
    }

    [Fact]
    public void ALongPromptIsComputedInChunksWhileOthersGoOnEachStep()
    {
        SchedulerFixture fixture = new(new FakeDecoder(2, batch: 16));
        fixture.Submit("short", 60);
        fixture.Scheduler.Step();
        GenerationStream longOne = fixture.Submit(new string('p', 100), 5);
        int before = fixture.Decoder.Steps;
        fixture.Run();
        IEnumerable<Dictionary<int, int>> shared = fixture.Decoder.History.Skip(before).TakeWhile(step => step.Count == 2);
        Assert.All(shared, step => Assert.Equal(1, step[0]));
        Assert.Equal([15, 15, 15, 15, 15, 15, 10], shared.Take(7).Select(step => step[1]));
        Assert.Equal(FakeDecoder.Answer(new string('p', 100), 5), SchedulerFixture.Text(longOne));
    }

    [Fact]
    public void ThePromptWithFewestTokensLeftGoesFirstAndEqualsInTheirOrder()
    {
        SchedulerFixture fixture = new(new FakeDecoder(4, batch: 10));
        fixture.Submit(new string('p', 40), 1);
        fixture.Submit(new string('q', 40), 1);
        fixture.Scheduler.Step();
        fixture.Submit(new string('r', 10), 1);
        fixture.Submit(new string('s', 20), 1);
        fixture.Run();
        Assert.Equal([0, 2, 3, 3, 0, 0, 0, 1, 1, 1, 1], fixture.Decoder.History.Select(step => step.Keys.Single()));
    }

    [Fact]
    public void WhileOthersDecodeAPromptsChunksAreSmaller()
    {
        SchedulerFixture fixture = new(new FakeDecoder(4, batch: 64), prefillChunk: 10);
        fixture.Submit(FakeDecoder.PromptsWithAnswersOf(20, 1)[0], 20);
        fixture.Scheduler.Step();
        fixture.Submit(new string('p', 35), 1);
        fixture.Submit(new string('q', 5), 1);
        for (int i = 0; i < 5; i++)
            fixture.Scheduler.Step();
        Assert.Equal([10, 10, 10, 10], fixture.Decoder.History.Skip(1).Take(4).Select(step => step.Where(run => run.Key != 0).Sum(run => run.Value)));
        Assert.All(fixture.Decoder.History.Skip(1).Take(5), step => Assert.Equal(1, step[0]));
        // The short prompt does not wait for the long one.
        Assert.Equal([5, 0, 0], fixture.Decoder.History.Skip(1).Take(3).Select(step => step.GetValueOrDefault(2)));
    }

    [Fact]
    public void AHigherPriorityIsAdmittedFirstAndEqualsInTheirOrder()
    {
        SchedulerFixture fixture = new(new FakeDecoder(1));
        List<int> order = [];
        GenerationStream[] streams = [.. new[] { 0, 5, -1, 5, 0 }.Select((priority, i) => fixture.Scheduler.Submit(SchedulerFixture.Request($"p{i}", 3, priority: priority), default))];
        while (fixture.Scheduler.Step())
            order.AddRange(Enumerable.Range(0, streams.Length).Where(i => streams[i].IsComplete && !order.Contains(i)));
        Assert.Equal([1, 3, 0, 4, 2], order);
    }

    [Fact]
    public void AHigherPriorityIsPrefilledFirst()
    {
        SchedulerFixture fixture = new(new FakeDecoder(2, batch: 10));
        fixture.Scheduler.Submit(SchedulerFixture.Request(new string('p', 40), 1), default);
        fixture.Scheduler.Step();
        fixture.Scheduler.Submit(SchedulerFixture.Request(new string('q', 30), 1, priority: 1), default);
        fixture.Run();
        Assert.Equal([0, 1, 1, 1, 0], fixture.Decoder.History.Take(5).Select(step => step.Keys.First()));
    }

    [Fact]
    public void WithoutABoundAllRequestsWait()
    {
        SchedulerFixture fixture = new(new FakeDecoder(1), queueCapacity: int.MaxValue);
        GenerationStream[] streams = [.. Enumerable.Range(0, 3000).Select(i => fixture.Submit($"{i}", 1))];
        fixture.Run();
        Assert.All(streams, stream => Assert.True(stream.IsComplete));
    }

    [Fact]
    public void TheOutputLimitEndsWithLength()
    {
        SchedulerFixture fixture = new(new FakeDecoder());
        GenerationStream stream = fixture.Submit("Hello", 3);
        fixture.Run();
        Assert.Equal(3, SchedulerFixture.Text(stream).Length);
        Assert.Equal(GenerationEnd.Length, stream.Summary.End);
        Assert.Equal((5, 3), (stream.Summary.PromptTokens, stream.Summary.OutputTokens));
    }

    [Fact]
    public void TheContextsEndEndsWithLength()
    {
        SchedulerFixture fixture = new(new FakeDecoder(cells: 12), contextLength: 12);
        GenerationStream stream = fixture.Submit("01234567", 1000);
        fixture.Run();
        Assert.Equal(FakeDecoder.Answer("01234567", 4), SchedulerFixture.Text(stream));
        Assert.Equal(GenerationEnd.Length, stream.Summary.End);
    }

    [Fact]
    public void APromptWithoutRoomForAnAnswerIsRefusedWithBothCounts()
    {
        SchedulerFixture fixture = new(new FakeDecoder(), contextLength: 10);
        ContextOverflowException exception = Assert.Throws<ContextOverflowException>(() => fixture.Submit("0123456789"));
        Assert.Equal((10, 10), (exception.PromptTokens, exception.ContextLength));
    }

    [Fact]
    public void TheModelsEndOfTurnEndsWithStopAndIsNotText()
    {
        string prompt = Enumerable.Range(0, 1000).Select(i => $"prompt {i}").First(p => FakeDecoder.Answer(p, 100).Length is > 5 and < 40);
        SchedulerFixture fixture = new(new FakeDecoder());
        GenerationStream stream = fixture.Submit(prompt, 100);
        fixture.Run();
        Assert.Equal(FakeDecoder.Answer(prompt, 100), SchedulerFixture.Text(stream));
        Assert.Equal(GenerationEnd.Stop, stream.Summary.End);
        Assert.Equal(FakeDecoder.Answer(prompt, 100).Length + 1, stream.Summary.OutputTokens);
    }

    [Fact]
    public void AStopStringEndsWithStopAndNoFurtherTokenIsComputed()
    {
        string answer = FakeDecoder.Answer("Hello", 40);
        SchedulerFixture fixture = new(new FakeDecoder());
        GenerationStream stream = fixture.Submit("Hello", 40, default, answer[10..13]);
        fixture.Run();
        Assert.Equal(answer[..10], SchedulerFixture.Text(stream));
        Assert.Equal(GenerationEnd.Stop, stream.Summary.End);
        Assert.Equal(13, fixture.Decoder.Steps);
    }

    [Fact]
    public void RequestsWaitUntilThereAreCellsForThem()
    {
        SchedulerFixture fixture = new(new FakeDecoder(maxSequences: 8, cells: 100), contextLength: 100);
        GenerationStream[] streams = [.. Prompts.Select(prompt => fixture.Submit(prompt, 30))];
        fixture.Scheduler.Step();
        Assert.Equal(4, fixture.Scheduler.RunningCount);
        fixture.Run();
        Assert.Equal(Prompts.Select(prompt => FakeDecoder.Answer(prompt, 30)), streams.Select(SchedulerFixture.Text));
    }

    [Fact]
    public void AFullQueueIsAnErrorWithTheFigures()
    {
        SchedulerFixture fixture = new(new FakeDecoder(1), queueCapacity: 2);
        fixture.Submit("a");
        fixture.Submit("b");
        QueueFullException exception = Assert.Throws<QueueFullException>(() => fixture.Submit("c"));
        Assert.Equal((2, 0), (exception.Capacity, exception.Running));
    }

    [Fact]
    public void CancelledRequestsMakeRoomInTheQueue()
    {
        SchedulerFixture fixture = new(new FakeDecoder(1), queueCapacity: 2);
        using CancellationTokenSource source = new();
        fixture.Submit("a", cancellationToken: source.Token);
        fixture.Submit("b", cancellationToken: source.Token);
        source.Cancel();
        GenerationStream stream = fixture.Submit("c", 10);
        fixture.Run();
        Assert.Equal(FakeDecoder.Answer("c", 10), SchedulerFixture.Text(stream));
    }

    [Fact]
    public void ATokenOutsideTheVocabularyIsRefused()
    {
        SchedulerFixture fixture = new(new FakeDecoder());
        Assert.Throws<ArgumentOutOfRangeException>(() => fixture.Scheduler.Submit(new GenerationRequest { Prompt = [258] }, default));
        Assert.Throws<ArgumentOutOfRangeException>(() => fixture.Scheduler.Submit(new GenerationRequest { Prompt = [-1] }, default));
    }

    [Fact]
    public void SamplingOptionsThatMakeNoSenseAreRefused()
    {
        SchedulerFixture fixture = new(new FakeDecoder());
        Assert.Throws<ArgumentOutOfRangeException>(() => fixture.Scheduler.Submit(new GenerationRequest { Prompt = [1], Sampling = new() { TopP = 0 } }, default));
        Assert.Equal(0, fixture.Scheduler.WaitingCount);
    }

    [Fact]
    public void ARequestThatHadToWaitForCellsIsNotKeptAliveWhenItHasEnded()
    {
        SchedulerFixture fixture = new(new FakeDecoder(2, cells: 60), contextLength: 60);
        fixture.Submit(FakeDecoder.PromptsWithAnswersOf(30, 1)[0], 30);
        fixture.Scheduler.Step();
        WeakReference waited = BlockedRequest(fixture);
        fixture.Run();
        GC.Collect();
        Assert.False(waited.IsAlive);
        GC.KeepAlive(fixture);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static WeakReference BlockedRequest(SchedulerFixture fixture)
        {
            GenerationRequest request = SchedulerFixture.Request(new string('x', 50), 4);
            fixture.Scheduler.Submit(request, default);
            fixture.Scheduler.Step();
            Assert.Equal(1, fixture.Scheduler.WaitingCount);
            return new WeakReference(request);
        }
    }

    [Theory]
    [InlineData(null)]
    [InlineData("""{ "type": "object", "properties": { "name": { "type": "string" } }, "required": ["name"] }""")]
    [InlineData("""{ "type": "object", "properties": { "age": { "const": 31 }, "town": { "const": "Lisbon" }, "name": { "type": "string" } }, "required": ["age", "town", "name"] }""")]
    public void NothingIsAllocatedPerToken(string? schema)
    {
        FakeDecoder decoder = new(batch: 8);
        using CountingDecoder counting = new(decoder);
        Scheduler scheduler = new(counting, FakeDecoder.Vocabulary, new() { ContextLength = 4096, QueueCapacity = 1, PrefixCells = 1000 }, () => { });
        scheduler.Submit(
            new GenerationRequest
            {
                Prompt = ['x'],
                MaxOutputTokens = 1000,
                Sampling = SamplingOptions.Greedy,
                Constraint = schema is null ? null : new AnswerConstraint { Grammar = Grammar.FromJsonSchema(JsonElement.Parse(schema)), Vocabulary = new GrammarVocabulary(FakeDecoder.Vocabulary) },
            },
            default);
        // Long enough that the unread text's buffer need not grow meanwhile.
        for (int i = 0; i < 300; i++)
            scheduler.Step();
        Assert.Equal(0, Allocations.Least(5, Step100Times, () => counting.AllocatedInside));

        void Step100Times()
        {
            for (int i = 0; i < 100; i++)
                Assert.True(scheduler.Step());
        }
    }

    /// <summary>Never ends, and keeps the fake's own allocations out of the account.</summary>
    private sealed class CountingDecoder(FakeDecoder inner) : IDecoder
    {
        private readonly float[] _logits = [.. Enumerable.Range(0, 258).Select(i => i == 'k' ? 1f : 0f)];

        public long AllocatedInside { get; private set; }

        public int VocabularySize => inner.VocabularySize;

        public int MaxSequences => inner.MaxSequences;

        public int CellCount => inner.CellCount;

        public DecodeBatch Batch => inner.Batch;

        public DecodeResult Decode()
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            DecodeResult result = inner.Decode();
            AllocatedInside += GC.GetAllocatedBytesForCurrentThread() - before;
            return result;
        }

        public void UseAdapters(AdapterSet adapters) => inner.UseAdapters(adapters);

        public ReadOnlySpan<float> GetLogits(int batchIndex) => _logits;

        public bool RemoveCells(int slot, int fromPosition) => inner.RemoveCells(slot, fromPosition);

        public void Wipe() => inner.Wipe();

        public bool HasCellPerToken => true;

        public bool NeedsCheckpoints => false;

        public bool CanShare(int slot, int count) => inner.CanShare(slot, count);

        public void CopyCells(int from, int to, int count) => inner.CopyCells(from, to, count);

        public long GetStateSize(int slot) => inner.GetStateSize(slot);

        public bool TryGetState(int slot, Span<byte> state) => inner.TryGetState(slot, state);

        public bool TrySetState(int slot, int count, ReadOnlySpan<byte> state) => inner.TrySetState(slot, count, state);

        public void RequestAbort() => inner.RequestAbort();

        public void ForgetAbort() => inner.ForgetAbort();

        public void Dispose() => inner.Dispose();
    }
}
