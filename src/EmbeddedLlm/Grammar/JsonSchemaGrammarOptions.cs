namespace EmbeddedLlm;

/// <summary>How a JSON schema becomes a grammar. The defaults are for generation: text on one line, in the schema's order of properties.</summary>
public sealed record JsonSchemaGrammarOptions
{
    /// <summary>The defaults.</summary>
    public static JsonSchemaGrammarOptions Default { get; } = new();

    /// <summary>
    /// For judging text that somebody else has written: properties in any order, white space wherever JSON allows it, and every spelling of strings and numbers.
    /// </summary>
    public static JsonSchemaGrammarOptions Reading { get; } = new() { AnyPropertyOrder = true, AllowWhiteSpace = true, AnySpelling = true };

    /// <summary>
    /// Whether properties may come in any order. By default they come in the order of the schema's <c>properties</c>, and those it does not name after them.
    /// </summary>
    public bool AnyPropertyOrder { get; init; }

    /// <summary>
    /// Whether any white space may stand between the parts of the text. By default there is one space after each colon and comma, as in most of the JSON that models were trained on, so that
    /// no choice is left about it.
    /// </summary>
    public bool AllowWhiteSpace { get; init; }

    /// <summary>
    /// Whether there is no space after colons and commas: a few tokens less, and an answer that suits the model less. Of no effect with <see cref="AllowWhiteSpace"/>. Default: false.
    /// </summary>
    public bool IsCompact { get; init; }

    /// <summary>
    /// Whether keys and constants may be spelled with escapes that they do not need, and integers with a fraction of zero. By default there is one
    /// spelling of each, so that a key's text is known as soon as it is the only one possible.
    /// </summary>
    public bool AnySpelling { get; init; }

    /// <summary>
    /// Whether keywords that cannot be enforced are ignored instead of refused with <see cref="JsonSchemaNotSupportedException"/>. The text may then be
    /// no instance of the schema.
    /// </summary>
    public bool Lenient { get; init; }

    /// <summary>
    /// Whether a <c>time</c> may go without an offset. RFC 3339 has one in any case, and <see cref="TimeOnly"/>, whose schema is a <c>time</c>, can read none: without this no answer could ever be read.
    /// </summary>
    internal bool AllowsLocalTimes { get; init; }

    /// <summary>
    /// Whether types of .NET read the text, so that of what the schema allows those texts are written that they take: a <c>time</c> without an offset, as <see cref="TimeOnly"/> reads it, and a single
    /// character that is a <see cref="char"/>.
    /// </summary>
    internal bool WritesForDotNet { get; init; }
}
