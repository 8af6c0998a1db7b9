using EmbeddedLlm.Benchmarks.Results;
using EmbeddedLlm.Sampling;

namespace EmbeddedLlm.Benchmarks.Subjects;

/// <summary>One token from one row of logits: the time between a decode and the next that is ours.</summary>
internal sealed class SamplingWork
{
    private static readonly SamplingOptions Off = new() { Temperature = 1f, TopK = 0, TopP = 1f, MinP = 0f, Seed = 1 };

    private readonly float[] _logits;
    private readonly ulong[] _allowed;
    private readonly SamplerScratch _scratch;
    private readonly Sampler _sampler;

    /// <param name="chain">A name in <see cref="Chains"/>.</param>
    /// <param name="row">A name in <see cref="Rows"/>.</param>
    /// <param name="vocabulary">How many logits.</param>
    public SamplingWork(string chain, string row, int vocabulary)
    {
        Random random = new(1);
        bool isPeaked = row.StartsWith("peaked", StringComparison.Ordinal);
        _logits = new float[vocabulary];
        for (int i = 0; i < _logits.Length; i++)
            _logits[i] = (float)((isPeaked ? 2 : 1) * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
        for (int i = 0; i < 200 && isPeaked; i++)
            _logits[random.Next(vocabulary)] += (float)(20 * random.NextDouble());

        _allowed = row.EndsWith("masked", StringComparison.Ordinal) ? new ulong[(vocabulary + 63) / 64] : [];
        for (int i = 0; i < _allowed.Length; i++)
            _allowed[i] = (ulong)random.NextInt64();

        _scratch = new SamplerScratch(vocabulary);
        _sampler = new Sampler(Chains[chain]);
        for (int i = 0; i < 64; i++)
            _sampler.Accept(random.Next(vocabulary));
    }

    public static IReadOnlyDictionary<string, SamplingOptions> Chains { get; } = new Dictionary<string, SamplingOptions>
    {
        ["greedy"] = SamplingOptions.Greedy,
        ["default"] = new() { Seed = 1 },
        ["default, penalties"] = new() { RepeatPenalty = 1.1f, Seed = 1 },
        ["top-p"] = Off with { TopP = 0.95f },
        ["min-p"] = Off with { MinP = 0.05f },
        ["temperature"] = Off with { Temperature = 0.8f },
    };

    /// <summary>Peaked, as a language model's rows are, or normally distributed, as random weights give; some with a mask.</summary>
    public static IReadOnlyList<string> Rows { get; } = ["peaked", "flat", "peaked, half masked"];

    public int Sample() => _sampler.Sample(_logits, _allowed, _scratch);
}

internal static class SamplingSubject
{
    /// <summary>That of Qwen2.5.</summary>
    private const int Vocabulary = 151_936;

    /// <summary>Microseconds, for top-k, top-p and temperature over such a vocabulary; without top-k, all of a row may be left to choose from.</summary>
    private const double Target = 150;

    public static IEnumerable<Figure> Measure(RunSettings settings)
    {
        FigureMaker maker = new("sampling", settings);
        foreach (string chain in SamplingWork.Chains.Keys)
        {
            foreach (string row in settings.IsQuick ? SamplingWork.Rows.Take(1) : SamplingWork.Rows)
            {
                SamplingWork work = new(chain, row, Vocabulary);
                double? target = SamplingWork.Chains[chain].TopK > 0 ? Target : null;
                yield return maker.Of($"{chain}, {row} row of {Vocabulary / 1000}k", FigureUnit.Microseconds, MicroMeasurement.Microseconds(() => work.Sample(), settings.Budget)) with { Target = target };
            }
        }
    }
}
