using System.Runtime.CompilerServices;

namespace EmbeddedLlm.Sampling;

/// <summary>
/// How a sequence chooses its tokens. Immutable. The defaults are those of llama.cpp's command line (<c>common_params_sampling</c>),
/// so that a model behaves here as its users know it from there.
/// </summary>
/// <remarks>
/// The steps are taken in llama.cpp's default order: mask, logit bias, penalties, DRY, top-n-sigma, top-k, typical-p, top-p, min-p, XTC, temperature, draw. Each cut
/// keeps at least one token. Mirostat takes the place of all cuts: mask, logit bias, penalties, DRY, temperature, Mirostat.
/// </remarks>
internal sealed record SamplingOptions
{
    /// <summary>The longest penalty window, in tokens. A bound, since the window is allocated up front.</summary>
    public const int MaxPenaltyLastN = 1 << 20;

    /// <summary>Divides the logits before the draw. 0 takes the most likely token and draws nothing.</summary>
    public float Temperature { get; init; } = 0.8f;

    /// <summary>Only the k tokens with the highest logits are kept. 0 keeps all.</summary>
    public int TopK { get; init; } = 40;

    /// <summary>Only the most likely tokens are kept, as few as have this probability together. In (0, 1]; 1 keeps all.</summary>
    public float TopP { get; init; } = 0.95f;

    /// <summary>Only tokens with at least this fraction of the most likely token's probability are kept. In [0, 1]; 0 keeps all.</summary>
    public float MinP { get; init; } = 0.05f;

    /// <summary>Divides positive and multiplies negative logits of the tokens in the penalty window. Above 0; 1 changes nothing.</summary>
    public float RepeatPenalty { get; init; } = 1f;

    /// <summary>Subtracted from a token's logit once for each time it is in the penalty window.</summary>
    public float FrequencyPenalty { get; init; }

    /// <summary>Subtracted once from the logit of each token in the penalty window.</summary>
    public float PresencePenalty { get; init; }

    /// <summary>How many of the latest tokens the penalties look at. 0 switches the penalties off.</summary>
    public int PenaltyLastN { get; init; } = 64;

    /// <summary>Strength of <see cref="DryPenalty"/>; 0 switches it off.</summary>
    public float DryMultiplier { get; init; }

    /// <summary>What the penalty grows by with each further repeated token. At least 1.</summary>
    public float DryBase { get; init; } = 1.75f;

    /// <summary>The longest repetition, in tokens, that may be continued at the mere multiplier; shorter ones cost nothing. At least 1.</summary>
    public int DryAllowedLength { get; init; } = 2;

    /// <summary>In how many of the latest tokens repetitions are looked for. Each token costs time in proportion to it. 0 switches DRY off.</summary>
    public int DryPenaltyLastN { get; init; } = 64;

    /// <summary>What no repetition reaches over; null for nothing.</summary>
    public DryBreakers? DryBreakers { get; init; }

    /// <summary>Only tokens within so many standard deviations of all logits below the greatest are kept (arXiv:2411.07641). 0 keeps all.</summary>
    public float TopNSigma { get; init; }

    /// <summary>Only the tokens whose surprise is closest to the expected one are kept, as few as have this probability together (arXiv:2202.00666). In (0, 1]; 1 keeps all.</summary>
    public float TypicalP { get; init; } = 1f;

    /// <summary>
    /// How often XTC ("exclude top choices", github.com/oobabooga/text-generation-webui/pull/6335) leaves out all tokens of at least <see cref="XtcThreshold"/> but the least
    /// likely of them. In [0, 1]; 0 is off.
    /// </summary>
    public float XtcProbability { get; init; }

    /// <summary>The probability from which on a token is a top choice. In [0, 1]; above 0.5 there are never two.</summary>
    public float XtcThreshold { get; init; } = 0.1f;

    /// <summary>How far the temperature moves to either side with the entropy of what is kept, from certainty to equal chances (arXiv:2309.02772 has the idea). 0 keeps it still.</summary>
    public float DynamicTemperatureRange { get; init; }

    /// <summary>The power of the relative entropy that the temperature follows. Above 0.</summary>
    public float DynamicTemperatureExponent { get; init; } = 1f;

    /// <summary>Whether the text's surprise is held near <see cref="MirostatTau"/> in place of all cuts.</summary>
    public MirostatVersion Mirostat { get; init; }

    /// <summary>The surprise to hold, in bits per token. Above 0.</summary>
    public float MirostatTau { get; init; } = 5f;

    /// <summary>How fast Mirostat follows. Above 0, at most 1.</summary>
    public float MirostatEta { get; init; } = 0.1f;

    /// <summary>Added to the logits of these token ids, before all else; negative infinity bans a token. An id that the model does not have is ignored.</summary>
    public IReadOnlyDictionary<int, float>? LogitBias { get; init; }

    /// <summary>The same seed, options and logits give the same tokens on every platform. Null takes a new seed for each sampler.</summary>
    public long? Seed { get; init; }

    /// <summary>Takes the most likely token at every step.</summary>
    public static SamplingOptions Greedy { get; } = new() { Temperature = 0f };

    internal bool HasPenalties => PenaltyLastN > 0 && (RepeatPenalty != 1f || FrequencyPenalty != 0f || PresencePenalty != 0f);

    internal bool HasDry => DryPenaltyLastN > 0 && DryMultiplier != 0f;

    /// <summary>Whether more than top-k, top-p, min-p and the temperature decides what is drawn from.</summary>
    internal bool HasRareCuts => TopNSigma > 0f || TypicalP < 1f || XtcProbability > 0f || DynamicTemperatureRange > 0f;

    /// <exception cref="ArgumentOutOfRangeException">An option is outside its range, or contradicts another; <see cref="ArgumentException.ParamName"/> names it.</exception>
    public void Validate()
    {
        Require(float.IsFinite(Temperature) && Temperature >= 0f, Temperature, "must be a finite number, 0 or above");
        Require(TopK >= 0, TopK, "must be 0 (off) or above");
        Require(TopP is > 0f and <= 1f, TopP, "must be above 0 and at most 1");
        Require(MinP is >= 0f and <= 1f, MinP, "must be between 0 and 1");
        Require(float.IsFinite(RepeatPenalty) && RepeatPenalty > 0f && float.IsFinite(1f / RepeatPenalty), RepeatPenalty, "must be a finite number above 0");
        Require(float.IsFinite(FrequencyPenalty), FrequencyPenalty, "must be a finite number");
        Require(float.IsFinite(PresencePenalty), PresencePenalty, "must be a finite number");
        Require(PenaltyLastN is >= 0 and <= MaxPenaltyLastN, PenaltyLastN, s_lastTokensRule);
        Require(float.IsFinite(DryMultiplier) && DryMultiplier >= 0f, DryMultiplier, "must be a finite number, 0 (off) or above");
        Require(float.IsFinite(DryBase) && DryBase >= 1f, DryBase, "must be a finite number, 1 or above");
        Require(DryAllowedLength >= 1, DryAllowedLength, "must be 1 or above");
        Require(DryPenaltyLastN is >= 0 and <= MaxPenaltyLastN, DryPenaltyLastN, s_lastTokensRule);
        Require(float.IsFinite(TopNSigma) && TopNSigma >= 0f, TopNSigma, "must be a finite number, 0 (off) or above");
        Require(TypicalP is > 0f and <= 1f, TypicalP, "must be above 0 and at most 1");
        Require(XtcProbability is >= 0f and <= 1f, XtcProbability, "must be between 0 and 1");
        Require(XtcThreshold is >= 0f and <= 1f, XtcThreshold, "must be between 0 and 1");
        Require(float.IsFinite(DynamicTemperatureRange) && DynamicTemperatureRange >= 0f, DynamicTemperatureRange, "must be a finite number, 0 (off) or above");
        Require(float.IsFinite(DynamicTemperatureExponent) && DynamicTemperatureExponent > 0f, DynamicTemperatureExponent, "must be a finite number above 0");
        Require(Enum.IsDefined(Mirostat), Mirostat, "is no version");
        Require(Mirostat == MirostatVersion.Off || !HasRareCuts, Mirostat, "takes the place of top-n-sigma, typical-p, XTC and the dynamic temperature, which must be off");
        Require(float.IsFinite(MirostatTau) && MirostatTau > 0f, MirostatTau, "must be a finite number above 0");
        Require(MirostatEta is > 0f and <= 1f, MirostatEta, "must be above 0 and at most 1");
        foreach ((int token, float bias) in LogitBias ?? EmptyBias)
        {
            Require(token >= 0, token, "has a negative token id", nameof(LogitBias));
            // The text is made only where it is said: there may be thousands of tokens.
            if (!(bias < float.PositiveInfinity))
                Require(false, bias, $"of token {token} must be a finite number or negative infinity", nameof(LogitBias));
        }
    }

    private static readonly string s_lastTokensRule = $"must be between 0 and {MaxPenaltyLastN}";

    private static readonly IReadOnlyDictionary<int, float> EmptyBias = new Dictionary<int, float>();

    private static void Require<T>(bool condition, T value, string rule, [CallerArgumentExpression(nameof(value))] string option = "")
    {
        if (!condition)
            throw new ArgumentOutOfRangeException(option, value, $"{option} {rule}.");
    }
}
