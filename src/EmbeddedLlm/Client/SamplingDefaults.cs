using EmbeddedLlm.Catalog;
using EmbeddedLlm.Gguf;
using EmbeddedLlm.Sampling;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Client;

/// <summary>
/// The sampling options of requests that do not name them: what the catalogue recommends for the model, else what the model's file does (its <c>general.sampling.*</c>), else
/// the library's own.
/// </summary>
internal sealed record SamplingDefaults(SamplingOptions Options)
{
    /// <param name="metadata">The model's file's.</param>
    /// <param name="recommended">What the catalogue says.</param>
    /// <param name="suppressed">Tokens that are never generated, unless a request gives them a bias of its own.</param>
    public static SamplingDefaults Create(GgufMetadata metadata, CatalogSampling? recommended, ReadOnlySpan<int> suppressed)
    {
        SamplingOptions own = new();
        Dictionary<int, float> bias = [];
        foreach (int token in suppressed)
            bias[token] = float.NegativeInfinity;
        return new SamplingDefaults(own with
        {
            Temperature = recommended?.Temperature ?? (metadata.TryGetSingle("general.sampling.temp", out float temperature) ? temperature : own.Temperature),
            TopK = recommended?.TopK ?? (metadata.TryGetInt32("general.sampling.top_k", out int topK) ? topK : own.TopK),
            TopP = recommended?.TopP ?? (metadata.TryGetSingle("general.sampling.top_p", out float topP) ? topP : own.TopP),
            MinP = recommended?.MinP ?? (metadata.TryGetSingle("general.sampling.min_p", out float minP) ? minP : own.MinP),
            LogitBias = bias.Count > 0 ? bias : null,
        });
    }

    /// <summary>The options of one request.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    public SamplingOptions For(ChatOptions? options, EmbeddedChatOptions? more)
    {
        SamplingOptions sampling = Options with
        {
            Temperature = options?.Temperature ?? Options.Temperature,
            TopK = options?.TopK ?? Options.TopK,
            TopP = options?.TopP ?? Options.TopP,
            FrequencyPenalty = options?.FrequencyPenalty ?? Options.FrequencyPenalty,
            PresencePenalty = options?.PresencePenalty ?? Options.PresencePenalty,
            Seed = options?.Seed ?? Options.Seed,
            MinP = more?.MinP ?? Options.MinP,
            RepeatPenalty = more?.RepeatPenalty ?? Options.RepeatPenalty,
            PenaltyLastN = more?.PenaltyLastN ?? Options.PenaltyLastN,
            LogitBias = Merge(Options.LogitBias, more?.LogitBias),
        };
        sampling.Validate();
        return sampling;
    }

    private static IReadOnlyDictionary<int, float>? Merge(IReadOnlyDictionary<int, float>? defaults, IReadOnlyDictionary<int, float>? wanted)
    {
        if (defaults is null || wanted is null)
            return wanted ?? defaults;
        Dictionary<int, float> merged = new(defaults);
        foreach ((int token, float bias) in wanted)
            merged[token] = bias;
        return merged;
    }
}
