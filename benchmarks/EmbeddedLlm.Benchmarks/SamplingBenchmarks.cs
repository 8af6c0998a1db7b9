using BenchmarkDotNet.Attributes;
using EmbeddedLlm.Sampling;

namespace EmbeddedLlm.Benchmarks;

/// <summary>One token from one row of logits: the time between a decode and the next that is ours.</summary>
[InProcess]
[MemoryDiagnoser]
public class SamplingBenchmarks
{
    private static readonly SamplingOptions Off = new() { Temperature = 1f, TopK = 0, TopP = 1f, MinP = 0f, Seed = 1 };

    private static readonly Dictionary<string, SamplingOptions> Chains = new()
    {
        ["greedy"] = SamplingOptions.Greedy,
        ["default"] = new() { Seed = 1 },
        ["default, penalties"] = new() { RepeatPenalty = 1.1f, Seed = 1 },
        ["top-p"] = Off with { TopP = 0.95f },
        ["min-p"] = Off with { MinP = 0.05f },
        ["temperature"] = Off with { Temperature = 0.8f },
    };

    private float[] _logits = [];
    private ulong[] _allowed = [];
    private SamplerScratch _scratch = new(0);
    private Sampler _sampler = new(SamplingOptions.Greedy);

    public static IEnumerable<string> ChainNames => Chains.Keys;

    [ParamsSource(nameof(ChainNames))]
    public string Chain { get; set; } = "";

    [Params(32_000, 151_936)]
    public int Vocabulary { get; set; }

    /// <summary>Peaked, as a language model's rows are, or normally distributed, as random weights give; some with a mask.</summary>
    [Params("peaked", "flat", "peaked, half masked")]
    public string Row { get; set; } = "";

    [GlobalSetup]
    public void Setup()
    {
        Random random = new(1);
        bool peaked = Row.StartsWith("peaked", StringComparison.Ordinal);
        _logits = new float[Vocabulary];
        for (int i = 0; i < _logits.Length; i++)
            _logits[i] = (float)((peaked ? 2 : 1) * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
        for (int i = 0; i < 200 && peaked; i++)
            _logits[random.Next(Vocabulary)] += (float)(20 * random.NextDouble());

        _allowed = Row.EndsWith("masked", StringComparison.Ordinal) ? new ulong[(Vocabulary + 63) / 64] : [];
        for (int i = 0; i < _allowed.Length; i++)
            _allowed[i] = (ulong)random.NextInt64();

        _scratch = new SamplerScratch(Vocabulary);
        _sampler = new Sampler(Chains[Chain]);
        for (int i = 0; i < 64; i++)
            _sampler.Accept(random.Next(Vocabulary));
    }

    [Benchmark]
    public int Sample() => _sampler.Sample(_logits, _allowed, _scratch);
}
