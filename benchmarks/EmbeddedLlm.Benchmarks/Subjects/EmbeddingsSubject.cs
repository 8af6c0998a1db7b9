using System.Diagnostics;
using System.Runtime.CompilerServices;
using EmbeddedLlm.Benchmarks.Results;
using EmbeddedLlm.SyntheticModels;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Benchmarks.Subjects;

/// <summary>Texts to vectors, through the generator.</summary>
internal sealed class EmbeddingsWork
{
    private const string Text = "A sentence of some twenty words is about what people look for when they search in notes, mails and tickets. ";

    private readonly IEmbeddingGenerator<string, Embedding<float>> _generator;
    private readonly string[] _texts;

    public EmbeddingsWork(EmbeddedModel model, int texts)
    {
        _generator = model.AsEmbeddingGenerator(new EmbeddingOptions { Pooling = EmbeddingPooling.Mean });
        _texts = [.. Enumerable.Range(0, texts).Select(i => $"{i}: {Text}")];
    }

    /// <summary>How many tokens were computed.</summary>
    public async Task<int> GenerateAsync() => (int)((await _generator.GenerateAsync(_texts)).Usage?.InputTokenCount ?? 0);
}

internal static class EmbeddingsSubject
{
    private const string EncoderName = "all-minilm-l6-f16";

    /// <summary>The models of the run, which make vectors by the way, and an encoder, which makes nothing else and is what most people search with.</summary>
    public static async IAsyncEnumerable<Figure> MeasureAsync(RunSettings settings, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (string name in settings.Models)
        {
            await foreach (Figure figure in MeasureAsync(settings, BenchmarkFiles.Resolve(name, cancellationToken), cancellationToken))
                yield return figure with { Model = BenchmarkFiles.NameOf(name) };
        }

        string encoder = BenchmarkFiles.Cache.GetOrWriteEncoder(EncoderName, SyntheticEncoder.AllMiniLmL6);
        await foreach (Figure figure in MeasureAsync(settings, encoder, cancellationToken))
            yield return figure with { Model = SyntheticChoice.Prefix + EncoderName };
    }

    private static async IAsyncEnumerable<Figure> MeasureAsync(RunSettings settings, string path, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        EmbeddedModelOptions options = settings.CreateOptions();
        options.ContextLength = 1024;
        await using EmbeddedModel model = await EmbeddedModel.LoadAsync(path, options, cancellationToken: cancellationToken);
        // Where they are left open, each batch has as many threads as it keeps busy.
        FigureMaker maker = new("embeddings", settings, Threads: settings.Threads);
        foreach (int texts in settings.IsQuick ? (Subject.IsSmallModel(model) ? (int[])[1, 4] : [1]) : [1, 32])
        {
            EmbeddingsWork work = new(model, texts);
            List<double> rates = [], times = [];
            long start = Stopwatch.GetTimestamp();
            await work.GenerateAsync();
            for (int i = settings.Budget.CountFor(Stopwatch.GetElapsedTime(start)); i > 0; i--)
            {
                cancellationToken.ThrowIfCancellationRequested();
                start = Stopwatch.GetTimestamp();
                int tokens = await work.GenerateAsync();
                TimeSpan time = Stopwatch.GetElapsedTime(start);
                rates.Add(tokens / time.TotalSeconds);
                times.Add(time.TotalMilliseconds);
            }

            yield return maker.Of(Plural.Of(texts, "text"), FigureUnit.TokensPerSecond, Spread.Of(rates));
            yield return maker.Of(Plural.Of(texts, "text"), FigureUnit.Milliseconds, Spread.Of(times));
        }
    }
}
