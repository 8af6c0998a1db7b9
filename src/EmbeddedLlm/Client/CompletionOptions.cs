namespace EmbeddedLlm;

/// <summary>How a text is to be completed. What is left at <see langword="null"/> is the model's or the library's default.</summary>
public class CompletionOptions : GenerationOptions
{
    /// <summary>Divides the logits before the draw, 0 or above; 0 takes the most probable token. Default: the model's, else 0.8.</summary>
    public float? Temperature { get; set; }

    /// <summary>Only so many of the most probable tokens are kept; 0 keeps all. Default: the model's, else 40.</summary>
    public int? TopK { get; set; }

    /// <summary>Only the most probable tokens are kept, as few as have this probability together. Above 0, at most 1 (off). Default: the model's, else 0.95.</summary>
    public float? TopP { get; set; }

    /// <summary>Taken from the logit of a token once for each time it is among the last <see cref="GenerationOptions.PenaltyLastN"/>. Default: 0.</summary>
    public float? FrequencyPenalty { get; set; }

    /// <summary>Taken once from the logits of the tokens that are among the last <see cref="GenerationOptions.PenaltyLastN"/>. Default: 0.</summary>
    public float? PresencePenalty { get; set; }

    /// <summary>The same seed, options and prompt give the same tokens. Default: a new one for each request.</summary>
    public long? Seed { get; set; }

    /// <summary>The most tokens to generate, at least 1. Default: as many as the context has room for.</summary>
    public int? MaxOutputTokens { get; set; }

    /// <summary>Texts, none empty, before whose first occurrence the completion ends. Not together with <see cref="GenerationOptions.Grammar"/>.</summary>
    public IReadOnlyList<string>? StopSequences { get; set; }
}

/// <summary>How a gap in a text is to be filled.</summary>
public sealed class InfillOptions : CompletionOptions
{
    /// <summary>
    /// The name of the repository that the text is in, for models that were trained with such names; others refuse it with <see cref="NotSupportedException"/>.
    /// </summary>
    public string? RepositoryName { get; set; }

    /// <summary>The name or path of the file that the text is in. Needed where there are other <see cref="Files"/>.</summary>
    public string? FileName { get; set; }

    /// <summary>Other files of the repository, the most relevant last, for models that were trained with them; others refuse them with <see cref="NotSupportedException"/>.</summary>
    public IReadOnlyList<InfillFile>? Files { get; set; }
}

/// <summary>A file that a model may look at while it fills a gap in another.</summary>
/// <param name="Name">Its name or path.</param>
/// <param name="Text">What is in it.</param>
public sealed record InfillFile(string Name, string Text);
