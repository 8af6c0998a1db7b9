using System.Diagnostics;
using EmbeddedLlm.Scheduling;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Native.Tests.Scheduling;

/// <summary>Runs alone, since it counts the process's threads and memory.</summary>
[CollectionDefinition(nameof(SoakTests), DisableParallelization = true)]
[Collection(nameof(SoakTests))]
public sealed class SoakTests(ITestOutputHelper output)
{
    private const int Threads = 16;
    private const int WarmUpRequests = 400;
    private const int Requests = 2000;

    /// <summary>Two logits that differ by less than this are a tie: where a batch's arithmetic was seen to choose another token than a single sequence's, they differed by 0.0003.</summary>
    private const float Tie = 0.01f;

    private const int ToleratedThreads = 4;
    private const long ToleratedManagedBytes = 4 << 20;
    private const long ToleratedWorkingSet = 32L << 20;

    private static readonly EmbeddedModelOptions s_options = new() { ContextLength = 256, CacheLength = 640, MaxSequences = 8, PromptLookupTokens = 3, Threads = 1 };

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ManyCallersLeaveNothingBehindAndGetWhatTheyWouldGetAlone()
    {
        await using EmbeddedModel model = await EmbeddedModel.LoadAsync("starter", s_options, cancellationToken: Cancel);
        Soak(model, WarmUpRequests, seed: 1);
        Footprint before = Footprint.Take();
        long startedAt = Stopwatch.GetTimestamp();
        SoakFigures figures = Soak(model, Requests, seed: 2);
        output.WriteLine($"{figures}; {Stopwatch.GetElapsedTime(startedAt).TotalSeconds:F1} s");

        Assert.Equal(Requests, figures.Answers.Count + figures.Cancelled);
        Assert.InRange(figures.Cancelled, Requests / 6, Requests / 3 + Requests / 20);
        Assert.InRange(figures.CachedRequests, Requests / 10, Requests);

        await model.DrainAsync(Cancel);
        Scheduler scheduler = model.Engine.Scheduler;
        scheduler.CheckIntegrity();
        Assert.Equal((0, 0), (scheduler.RunningCount, scheduler.WaitingCount));
        (int cached, int free) = (scheduler.Cache.CachedSlots, scheduler.FreeSlots);
        while (scheduler.Cache.TryEvict())
            scheduler.CheckIntegrity();
        Assert.Equal((0, free + cached), (scheduler.Cache.CachedSlots, scheduler.FreeSlots));

        Footprint after = Footprint.Take();
        output.WriteLine($"{cached} slots cached at the end; before: {before}; after: {after}");
        Assert.InRange(after.Threads, 1, before.Threads + ToleratedThreads);
        Assert.InRange(after.ManagedBytes, 1, before.ManagedBytes + ToleratedManagedBytes);
        Assert.InRange(after.WorkingSet, 1, before.WorkingSet + ToleratedWorkingSet);
        await CompareWithAlone(figures.Answers);
    }

    [Theory]
    [InlineData("1, 2, 3, 4, 5.", false, true)]
    [InlineData("1, 2, 3", true, true)]
    [InlineData("1, 2, 3", false, false)]
    [InlineData("1, 2, 4, 5.", false, false)]
    [InlineData("1, 2, 3, 4, 5. ", false, false)]
    public async Task OnlyTheMostLikelyAnswerIsATie(string answer, bool isCut, bool isTie)
    {
        await using EmbeddedModel model = await EmbeddedModel.LoadAsync("starter", s_options, cancellationToken: Cancel);
        using GreedyPath path = new(model);
        float gap = path.WidestGap([new ChatMessage(ChatRole.User, "Count to five.")], answer, promptTokens: 14, isCut);
        Assert.True(isTie ? gap == 0 : gap > Tie * 10, $"{gap}");
    }

    private static SoakFigures Soak(EmbeddedModel model, int requests, int seed)
    {
        IChatClient chat = model.AsChatClient();
        SoakFigures figures = new();
        Thread[] threads =
        [
            .. Enumerable.Range(0, Threads).Select(i => new Thread(() => figures.Try(() =>
            {
                SoakCaller caller = new(chat, figures, new Random(seed * 1000 + i));
                caller.RunAsync(requests / Threads, Cancel).GetAwaiter().GetResult();
            }))),
        ];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
        Assert.Empty(figures.Errors);
        return figures;
    }

    /// <summary>Batched arithmetic may differ from single in the last bits, so another answer is right where it parts from the one alone at a tie, and only there.</summary>
    private async Task CompareWithAlone(IEnumerable<SoakAnswer> answers)
    {
        await using EmbeddedModel alone = await EmbeddedModel.LoadAsync(
            "starter", new() { ContextLength = s_options.ContextLength, MaxSequences = 1, PrefixCacheLength = 0, Threads = 1 }, cancellationToken: Cancel);
        IChatClient chat = alone.AsChatClient();
        using GreedyPath path = new(alone);
        int differences = 0;
        float widest = 0;
        IGrouping<string, SoakAnswer>[] groups = [.. answers.GroupBy(answer => answer.Key)];
        foreach (IGrouping<string, SoakAnswer> group in groups)
        {
            SoakAnswer first = group.First();
            string expected = (await chat.GetResponseAsync(first.Messages, first.Options, Cancel)).Text;
            foreach (IGrouping<string, SoakAnswer> same in group.Where(answer => answer.Text != expected).GroupBy(answer => answer.Text))
            {
                differences += same.Count();
                float gap = path.WidestGap(first.Messages, same.Key, first.InputTokens, isCut: same.First().IsCut);
                output.WriteLine($"{same.Count()} times '{same.Key}' in place of '{expected}': {gap} from the most likely token");
                widest = Math.Max(widest, gap);
                Assert.True(gap < Tie, $"'{same.Key}' in place of '{expected}', and no tie: {gap}.");
            }
        }

        output.WriteLine($"{groups.Length} conversations, {differences} answers differ from those alone, by {widest} at most");
    }

    private readonly record struct Footprint(int Threads, long ManagedBytes, long WorkingSet)
    {
        public static Footprint Take()
        {
            for (int i = 0; i < 3; i++)
            {
                GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
                GC.WaitForPendingFinalizers();
            }

            using Process process = Process.GetCurrentProcess();
            return new Footprint(process.Threads.Count, GC.GetTotalMemory(forceFullCollection: true), process.WorkingSet64);
        }

        public override string ToString() => $"{Threads} threads, {ManagedBytes / 1024} KiB managed, {WorkingSet >> 20} MiB working set";
    }
}
