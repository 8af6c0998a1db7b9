using System.Runtime.CompilerServices;

namespace EmbeddedLlm.Sampling;

/// <summary>
/// How a sequence chooses its tokens. Immutable. The defaults are those of llama.cpp's command line (<c>common_params_sampling</c>),
/// so that a model behaves here as its users know it from there.
/// </summary>
/// <remarks>
/// The steps are taken in llama.cpp's default order: mask, logit bias, penalties, top-k, top-p, min-p, temperature, draw. Each cut
/// keeps at least one token.
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

    /// <summary>Added to the logits of these token ids, before all else; negative infinity bans a token. An id that the model does not have is ignored.</summary>
    public IReadOnlyDictionary<int, float>? LogitBias { get; init; }

    /// <summary>The same seed, options and logits give the same tokens on every platform. Null takes a new seed for each sampler.</summary>
    public long? Seed { get; init; }

    /// <summary>Takes the most likely token at every step.</summary>
    public static SamplingOptions Greedy { get; } = new() { Temperature = 0f };

    internal bool HasPenalties => PenaltyLastN > 0 && (RepeatPenalty != 1f || FrequencyPenalty != 0f || PresencePenalty != 0f);

    /// <exception cref="ArgumentOutOfRangeException">An option is outside its range; <see cref="ArgumentException.ParamName"/> names it.</exception>
    public void Validate()
    {
        Require(float.IsFinite(Temperature) && Temperature >= 0f, Temperature, "must be a finite number, 0 or above");
        Require(TopK >= 0, TopK, "must be 0 (off) or above");
        Require(TopP is > 0f and <= 1f, TopP, "must be above 0 and at most 1");
        Require(MinP is >= 0f and <= 1f, MinP, "must be between 0 and 1");
        Require(float.IsFinite(RepeatPenalty) && RepeatPenalty > 0f && float.IsFinite(1f / RepeatPenalty), RepeatPenalty, "must be a finite number above 0");
        Require(float.IsFinite(FrequencyPenalty), FrequencyPenalty, "must be a finite number");
        Require(float.IsFinite(PresencePenalty), PresencePenalty, "must be a finite number");
        Require(PenaltyLastN is >= 0 and <= MaxPenaltyLastN, PenaltyLastN, $"must be between 0 and {MaxPenaltyLastN}");
        foreach ((int token, float bias) in LogitBias ?? EmptyBias)
        {
            Require(token >= 0, token, "has a negative token id", nameof(LogitBias));
            Require(bias < float.PositiveInfinity, bias, $"of token {token} must be a finite number or negative infinity", nameof(LogitBias));
        }
    }

    private static readonly IReadOnlyDictionary<int, float> EmptyBias = new Dictionary<int, float>();

    private static void Require<T>(bool condition, T value, string rule, [CallerArgumentExpression(nameof(value))] string option = "")
    {
        if (!condition)
            throw new ArgumentOutOfRangeException(option, value, $"{option} {rule}.");
    }
}
