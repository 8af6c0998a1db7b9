using System.Text;
using EmbeddedLlm.Catalog;
using EmbeddedLlm.Client;
using EmbeddedLlm.Gguf;
using EmbeddedLlm.Runtime;
using EmbeddedLlm.Scheduling;
using EmbeddedLlm.Templates;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm;

/// <summary>
/// A GGUF model in this process. All members may be called from any thread at any time: requests are computed together, and those that run while the model
/// is disposed end with <see cref="ObjectDisposedException"/>.
/// </summary>
/// <remarks>
/// Dispose it: the garbage collector knows nothing of a model's size, and is in no hurry. One that was forgotten frees its memory and its threads after the collector has found that nothing refers to it, its
/// clients and its running requests included.
/// </remarks>
public sealed partial class EmbeddedModel : IAsyncDisposable, IDisposable
{
    private readonly LoadedModel _model;
    private readonly EmbeddedModelOptions _options;
    private readonly SamplingDefaults _sampling;
    private readonly Lazy<GrammarVocabulary> _grammarVocabulary;
    private readonly Lazy<IReadOnlyList<int>> _endOfGenerationTokens;

    private EmbeddedModel(LoadedModel model, string id, string path, EmbeddedModelOptions options, CatalogEntry? entry)
    {
        _model = model;
        _options = options;
        _sampling = SamplingDefaults.Create(model.Metadata, entry?.Sampling, model.Facts.SuppressedTokens) with { Vocabulary = model.Vocabulary };
        ToolFallback = options.ToolFallback;
        _grammarVocabulary = new Lazy<GrammarVocabulary>(() => new GrammarVocabulary(model.Vocabulary));
        _endOfGenerationTokens = new Lazy<IReadOnlyList<int>>(
            () => Array.AsReadOnly([.. Enumerable.Range(0, model.Vocabulary.Count).Where(model.Vocabulary.IsEndOfGeneration)]));
        Id = id;
        Path = path;
        Conversations = new ConversationStore(options.ConversationCapacity);
        Timeouts = (options.FirstTokenTimeout, options.RequestTimeout);
    }

    /// <summary>The catalogue name, else the file's name without its extension.</summary>
    public string Id { get; }

    /// <summary>The full path of the model's file.</summary>
    public string Path { get; }

    /// <summary>The metadata in the model's file.</summary>
    public GgufMetadata Metadata => _model.Metadata;

    /// <summary>What the header of the model's file says: architecture, layers, heads, chat templates.</summary>
    public GgufModelInfo Info => _model.Info;

    /// <summary>The number of weights.</summary>
    public long ParameterCount => _model.Facts.ParameterCount;

    /// <summary>The size of all weights in bytes.</summary>
    public long WeightBytes => _model.Facts.WeightBytes;

    /// <summary>The number of tokens in the vocabulary.</summary>
    public int VocabularySize => _model.Vocabulary.Count;

    /// <summary>
    /// The tokens with any of which the model ends an answer, in ascending order; none where its file names none. An answer that is to have an exact length, as a measurement of speed needs it, excludes them by
    /// <see cref="GenerationOptions.LogitBias"/> and sets the most tokens.
    /// </summary>
    public IReadOnlyList<int> EndOfGenerationTokens => _endOfGenerationTokens.Value;

    /// <summary>The longest prompt and answer of one request together, in tokens.</summary>
    public int ContextLength => _model.Facts.ContextLength;

    /// <summary>The KV cache's size in tokens, shared by all requests.</summary>
    public int CacheLength => _model.Facts.CacheLength;

    /// <summary>The number of CPU threads that compute; for a time it may be less where the machine is busy and the options name no number.</summary>
    public int Threads => _model.Facts.Threads;

    /// <summary>The plan by which it was loaded: how many layers are on GPUs, and what it takes on which device.</summary>
    public MemoryPlan Memory => _model.Facts.Memory;

    /// <summary>Loads a model.</summary>
    /// <param name="nameOrPath">
    /// A name in the catalogue, such as <c>starter</c>, or the path of a .gguf file, or anything else that <see cref="ModelStore"/> takes. What is not on the machine is downloaded only if
    /// <see cref="EmbeddedModelOptions.Download"/> says so.
    /// </param>
    /// <param name="options">How to load it; the defaults suit the model and the machine.</param>
    /// <param name="progress">Gets the fraction that is loaded, from 0 to 1, on the loading thread.</param>
    /// <param name="cancellationToken">Stops the load.</param>
    /// <returns>The model, which the caller disposes.</returns>
    /// <exception cref="ArgumentOutOfRangeException">An option makes no sense.</exception>
    /// <exception cref="ModelLoadException">There is no such model, or it cannot be used, or an adapter does not fit it.</exception>
    /// <exception cref="ModelDownloadException">The model was to be downloaded, and could not be.</exception>
    /// <exception cref="DeviceUnavailableException">The options ask for a GPU that cannot be used.</exception>
    /// <exception cref="InsufficientMemoryException">The free memory does not hold it; nothing stays loaded.</exception>
    /// <exception cref="GgufFormatException">The file, or an adapter's, is damaged or no GGUF file.</exception>
    /// <exception cref="NativeLibraryException">llama.cpp's libraries are missing or of the wrong version.</exception>
    /// <exception cref="InvalidOperationException">The options name another folder of native libraries than the process has loaded.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was cancelled.</exception>
    public static async Task<EmbeddedModel> LoadAsync(
        string nameOrPath, EmbeddedModelOptions? options = null, IProgress<float>? progress = null, CancellationToken cancellationToken = default)
    {
        options = EmbeddedModelOptions.Fix(options);
        ModelStore store = new(options.Store ?? new ModelStoreOptions(), options.LoggerFactory);
        (string path, CatalogEntry? entry) = await store.ResolveAsync(nameOrPath, options.Download, options.DownloadProgress, cancellationToken).ConfigureAwait(false);
        string id = entry?.Name ?? System.IO.Path.GetFileNameWithoutExtension(path);
        string? draftPath = options.DraftModel is null ? null :
            (await store.ResolveAsync(options.DraftModel, options.Download, options.DownloadProgress, cancellationToken).ConfigureAwait(false)).Path;
        LoadedModel model = await ModelLoader.LoadAsync(path, id, draftPath, options, progress, cancellationToken).ConfigureAwait(false);
        return new EmbeddedModel(model, id, path, options, entry);
    }

    /// <summary>A chat client for the model. It is thread-safe, and its disposal leaves the model loaded.</summary>
    /// <exception cref="ModelLoadException">The model has no chat template, and the options do not ask for ChatML in its place.</exception>
    /// <exception cref="ChatTemplateException">The chat template cannot be parsed, and the options do not ask for ChatML in its place.</exception>
    /// <exception cref="NotSupportedException">The model is an encoder, which makes embeddings only.</exception>
    public IChatClient AsChatClient() => _model.GeneratesText ? new EmbeddedChatClient(this, CreatePromptBuilder(), _sampling)
        : throw new NotSupportedException($"'{Id}' is an encoder: it makes embeddings, and no text. Use {nameof(AsEmbeddingGenerator)}.");

    /// <summary>
    /// The model's tokens, prepared for grammars the first time they are asked for. With it a program that samples by itself can hold its tokens to a <see cref="Grammar"/>; chat requests do so by
    /// their options.
    /// </summary>
    public GrammarVocabulary GrammarVocabulary => _grammarVocabulary.Value;

    /// <summary>Splits a text into tokens, without adding any.</summary>
    /// <param name="text">The text; lone surrogates become U+FFFD.</param>
    /// <param name="parseSpecial">Whether the texts of control tokens stand for those tokens; otherwise they are mere characters.</param>
    /// <exception cref="ObjectDisposedException">The model is disposed.</exception>
    public int[] Tokenize(string text, bool parseSpecial = false)
    {
        ArgumentNullException.ThrowIfNull(text);
        return _model.Tokenizer.Tokenize(text, parseSpecial);
    }

    /// <summary>The text of tokens; bytes that are not UTF-8 become U+FFFD.</summary>
    /// <param name="tokens">The tokens.</param>
    /// <param name="includeSpecial">Whether control tokens give their text; otherwise they give none.</param>
    /// <exception cref="ArgumentOutOfRangeException">A token is not in the vocabulary.</exception>
    public string Detokenize(ReadOnlySpan<int> tokens, bool includeSpecial = false) => Encoding.UTF8.GetString(DetokenizeToBytes(tokens, includeSpecial));

    /// <summary>The bytes of tokens. A token may end in the middle of a character.</summary>
    /// <inheritdoc cref="Detokenize"/>
    public byte[] DetokenizeToBytes(ReadOnlySpan<int> tokens, bool includeSpecial = false) => _model.Tokenizer.Detokenize(tokens, includeSpecial);

    /// <summary>
    /// Refuses further requests with <see cref="ObjectDisposedException"/>, and ends when all that run or wait have been answered. The model is still to be disposed; to
    /// dispose it at once ends them instead.
    /// </summary>
    /// <param name="cancellationToken">Stops the waiting; requests are refused nevertheless.</param>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was cancelled.</exception>
    public Task DrainAsync(CancellationToken cancellationToken = default)
    {
        Task embeddings = _model.Embeddings.DrainAsync(cancellationToken);
        return _model.GeneratesText ? Task.WhenAll(_model.Engine.DrainAsync(cancellationToken), embeddings) : embeddings;
    }

    /// <summary>Frees what a model holds that nobody has disposed.</summary>
    ~EmbeddedModel() => _model.Abandon();

    /// <summary>Ends the running requests, and frees the model's memory when the computing thread has stopped.</summary>
    public ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return _model.DisposeAsync();
    }

    /// <inheritdoc cref="DisposeAsync"/>
    public void Dispose()
    {
        GC.SuppressFinalize(this);
        _model.Dispose();
    }

    /// <summary>How long a request's first token and its whole answer may take where the request says nothing.</summary>
    internal (TimeSpan? FirstToken, TimeSpan? Whole) Timeouts { get; }

    /// <inheritdoc cref="Engine.KeepsCheckpoints"/>
    internal bool KeepsCheckpoints => _model.Engine.KeepsCheckpoints;

    internal Tokenizer Tokenizer => _model.Tokenizer;

    internal Engine Engine => _model.Engine;

    internal GenerationStream Submit(GenerationRequest request, CancellationToken cancellationToken) => _model.Engine.Submit(request, cancellationToken);

    /// <summary>Holds answers to a grammar.</summary>
    internal AnswerConstraint Constrain(Grammar grammar, ReasoningMarkers? reasoning, GrammarTrigger? trigger = null, byte[]? begun = null) => new()
    {
        Grammar = grammar,
        Vocabulary = GrammarVocabulary,
        Tokenize = text => Tokenizer.Tokenize(text, parseSpecial: false),
        Reasoning = reasoning,
        Trigger = trigger,
        Begun = begun ?? [],
    };

    private PromptBuilder CreatePromptBuilder()
    {
        return new PromptBuilder(FindTemplate(), _model.Facts.BeginOfSequence, _model.Facts.EndOfSequence);

        ChatTemplate FindTemplate()
        {
            bool fallsBack = _options.ChatTemplateFallback == ChatTemplateFallback.ChatMl;
            string? source = _options.ChatTemplate ?? Info.ChatTemplate;
            if (source is null)
            {
                return fallsBack ? ChatTemplate.ChatMl : throw new ModelLoadException(
                    $"'{Path}' has no chat template. Give one with {nameof(EmbeddedModelOptions)}.{nameof(EmbeddedModelOptions.ChatTemplate)}, or ask for ChatML with {nameof(EmbeddedModelOptions.ChatTemplateFallback)}.");
            }

            try
            {
                return ChatTemplate.Parse(source, name: Id);
            }
            catch (ChatTemplateException) when (fallsBack)
            {
                return ChatTemplate.ChatMl;
            }
        }
    }
}
