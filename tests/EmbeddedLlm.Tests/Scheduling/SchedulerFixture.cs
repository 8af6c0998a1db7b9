using System.Text;
using EmbeddedLlm.Sampling;
using EmbeddedLlm.Scheduling;

namespace EmbeddedLlm.Tests.Scheduling;

/// <summary>A scheduler over a fake decoder, stepped by the test itself.</summary>
internal sealed class SchedulerFixture
{
    public SchedulerFixture(FakeDecoder decoder, int contextLength = 512, int queueCapacity = 100)
    {
        Decoder = decoder;
        Scheduler = new Scheduler(decoder, FakeDecoder.Vocabulary, contextLength, queueCapacity, () => { });
    }

    public FakeDecoder Decoder { get; }

    public Scheduler Scheduler { get; }

    public static GenerationRequest Request(string prompt, int maxTokens = 64, params string[] stops) => new()
    {
        Prompt = [.. Encoding.UTF8.GetBytes(prompt).Select(b => (int)b)],
        MaxOutputTokens = maxTokens,
        Sampling = new SamplingOptions { Temperature = 0 },
        StopStrings = [.. stops.Select(Encoding.UTF8.GetBytes)],
    };

    public GenerationStream Submit(string prompt, int maxTokens = 64, CancellationToken cancellationToken = default, params string[] stops) =>
        Scheduler.Submit(Request(prompt, maxTokens, stops), cancellationToken);

    /// <summary>Steps until nothing is left to do, checking the books after each.</summary>
    public void Run()
    {
        while (Scheduler.Step())
            Scheduler.CheckIntegrity();
        Scheduler.CheckIntegrity();
        Assert.Equal(0, Decoder.UsedCells);
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
