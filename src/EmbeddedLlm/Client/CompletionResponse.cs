using Microsoft.Extensions.AI;

namespace EmbeddedLlm;

/// <summary>A text that a model has added to a prompt.</summary>
public sealed class CompletionResponse
{
    internal CompletionResponse(string text, IReadOnlyList<GeneratedToken> tokens, ChatFinishReason finishReason, UsageDetails usage, GenerationTimings timings)
    {
        Text = text;
        Tokens = tokens;
        FinishReason = finishReason;
        Usage = usage;
        Timings = timings;
    }

    /// <summary>What comes after the prompt, or in the gap; without the prompt, and without the stop sequence that ended it.</summary>
    public string Text { get; }

    /// <summary>The text's tokens, where <see cref="GenerationOptions.IncludeTokens"/> or log probabilities were asked for; otherwise empty.</summary>
    public IReadOnlyList<GeneratedToken> Tokens { get; }

    /// <summary><see cref="ChatFinishReason.Stop"/> where the model or a stop sequence ended the text, <see cref="ChatFinishReason.Length"/> where a limit did.</summary>
    public ChatFinishReason FinishReason { get; }

    /// <summary>The tokens of prompt and text.</summary>
    public UsageDetails Usage { get; }

    /// <summary>Where the time went.</summary>
    public GenerationTimings Timings { get; }

    /// <inheritdoc/>
    public override string ToString() => Text;
}

/// <summary>A piece of a text that a model adds to a prompt.</summary>
public sealed class CompletionUpdate
{
    internal CompletionUpdate(string text, IReadOnlyList<GeneratedToken> tokens)
    {
        Text = text;
        Tokens = tokens;
    }

    /// <summary>The next piece, whole characters; perhaps empty in the last update.</summary>
    public string Text { get; }

    /// <summary>The piece's tokens, where they were asked for; otherwise empty.</summary>
    public IReadOnlyList<GeneratedToken> Tokens { get; }

    /// <summary>Why the text has ended; in the last update only.</summary>
    public ChatFinishReason? FinishReason { get; internal init; }

    /// <summary>The tokens of prompt and text; in the last update only.</summary>
    public UsageDetails? Usage { get; internal init; }

    /// <summary>Where the time went; in the last update only.</summary>
    public GenerationTimings? Timings { get; internal init; }

    /// <inheritdoc/>
    public override string ToString() => Text;
}
