namespace EmbeddedLlm;

/// <summary>An input to embed or to rank has more tokens than the model takes at once.</summary>
public sealed class EmbeddingInputTooLongException : EmbeddedLlmException
{
    /// <summary>Creates the exception from the input's place among the request's inputs, from 0, and the two counts, both in tokens.</summary>
    public EmbeddingInputTooLongException(int index, int tokens, int maxTokens)
        : base($"Input {index} has {tokens} tokens, and the most is {maxTokens}. Split it, raise {nameof(EmbeddingOptions.MaxInputTokens)} as far as the model was trained for, " +
               $"or let its end be cut with {nameof(EmbeddingOptions.TruncatesInputs)}.")
    {
        Index = index;
        Tokens = tokens;
        MaxTokens = maxTokens;
    }

    /// <summary>The input's place among the request's inputs, from 0.</summary>
    public int Index { get; }

    /// <summary>The input's length in tokens, those that the model adds included.</summary>
    public int Tokens { get; }

    /// <summary>The most tokens of an input.</summary>
    public int MaxTokens { get; }
}
