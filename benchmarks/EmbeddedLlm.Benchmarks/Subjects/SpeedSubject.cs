using System.Runtime.CompilerServices;
using EmbeddedLlm.Benchmarks.Results;

namespace EmbeddedLlm.Benchmarks.Subjects;

/// <summary>Prompts, answers and many callers, beside the bare loop.</summary>
internal static class SpeedSubject
{
    private const double PrefillTarget = 0.98;
    private const double DecodeTarget = 0.98;
    private const double CallersTarget = 0.95;
    private const int ManyCallers = 8;

    /// <summary>Prompts of several lengths. The client's part is a whole request for one token, so its time is that to the first token.</summary>
    public static async IAsyncEnumerable<Figure> PrefillAsync(RunSettings settings, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        int[] lengths = settings.IsQuick ? [128, 256] : [128, 512, 2048];
        foreach (string name in settings.Models)
        {
            await using Subject subject = await Subject.LoadAsync(name, settings, options =>
            {
                options.MaxSequences = 1;
                options.ContextLength = lengths[^1] + 64;
            });
            FigureMaker maker = new("prefill", settings, name, subject.Model.Threads);
            foreach (int tokens in lengths)
            {
                PrefillMeasurement measurement = new(subject, tokens);
                PairedResult result = await measurement.RunAsync(settings.Budget, cancellationToken);
                foreach (Figure figure in maker.Of(measurement.Name, result, PrefillTarget))
                    yield return figure;
                yield return maker.Of(measurement.Name, FigureUnit.Milliseconds, result.ClientRates.Divide(tokens * 1000)) with { Remark = "to the first token" };
            }
        }
    }

    /// <summary>The tokens after the first, of one stream and of eight.</summary>
    public static async IAsyncEnumerable<Figure> DecodeAsync(RunSettings settings, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (string name in settings.Models)
        {
            foreach ((int callers, double target) in ((int, double)[])[(1, DecodeTarget), (ManyCallers, CallersTarget)])
            {
                // A cache for as many sequences as there are callers: one alone gets llama.cpp's faster one.
                await using Subject subject = await Subject.LoadAsync(name, settings, options => options.MaxSequences = callers);
                // A quick run has as many callers of a large model among those who come at once.
                if (settings.IsQuick && callers > 1 && !subject.IsSmall)
                    continue;
                if (callers == 1)
                    await EnsureSameTextAsync(subject);
                FigureMaker maker = new("decode", settings, name, subject.Model.Threads);
                int outputTokens = OutputTokens(subject, settings);
                DecodeMeasurement measurement = new(subject, callers, callers == 1 ? outputTokens : outputTokens / 2);
                PairedResult result = await measurement.RunAsync(settings.Budget, cancellationToken);
                foreach (Figure figure in maker.Of(measurement.Name, result, target, aimsAtAllocation: !settings.IsQuick))
                    yield return figure;
            }
        }
    }

    /// <summary>Whole answers of callers who come at once, prompts included.</summary>
    public static async IAsyncEnumerable<Figure> BatchingAsync(RunSettings settings, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (string name in settings.Models)
        {
            await using Subject subject = await Subject.LoadAsync(name, settings, options => options.MaxSequences = settings.Callers.Max());
            FigureMaker maker = new("batching", settings, name, subject.Model.Threads);
            int outputTokens = settings.IsQuick ? 16 : subject.IsSmall ? 128 : 64;
            foreach (int callers in settings.Callers)
            {
                ThroughputMeasurement measurement = new(subject, callers, outputTokens);
                PairedResult result = await measurement.RunAsync(settings.Budget, cancellationToken);
                // Callers do not come all in the same step, which costs short answers a step or two: a quick run has no target here.
                foreach (Figure figure in maker.Of(measurement.Name, result, callers == ManyCallers && !settings.IsQuick ? CallersTarget : null))
                    yield return figure;
            }
        }
    }

    private static int OutputTokens(Subject subject, RunSettings settings) => (settings.IsQuick, subject.IsSmall) switch
    {
        (true, true) => 64,
        (true, false) => 32,
        (false, true) => Math.Min(200, subject.Model.ContextLength / 2),
        (false, false) => 64,
    };

    /// <summary>Two loops that do not compute the same need no comparing. Their attention rounds differently, though, so answers may part where two tokens are as good as equal.</summary>
    private static async Task EnsureSameTextAsync(Subject subject)
    {
        const int Tokens = 32;
        const int SameTokens = 4;
        BenchmarkPrompt prompt = subject.CreatePrompt(64, seed: 0);
        int[] tokens = new int[Tokens];
        subject.Bare.Prefill(prompt.Tokens);
        for (int i = 0; i < Tokens; i++)
        {
            tokens[i] = subject.Bare.Next(0);
            subject.Bare.Decode();
        }

        string client = (await subject.AskAsync(prompt, Tokens, keepText: true)).Text;
        // Without the last character, of which a token may have had a part.
        if (!client.StartsWith(subject.Model.Detokenize(tokens.AsSpan(0, SameTokens)).TrimEnd('\uFFFD'), StringComparison.Ordinal))
            throw new InvalidOperationException($"The client answers '{client}' where the bare loop gives '{subject.Model.Detokenize(tokens)}'.");
    }
}
