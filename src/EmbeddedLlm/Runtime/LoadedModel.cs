using EmbeddedLlm.Gguf;
using EmbeddedLlm.Interop;
using EmbeddedLlm.Scheduling;
using EmbeddedLlm.Tokens;

namespace EmbeddedLlm.Runtime;

/// <summary>A model in memory with its tokenizer and its engine. Thread-safe; disposal ends running requests with <see cref="ObjectDisposedException"/>.</summary>
internal sealed class LoadedModel : IAsyncDisposable, IDisposable
{
    private readonly ModelHandle _handle;
    private readonly Engine? _engine;
    private readonly IDisposable? _log;

    public LoadedModel(
        ModelHandle handle,
        GgufMetadata metadata,
        GgufModelInfo info,
        Vocabulary vocabulary,
        Tokenizer tokenizer,
        Engine? engine,
        EmbeddingEngines embeddings,
        LoadedAdapters adapters,
        ModelFacts facts,
        IDisposable? log)
    {
        _handle = handle;
        _log = log;
        Metadata = metadata;
        Info = info;
        Vocabulary = vocabulary;
        Tokenizer = tokenizer;
        _engine = engine;
        Embeddings = embeddings;
        Adapters = adapters;
        Facts = facts;
    }

    /// <summary>The metadata in the model's file, the first where there are several.</summary>
    public GgufMetadata Metadata { get; }

    /// <summary>What the model's header says.</summary>
    public GgufModelInfo Info { get; }

    public Vocabulary Vocabulary { get; }

    public Tokenizer Tokenizer { get; }

    /// <summary>Generates text.</summary>
    /// <exception cref="NotSupportedException">The model is an encoder.</exception>
    public Engine Engine => _engine ?? throw new NotSupportedException("The model is an encoder: it makes embeddings, and no text.");

    /// <summary>Whether there is an <see cref="Engine"/>.</summary>
    public bool GeneratesText => _engine is not null;

    public EmbeddingEngines Embeddings { get; }

    /// <summary>The adapters that requests may name. Their handles belong to the engine's decoder.</summary>
    public LoadedAdapters Adapters { get; }

    public ModelFacts Facts { get; }

    public async ValueTask DisposeAsync()
    {
        await Embeddings.DisposeAsync().ConfigureAwait(false);
        if (_engine is not null)
            await _engine.DisposeAsync().ConfigureAwait(false);
        Free();
    }

    public void Dispose()
    {
        Embeddings.Dispose();
        _engine?.Dispose();
        Free();
    }

    /// <summary>
    /// For a model that nobody can ask any more, and nobody has disposed: the engines, whose threads would keep themselves alive, end when they have answered what runs, and the handles then are finalized. May be
    /// called by a finalizer: it waits for nothing, never throws, and uses nothing that has been finalized.
    /// </summary>
    public void Abandon()
    {
        Embeddings.EndWhenIdle();
        _engine?.EndWhenIdle();
        _log?.Dispose();
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
/// <param name="ContextLength">The longest prompt and answer of one request together, in tokens.</param>
/// <param name="CacheLength">The KV cache's size in tokens; 0 for an encoder.</param>
/// <param name="BeginOfSequence">The text of the token that begins a sequence; empty where there is none.</param>
/// <param name="EndOfSequence">The text of the token that ends a sequence; empty where there is none.</param>
/// <param name="SuppressedTokens">Tokens that the model's file asks never to generate.</param>
internal sealed record ModelFacts(
    long ParameterCount,
    long WeightBytes,
    int TrainedContextLength,
    int Threads,
    int ContextLength,
    int CacheLength,
    string BeginOfSequence,
    string EndOfSequence,
    int[] SuppressedTokens)
{
    /// <summary>Where the model's parts are.</summary>
    public required MemoryPlan Memory { get; init; }

    /// <summary>The tokens between which the model fills gaps.</summary>
    public required InfillTokens Infill { get; init; }
}
