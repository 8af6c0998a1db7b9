namespace EmbeddedLlm;

/// <summary>
/// What a chat request can ask of EmbeddedLlm beyond <c>ChatOptions</c>: return an instance from <c>ChatOptions.RawRepresentationFactory</c>. What is left at
/// <see langword="null"/> is the model's or the library's default.
/// </summary>
public sealed class EmbeddedChatOptions
{
    /// <summary>Tokens less probable than this fraction of the most probable one are left out, from 0 (off) to 1. Default: 0.05.</summary>
    public float? MinP { get; set; }

    /// <summary>Divides the logits, where positive, of tokens that occur in the last <see cref="PenaltyLastN"/>; 1 is off. Default: 1.</summary>
    public float? RepeatPenalty { get; set; }

    /// <summary>How many of the last tokens, prompt included, the repeat, frequency and presence penalties look at. Default: 64.</summary>
    public int? PenaltyLastN { get; set; }

    /// <summary>What is added to the logits of tokens, by token id; negative infinity excludes a token.</summary>
    public IReadOnlyDictionary<int, float>? LogitBias { get; set; }

    /// <summary>
    /// What the answer's text is held to, such as a GBNF grammar or a regular expression. Goes before <c>ChatOptions.ResponseFormat</c>, which must then be left out or be text.
    /// </summary>
    public Grammar? Grammar { get; set; }
}
