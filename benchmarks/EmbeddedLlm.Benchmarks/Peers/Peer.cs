namespace EmbeddedLlm.Benchmarks.Peers;

/// <summary>Another way to compute the same answers with the same model file: what the library is measured beside. Used by one caller at a time.</summary>
internal abstract class Peer : IAsyncDisposable
{
    /// <summary>Its name in figures.</summary>
    public abstract string Name { get; }

    /// <summary>Its version, or its build; null where it does not say, or is the library itself.</summary>
    public virtual string? Version => null;

    /// <summary>What a reader must know of how it was measured; null for nothing.</summary>
    public virtual string? Remark => null;

    /// <summary>Why it cannot do something; null where it can.</summary>
    public virtual string? WhyNot(PeerTask task) => null;

    /// <summary>Answers prompts that come at once.</summary>
    /// <param name="prompts">The prompts, no more than <see cref="PeerSettings.Sequences"/>. Nothing of them was asked before.</param>
    /// <param name="outputTokens">How many tokens to answer to each.</param>
    /// <param name="schema">The JSON schema that the answers are held to; null where they are free.</param>
    /// <param name="cancellationToken">Stops it; the peer is of no use then.</param>
    /// <exception cref="PeerException">It failed, or answered something else than was asked for.</exception>
    public abstract Task<PeerRun> AnswerAsync(IReadOnlyList<BenchmarkPrompt> prompts, int outputTokens, string? schema, CancellationToken cancellationToken);

    public abstract ValueTask DisposeAsync();
}

/// <summary>What is measured.</summary>
/// <param name="Case">Its name in figures.</param>
/// <param name="Callers">How many prompts come at once.</param>
/// <param name="PromptTokens">The tokens of each prompt.</param>
/// <param name="OutputTokens">The tokens of each answer; of one token the prompt is what is measured.</param>
/// <param name="Schema">The JSON schema that the answers are held to; null where they are free.</param>
internal sealed record PeerTask(string Case, int Callers, int PromptTokens, int OutputTokens, string? Schema = null)
{
    public bool IsPrefill => OutputTokens == 1;
}

/// <summary>What came of answering.</summary>
/// <param name="Total">From the first request to the last token.</param>
/// <param name="Prefill">The part of it until all answers had their first token.</param>
/// <param name="InputTokens">The tokens of all prompts that were computed.</param>
/// <param name="OutputTokens">The tokens of all answers.</param>
internal readonly record struct PeerRun(TimeSpan Total, TimeSpan Prefill, int InputTokens, int OutputTokens)
{
    /// <summary>
    /// The prompts' tokens a second where there is one token to answer, else the tokens a second after the first ones. Of answers that are held to a schema, the tokens a second of whole requests: the library
    /// computes what the schema forces at the beginning together with the prompt.
    /// </summary>
    public double Rate(PeerTask task) => task switch
    {
        { IsPrefill: true } => InputTokens / Total.TotalSeconds,
        { Schema: not null } => OutputTokens / Total.TotalSeconds,
        _ => (OutputTokens - task.Callers) / (Total - Prefill).TotalSeconds,
    };
}

/// <summary>How all peers load the model.</summary>
/// <param name="Path">The model's file.</param>
/// <param name="Threads">The CPU threads that compute.</param>
/// <param name="ContextLength">The longest prompt and answer together, in tokens.</param>
/// <param name="BatchSize">The most tokens in one step.</param>
/// <param name="Sequences">The most prompts at once.</param>
/// <param name="Device">Where the library computes: <c>cpu</c>, <c>cuda</c>, <c>vulkan</c> or <c>metal</c>.</param>
internal sealed record PeerSettings(string Path, int Threads, int ContextLength, int BatchSize, int Sequences, string Device)
{
    /// <summary>Where programs are looked for; null for the PATH.</summary>
    public string? SearchPath { get; init; }

    /// <summary>The layers on GPUs, in programs that take any greater number for all.</summary>
    public int GpuLayers => Device == "cpu" ? 0 : 999;
}

/// <summary>A peer cannot be had here, or failed. The message ends a sentence that begins with its name.</summary>
internal sealed class PeerException(string message, Exception? inner = null) : Exception(message, inner);
