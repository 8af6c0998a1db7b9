using System.Text;
using EmbeddedLlm.Sampling;
using EmbeddedLlm.Scheduling;

namespace EmbeddedLlm.Tests.Scheduling;

/// <summary>A scheduler over a fake decoder, stepped by the test itself.</summary>
internal sealed class SchedulerFixture
{
    public SchedulerFixture(FakeDecoder decoder, int contextLength = 512, int queueCapacity = 100, int prefixCells = 0, int maxRunning = int.MaxValue, int prefillChunk = int.MaxValue, TimeProvider? time = null, int draftLength = 0, int bystanderCells = int.MaxValue, string modelId = "", FakeDecoder? draftDecoder = null, int stepsPerAdapterTurn = 8, AttentionTile tile = default, bool pacesPrefill = false, TimeSpan wakeInterval = default, Func<TimeSpan, bool>? awaitWake = null)
    {
        Decoder = decoder;
        SchedulerLimits limits = new()
        {
            ContextLength = contextLength,
            QueueCapacity = queueCapacity,
            PrefixCells = prefixCells,
            MaxRunning = maxRunning,
            PrefillChunk = prefillChunk,
            PacesPrefill = pacesPrefill,
            WakeInterval = wakeInterval,
            DraftLength = draftLength,
            UsesPromptLookup = draftDecoder is null,
            BystanderCells = bystanderCells,
            StepsPerAdapterTurn = stepsPerAdapterTurn,
            Tile = tile,
        };
        Scheduler = new Scheduler(decoder, FakeDecoder.Vocabulary, limits, () => { }, time, modelId, draftDecoder is null ? null : new DraftModel(draftDecoder, FakeDecoder.Vocabulary.Count), awaitWake);
        PrefixCells = prefixCells;
    }

    public int PrefixCells { get; }

    public FakeDecoder Decoder { get; }

    public Scheduler Scheduler { get; }

    public static GenerationRequest Request(string prompt, int maxTokens = 64, string[]? stops = null, int priority = 0, TimeSpan? firstToken = null, TimeSpan? whole = null, AdapterSet? adapters = null) => new()
    {
        Adapters = adapters ?? AdapterSet.None,
        Priority = priority,
        FirstTokenTimeout = firstToken,
        RequestTimeout = whole,
        Prompt = [.. Encoding.UTF8.GetBytes(prompt).Select(b => (int)b)],
        MaxOutputTokens = maxTokens,
        Sampling = new SamplingOptions { Temperature = 0 },
        StopStrings = [.. (stops ?? []).Select(Encoding.UTF8.GetBytes)],
    };

    public GenerationStream Submit(string prompt, int maxTokens = 64, CancellationToken cancellationToken = default, params string[] stops) =>
        Scheduler.Submit(Request(prompt, maxTokens, stops), cancellationToken);

    /// <summary>The answer to a prompt that is asked alone.</summary>
    public string Ask(string prompt, int maxTokens, out GenerationSummary summary)
    {
        GenerationStream stream = Submit(prompt, maxTokens);
        Run();
        string text = Text(stream);
        summary = stream.Summary;
        return text;
    }

    /// <summary>Steps until nothing is left to do, checking the books after each.</summary>
    public void Run()
    {
        while (Scheduler.Step())
            Scheduler.CheckIntegrity();
        Scheduler.CheckIntegrity();
        Assert.InRange(Decoder.UsedCells, 0, PrefixCells);
        Assert.Equal(0, Scheduler.RunningCount);
    }

    /// <summary>What a finished stream holds.</summary>
    public static string Text(GenerationStream stream)
    {
        Assert.True(stream.IsComplete);
        Task<bool> wait = stream.WaitToReadAsync().AsTask();
        Assert.True(wait.IsCompletedSuccessfully);
        return wait.Result ? stream.ReadText() : "";
    }
}
