using System.Diagnostics;

namespace EmbeddedLlm.Benchmarks;

/// <summary>The same work of two bare loops over two files: what llama.cpp quantised stands in the yardstick's place, what was written directly in the client's.</summary>
internal abstract class ShapeMeasurement(BareLoop direct, BareLoop quantised, string name) : PairedMeasurement(name)
{
    // Every vocabulary here has as many that stand for bytes; embeddings are as random as any.
    private const int PlainTokens = 256;

    private int[] _prompt = [];

    /// <summary>The prompt's tokens.</summary>
    protected abstract int PromptTokens { get; }

    protected override void Prepare(int pair)
    {
        Random random = new(pair);
        _prompt = [.. Enumerable.Range(0, PromptTokens).Select(_ => random.Next(PlainTokens))];
    }

    protected override Task<double> BareAsync() => Task.FromResult(Measure(quantised, _prompt));

    protected override Task<double> ClientAsync() => Task.FromResult(Measure(direct, _prompt));

    /// <summary>The tokens a second of one loop.</summary>
    protected abstract double Measure(BareLoop loop, int[] prompt);
}

/// <summary>A prompt's computation.</summary>
internal sealed class ShapePrefill(BareLoop direct, BareLoop quantised, int tokens) : ShapeMeasurement(direct, quantised, $"prefill {tokens}")
{
    protected override int Tokens => tokens;

    protected override int PromptTokens => tokens;

    protected override double Measure(BareLoop loop, int[] prompt)
    {
        long start = Stopwatch.GetTimestamp();
        loop.Prefill(prompt);
        return Rate(tokens, Stopwatch.GetElapsedTime(start));
    }
}

/// <summary>The tokens after the first.</summary>
internal sealed class ShapeDecode(BareLoop direct, BareLoop quantised, int tokens) : ShapeMeasurement(direct, quantised, $"decode {tokens}")
{
    protected override int Tokens => tokens;

    protected override int PromptTokens => 32;

    protected override double Measure(BareLoop loop, int[] prompt)
    {
        loop.Prefill(prompt);
        long start = Stopwatch.GetTimestamp();
        for (int i = 1; i < tokens; i++)
            loop.Decode();
        return Rate(tokens - 1, Stopwatch.GetElapsedTime(start));
    }
}
