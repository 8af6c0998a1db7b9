namespace EmbeddedLlm;

/// <summary>
/// How a model chooses its tokens, and what a request may take: common to chats and completions. What is left at <see langword="null"/> is the model's or the library's default.
/// A value outside its range is an <see cref="ArgumentOutOfRangeException"/> that names the option, when the request is made.
/// </summary>
/// <remarks>
/// The steps of sampling come in the order of llama.cpp's default chain: grammar, logit bias, penalties, DRY, top-n-sigma, top-k, typical-p, top-p, min-p, XTC, temperature. Mirostat, where
/// it is on, takes the place of all cuts: grammar, logit bias, penalties, DRY, temperature, Mirostat.
/// </remarks>
public abstract class GenerationOptions
{
    /// <summary>The greatest <see cref="TopLogProbabilities"/>.</summary>
    internal const int MostTopLogProbabilities = 100;

    /// <summary>Leaves everything at its default.</summary>
    protected GenerationOptions()
    {
    }

    /// <summary>Tokens less probable than this fraction of the most probable one are left out, from 0 (off) to 1. Default: 0.05.</summary>
    public float? MinP { get; set; }

    /// <summary>Divides the logits, where positive, of tokens that occur in the last <see cref="PenaltyLastN"/>; 1 is off. Default: 1.</summary>
    public float? RepeatPenalty { get; set; }

    /// <summary>How many of the last tokens, prompt included, the repeat, frequency and presence penalties look at. Default: 64.</summary>
    public int? PenaltyLastN { get; set; }

    /// <summary>What is added to the logits of tokens, by token id; negative infinity excludes a token. A token that the model does not have is an <see cref="ArgumentOutOfRangeException"/>.</summary>
    public IReadOnlyDictionary<int, float>? LogitBias { get; set; }

    /// <summary>
    /// The strength of DRY ("don't repeat yourself"), 0 (off) or above; 0.8 is usual. A token that would continue a repetition of n tokens has
    /// <c>multiplier · base^(n - allowed length)</c> taken from its logit (github.com/oobabooga/text-generation-webui/pull/5677). Default: 0.
    /// </summary>
    public float? DryMultiplier { get; set; }

    /// <summary>How much each further repeated token multiplies DRY's penalty, 1 or above. Default: 1.75.</summary>
    public float? DryBase { get; set; }

    /// <summary>The longest repetition, in tokens, to whose continuation DRY gives the mere multiplier; shorter ones cost nothing. 1 or above. Default: 2.</summary>
    public int? DryAllowedLength { get; set; }

    /// <summary>In how many of the last tokens, prompt included, DRY looks for repetitions, from 0 (off) to 1,048,576. It costs time in proportion, with each token. Default: 64.</summary>
    public int? DryPenaltyLastN { get; set; }

    /// <summary>Texts over which DRY counts no repetition, none empty. Default: a line feed, a colon, a quotation mark and an asterisk.</summary>
    public IReadOnlyList<string>? DrySequenceBreakers { get; set; }

    /// <summary>
    /// Tokens whose logits are more than this many standard deviations of all logits below the greatest are left out, 0 (off) or above (Tang et al., arXiv:2411.07641). Default: 0.
    /// </summary>
    public float? TopNSigma { get; set; }

    /// <summary>
    /// Locally typical sampling: the tokens whose surprise is closest to the expected one are kept, as few as have this probability together. Above 0, at most 1 (off) (Meister et al.,
    /// arXiv:2202.00666). Default: 1.
    /// </summary>
    public float? TypicalP { get; set; }

    /// <summary>
    /// How often XTC ("exclude top choices") acts, from 0 (off) to 1: then, of the tokens that have at least <see cref="XtcThreshold"/>, only the least probable one is kept
    /// (github.com/oobabooga/text-generation-webui/pull/6335). Default: 0.
    /// </summary>
    public float? XtcProbability { get; set; }

    /// <summary>The probability from which on XTC takes a token for a top choice, from 0 to 1; above 0.5 it never acts. Default: 0.1.</summary>
    public float? XtcThreshold { get; set; }

    /// <summary>
    /// How far the temperature moves to either side with the entropy of the tokens that are kept: least where one is nearly certain, greatest where all are equally probable. 0 (off) or
    /// above; llama.cpp's <c>dynatemp_range</c>. Default: 0.
    /// </summary>
    public float? DynamicTemperatureRange { get; set; }

    /// <summary>The power of the entropy, relative to the greatest possible, that the temperature follows; above 0. Default: 1.</summary>
    public float? DynamicTemperatureExponent { get; set; }

    /// <summary>
    /// Whether Mirostat holds the text's surprise near <see cref="MirostatTau"/> (Basu et al., arXiv:2007.14966). It takes the place of all cuts, and none may be asked for beside it. Default:
    /// <see cref="MirostatVersion.Off"/>.
    /// </summary>
    public MirostatVersion? Mirostat { get; set; }

    /// <summary>The surprise that Mirostat aims at, in bits per token, above 0. Default: 5.</summary>
    public float? MirostatTau { get; set; }

    /// <summary>How fast Mirostat corrects itself, above 0, at most 1. Default: 0.1.</summary>
    public float? MirostatEta { get; set; }

    /// <summary>
    /// What the answer's text is held to, such as a GBNF grammar or a regular expression. Goes before <c>ChatOptions.ResponseFormat</c>, which must then be left out or be text.
    /// </summary>
    public Grammar? Grammar { get; set; }

    /// <summary>
    /// Which of the model's LoRA adapters the request is computed with, and how strongly; empty for none. An <see cref="ArgumentException"/> names one that was not loaded. What was computed with other adapters or
    /// scales is of no use to the request: it finds nothing of it in the KV cache. Default: all that were loaded, see <see cref="EmbeddedModelOptions.Adapters"/>.
    /// </summary>
    public IReadOnlyList<AdapterScale>? Adapters { get; set; }

    /// <summary>Whether to report the generated tokens by their ids, see <see cref="GeneratedToken"/>. Default: no, unless probabilities are asked for.</summary>
    public bool? IncludeTokens { get; set; }

    /// <summary>Whether to report the generated tokens with their log probabilities, see <see cref="GeneratedToken.LogProbability"/>. Default: no.</summary>
    public bool? LogProbabilities { get; set; }

    /// <summary>How many of the most probable tokens to report for each generated one, from 0 to 100; above 0 it asks for <see cref="LogProbabilities"/> as well. Default: 0.</summary>
    public int? TopLogProbabilities { get; set; }

    /// <summary>
    /// Requests of a higher priority are begun first where there are more than run at once, and are the last to be interrupted where the KV cache runs out. Equal ones take
    /// their turns in the order in which they came. Default: 0.
    /// </summary>
    public int? Priority { get; set; }

    /// <summary>
    /// How long the answer's first token may take, waiting for other requests included, before the request ends with <see cref="TimeoutException"/>. Default:
    /// <see cref="EmbeddedModelOptions.FirstTokenTimeout"/>.
    /// </summary>
    public TimeSpan? FirstTokenTimeout { get; set; }

    /// <summary>
    /// How long the whole answer may take, waiting for other requests included, before the request ends with <see cref="TimeoutException"/>. Default:
    /// <see cref="EmbeddedModelOptions.RequestTimeout"/>.
    /// </summary>
    public TimeSpan? RequestTimeout { get; set; }

    /// <summary>A copy, for what is read after the call has returned: its caller may use the options for the next one. What lists hold is not copied.</summary>
    internal GenerationOptions Copy() => (GenerationOptions)MemberwiseClone();
}
