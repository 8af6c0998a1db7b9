using EmbeddedLlm.Gguf;
using EmbeddedLlm.Interop;
using EmbeddedLlm.Scheduling;
using EmbeddedLlm.Tokens;

namespace EmbeddedLlm.Runtime;

/// <summary>A model in memory with its tokenizer and its engine. Thread-safe; disposal ends running requests with <see cref="ObjectDisposedException"/>.</summary>
internal sealed class LoadedModel : IAsyncDisposable, IDisposable
{
    private readonly ModelHandle _handle;
    private readonly IDisposable? _log;

    public LoadedModel(
        ModelHandle handle,
        GgufMetadata metadata,
        GgufModelInfo info,
        Vocabulary vocabulary,
        Tokenizer tokenizer,
        Engine engine,
        ModelFacts facts,
        IDisposable? log)
    {
        _handle = handle;
        _log = log;
        Metadata = metadata;
        Info = info;
        Vocabulary = vocabulary;
        Tokenizer = tokenizer;
        Engine = engine;
        Facts = facts;
    }

    /// <summary>The metadata in the model's file, the first where there are several.</summary>
    public GgufMetadata Metadata { get; }

    /// <summary>What the model's header says.</summary>
    public GgufModelInfo Info { get; }

    public Vocabulary Vocabulary { get; }

    public Tokenizer Tokenizer { get; }

    public Engine Engine { get; }

    public ModelFacts Facts { get; }

    public async ValueTask DisposeAsync()
    {
        await Engine.DisposeAsync().ConfigureAwait(false);
        Free();
    }

    public void Dispose()
    {
        Engine.Dispose();
        Free();
    }

    private void Free()
    {
        _handle.Dispose();
        _log?.Dispose();
    }
}

/// <summary>What is known of a loaded model.</summary>
/// <param name="ParameterCount">The number of weights.</param>
/// <param name="WeightBytes">The bytes of all weights.</param>
/// <param name="TrainedContextLength">The context length the model was trained with, in tokens; 0 where the file does not say.</param>
/// <param name="Threads">The CPU threads that compute.</param>
/// <param name="CacheLength">The KV cache's size in tokens.</param>
/// <param name="BeginOfSequence">The text of the token that begins a sequence; empty where there is none.</param>
/// <param name="EndOfSequence">The text of the token that ends a sequence; empty where there is none.</param>
/// <param name="SuppressedTokens">Tokens that the model's file asks never to generate.</param>
internal sealed record ModelFacts(
    long ParameterCount,
    long WeightBytes,
    int TrainedContextLength,
    int Threads,
    int CacheLength,
    string BeginOfSequence,
    string EndOfSequence,
    int[] SuppressedTokens)
{
    /// <summary>The tokens between which the model fills gaps.</summary>
    public required InfillTokens Infill { get; init; }
}
