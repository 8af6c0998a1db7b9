using System.Text;
using EmbeddedLlm.Catalog;
using EmbeddedLlm.Gguf;
using EmbeddedLlm.Sampling;
using EmbeddedLlm.Tokens;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Client;

/// <summary>
/// The sampling options of requests that do not name them: what the catalogue recommends for the model, else what the model's file does (its <c>general.sampling.*</c> for the temperature, top-k, top-p, min-p
/// and the repeat penalty), else the library's own.
/// </summary>
/// <remarks>A number in the file that is out of its option's range means what it means to llama.cpp, for which a negative top-k keeps all tokens, say: nobody who sends a request could do anything about it.</remarks>
internal sealed record SamplingDefaults(SamplingOptions Options)
{
    private const int MostBreakerBytes = 4096;

    private static readonly string[] DefaultBreakers = ["\n", ":", "\"", "*"];

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
            Temperature = recommended?.Temperature ?? Math.Max(0, Number("temp") ?? own.Temperature),
            TopK = recommended?.TopK ?? Math.Max(0, Count("top_k") ?? own.TopK),
            TopP = recommended?.TopP ?? Math.Clamp(Number("top_p") ?? own.TopP, float.Epsilon, 1),
            MinP = recommended?.MinP ?? Math.Clamp(Number("min_p") ?? own.MinP, 0, 1),
            RepeatPenalty = Number("penalty_repeat") is { } penalty and > 0 && float.IsFinite(1 / penalty) ? penalty : own.RepeatPenalty,
            PenaltyLastN = Count("penalty_last_n") is { } last and >= 0 and <= SamplingOptions.MaxPenaltyLastN ? last : own.PenaltyLastN,
            LogitBias = bias.Count > 0 ? bias : null,
        });

        float? Number(string key) => metadata.TryGetSingle("general.sampling." + key, out float value) && float.IsFinite(value) ? value : null;

        int? Count(string key) => metadata.TryGetInt32("general.sampling." + key, out int value) ? value : null;
    }

    /// <summary>The model's tokens, in which DRY looks for its breakers.</summary>
    public Vocabulary? Vocabulary { get; init; }

    /// <summary>The options of one request.</summary>
    /// <exception cref="ArgumentException">An option is out of its range, or contradicts another.</exception>
    public SamplingOptions For(ChatOptions? options, GenerationOptions? more)
    {
        if (more?.Mirostat is MirostatVersion.V1 or MirostatVersion.V2 && (options?.TopK ?? options?.TopP ?? more.MinP) is not null)
            throw Invalid(nameof(more.Mirostat), $"takes the place of {nameof(options.TopK)}, {nameof(options.TopP)} and {nameof(more.MinP)}: none of them may be given");
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
            DryMultiplier = more?.DryMultiplier ?? Options.DryMultiplier,
            DryBase = more?.DryBase ?? Options.DryBase,
            DryAllowedLength = more?.DryAllowedLength ?? Options.DryAllowedLength,
            DryPenaltyLastN = more?.DryPenaltyLastN ?? Options.DryPenaltyLastN,
            TopNSigma = more?.TopNSigma ?? Options.TopNSigma,
            TypicalP = more?.TypicalP ?? Options.TypicalP,
            XtcProbability = more?.XtcProbability ?? Options.XtcProbability,
            XtcThreshold = more?.XtcThreshold ?? Options.XtcThreshold,
            DynamicTemperatureRange = more?.DynamicTemperatureRange ?? Options.DynamicTemperatureRange,
            DynamicTemperatureExponent = more?.DynamicTemperatureExponent ?? Options.DynamicTemperatureExponent,
            Mirostat = more?.Mirostat ?? Options.Mirostat,
            MirostatTau = more?.MirostatTau ?? Options.MirostatTau,
            MirostatEta = more?.MirostatEta ?? Options.MirostatEta,
        };
        if (Vocabulary is not null && more?.LogitBias is { } bias && bias.Keys.FirstOrDefault(token => token >= Vocabulary.Count, -1) is >= 0 and int unknown)
            throw RequestMapper.OutOfRange(nameof(more.LogitBias), unknown, $"has a token that the model does not have, whose vocabulary ends at {Vocabulary.Count - 1}");
        if (sampling.HasDry)
            sampling = sampling with { DryBreakers = BreakersOf(more?.DrySequenceBreakers) };
        sampling.Validate();
        return sampling;
    }

    /// <summary>At most <see cref="MostBreakerBytes"/> in all, since each token's bytes are compared with each breaker.</summary>
    private DryBreakers? BreakersOf(IReadOnlyList<string>? breakers)
    {
        const string Option = nameof(GenerationOptions.DrySequenceBreakers);
        byte[][] strings = [.. (breakers ?? DefaultBreakers).Select(text => string.IsNullOrEmpty(text) ? throw Invalid(Option, "has an empty text") : Encoding.UTF8.GetBytes(text))];
        if (strings.Sum(text => (long)text.Length) > MostBreakerBytes)
            throw Invalid(Option, $"has more than {MostBreakerBytes} bytes");
        return Vocabulary is null ? null : new DryBreakers(Vocabulary, strings);
    }

    private static ArgumentException Invalid(string option, string rule) => new($"{option} {rule}.", option);

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
