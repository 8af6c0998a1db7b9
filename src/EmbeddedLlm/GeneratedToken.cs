using System.Text;

namespace EmbeddedLlm;

/// <summary>
/// A token that a model has generated. A request that asks for tokens or log probabilities gets them as an <c>IReadOnlyList&lt;GeneratedToken&gt;</c>, in a chat as the additional
/// property <see cref="PropertyName"/>: of a response with all its tokens, of a streamed update with those that have come since the update before. Immutable.
/// </summary>
/// <remarks>
/// In a stream a token never comes before its text has left the engine: while text is held back, since it is an unfinished character or may become a stop sequence, so are its tokens. Tokens of
/// control and the one that ends the answer are among them. Not among them are those whose text a stop sequence has cut off whole; of one that is cut in its midst, all is told.
/// </remarks>
public sealed class GeneratedToken
{
    internal GeneratedToken(int id, ReadOnlyMemory<byte> bytes, bool isForced = false, float? logProbability = null, IReadOnlyList<TokenAlternative>? topLogProbabilities = null)
    {
        Id = id;
        Bytes = bytes;
        IsForced = isForced;
        LogProbability = logProbability;
        TopLogProbabilities = topLogProbabilities ?? [];
    }

    /// <summary>The key in <c>AdditionalProperties</c> under which a chat's responses and updates have the tokens: <c>embeddedllm.tokens</c>.</summary>
    public static string PropertyName => "embeddedllm.tokens";

    /// <summary>The token's number in the vocabulary.</summary>
    public int Id { get; }

    /// <summary>The token's bytes in the vocabulary, of a control token those of its name. They may begin or end in the middle of a character.</summary>
    public ReadOnlyMemory<byte> Bytes { get; }

    /// <summary>The bytes as text; what is not UTF-8 is U+FFFD.</summary>
    public string Text => Encoding.UTF8.GetString(Bytes.Span);

    /// <summary>
    /// Whether the grammar left no choice, so that the token was not sampled: the model has given no probabilities in its place, and <see cref="LogProbability"/> is <see langword="null"/>.
    /// </summary>
    public bool IsForced { get; }

    /// <summary>
    /// The natural logarithm of the probability that the model gave the token: the softmax over the whole vocabulary, before grammar, penalties, cuts and temperature.
    /// <see langword="null"/> where it was not asked for, and for forced tokens.
    /// </summary>
    public float? LogProbability { get; }

    /// <summary>The most probable tokens in this place, the most probable first, as many as asked for. The generated one need not be among them. Empty for forced tokens.</summary>
    public IReadOnlyList<TokenAlternative> TopLogProbabilities { get; }

    /// <inheritdoc/>
    public override string ToString() => Text;
}

/// <summary>One of the most probable tokens in the place of a <see cref="GeneratedToken"/>.</summary>
/// <param name="Id">The token's number in the vocabulary.</param>
/// <param name="Bytes">Its bytes; they may begin or end in the middle of a character.</param>
/// <param name="LogProbability">The natural logarithm of its probability, before grammar, penalties, cuts and temperature.</param>
public readonly record struct TokenAlternative(int Id, ReadOnlyMemory<byte> Bytes, float LogProbability)
{
    /// <summary>The bytes as text; what is not UTF-8 is U+FFFD.</summary>
    public string Text => Encoding.UTF8.GetString(Bytes.Span);
}
