using System.Diagnostics;

namespace EmbeddedLlm.Benchmarks.Peers;

/// <summary><c>llama_decode</c> and argmax in a loop, see <see cref="BareLoop"/>: what all others are beside.</summary>
internal sealed class BarePeer(Subject subject) : Peer
{
    public const string PeerName = "bare loop";

    public override string Name => PeerName;

    public override string? WhyNot(PeerTask task) => task.Schema is null ? null : "it knows no grammar";

    public override Task<PeerRun> AnswerAsync(IReadOnlyList<BenchmarkPrompt> prompts, int outputTokens, string? schema, CancellationToken cancellationToken) => Task.Run(
        () =>
        {
            long start = Stopwatch.GetTimestamp();
            subject.Bare.Prefill([.. prompts.Select(prompt => prompt.Tokens)]);
            TimeSpan prefill = Stopwatch.GetElapsedTime(start);
            for (int i = 1; i < outputTokens; i++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                subject.Bare.Decode();
            }

            return new PeerRun(Stopwatch.GetElapsedTime(start), prefill, prompts.Sum(prompt => prompt.Tokens.Length), prompts.Count * outputTokens);
        },
        cancellationToken);

    /// <summary>The loop is the caller's.</summary>
    public override ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
