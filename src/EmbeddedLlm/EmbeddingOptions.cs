namespace EmbeddedLlm;

/// <summary>How texts become vectors. What is left at its default is chosen for the model.</summary>
/// <remarks>The options are read when the generator is made; changing them afterwards has no effect.</remarks>
public sealed class EmbeddingOptions
{
    /// <summary>
    /// How the vectors of an input's tokens become one. Default: what the model's file says (<c>&lt;architecture&gt;.pooling_type</c>); where it says nothing, their mean, as
    /// sentence-transformers has it.
    /// </summary>
    public EmbeddingPooling? Pooling { get; set; }

    /// <summary>
    /// The most tokens of one input, those that the model adds included; at most the context that the model was trained with. Default: the length the model was trained with, but no more than
    /// <see cref="EmbeddedModelOptions.ContextLength"/> or, where that is not set, 8,192, and 2,048 for models that have to compute a whole input at once.
    /// </summary>
    public int? MaxInputTokens { get; set; }

    /// <summary>
    /// Whether an input of more tokens loses those that are too many, at its end; the tokens that the model wants around a text stay. Default: <see langword="false"/>, it is an
    /// <see cref="EmbeddingInputTooLongException"/>.
    /// </summary>
    public bool TruncatesInputs { get; set; }

    /// <summary>Whether vectors have a Euclidean length of 1, so that their dot product is the cosine of the angle between them. Default: <see langword="true"/>.</summary>
    public bool Normalizes { get; set; } = true;

    /// <summary>
    /// Whether the texts of control tokens in an input stand for those tokens, for inputs that the application writes itself. Default: <see langword="false"/>, they are mere characters.
    /// </summary>
    public bool ParsesSpecialTokens { get; set; }

    /// <summary>A copy that nobody else changes.</summary>
    internal EmbeddingOptions Copy() => (EmbeddingOptions)MemberwiseClone();

    /// <summary>Throws <see cref="ArgumentException"/>, naming the option, where a value makes no sense.</summary>
    internal void Validate()
    {
        if (Pooling is { } pooling && !Enum.IsDefined(pooling))
            throw new ArgumentOutOfRangeException(nameof(Pooling), pooling, null);
        if (MaxInputTokens is { } most)
            ArgumentOutOfRangeException.ThrowIfLessThan(most, 1, nameof(MaxInputTokens));
    }
}

/// <summary>How the vectors of an input's tokens become one.</summary>
public enum EmbeddingPooling
{
    /// <summary>The mean over all tokens.</summary>
    Mean,

    /// <summary>The first token's, as BERT's <c>[CLS]</c>.</summary>
    Cls,

    /// <summary>The last token's, which alone has seen all others in a model that looks backwards only.</summary>
    Last,
}
