using System.Runtime.InteropServices;
using System.Text;
using EmbeddedLlm.Gguf;
using EmbeddedLlm.Interop;
using EmbeddedLlm.Scheduling;
using EmbeddedLlm.Tokens;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace EmbeddedLlm.Runtime;

/// <summary>Brings a model from a file into memory: check the header, load the weights and the adapters, make a context, read the vocabulary, start the engine.</summary>
internal sealed unsafe partial class ModelLoader(string path, string modelId, EmbeddedModelOptions options, LoadProgress progress, string? draftPath = null)
{
    private readonly ILogger _logger = options.LoggerFactory?.CreateLogger("EmbeddedLlm") ?? NullLogger.Instance;

    /// <summary>Loads on a thread of its own, since reading gigabytes would keep one of the pool's for too long.</summary>
    /// <exception cref="ModelLoadException">The file is no usable model, or llama.cpp or the memory refuses it.</exception>
    /// <exception cref="InsufficientMemoryException">The memory that is free does not hold it.</exception>
    /// <exception cref="DeviceUnavailableException">The options ask for a GPU that cannot be used.</exception>
    /// <exception cref="GgufFormatException">The file is damaged.</exception>
    /// <exception cref="NativeLibraryException">There is no llama.cpp.</exception>
    /// <exception cref="OperationCanceledException">The caller gave up.</exception>
    public static Task<LoadedModel> LoadAsync(
        string path, string modelId, string? draftPath, EmbeddedModelOptions options, IProgress<float>? progress, CancellationToken cancellationToken)
    {
        ModelLoader loader = new(path, modelId, options, new LoadProgress(progress, cancellationToken), draftPath);
        return Task.Factory.StartNew(loader.Load, cancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    private LoadedModel Load()
    {
        CpuTime? before = CpuCores.ReadTime();
        IReadOnlyList<GgufFile> files = ReadHeaders();
        GgufModelInfo info = GgufModelInfo.From(files);
        EmbeddingFacts embedding = EmbeddingFacts.Read(files);
        if (embedding.IsEncoder && options.Adapters.Count > 0)
            throw new ModelLoadException($"'{path}' is an encoder, and adapters are for generated text only.");
        ContextPlan.EnsureBlocksFit(info, options);
        LoadedAdapters.Check(options.Adapters, path, files, _logger);
        progress.ThrowIfStopped();
        WarnOfUnusableBackends(NativeLibraryLoader.Load(options.NativeLibraryFolder));
        return WithRoom(files, load => LoadAs(load, files, info, embedding, before));
    }

    private LoadedModel LoadAs(LoadPlan load, IReadOnlyList<GgufFile> files, GgufModelInfo info, EmbeddingFacts embedding, CpuTime? before)
    {
        IDisposable? log = options.LoggerFactory is null ? null : NativeLog.Register(_logger);
        ModelHandle? model = null;
        ComputeContext? context = null;
        LoadedAdapters? adapters = null;
        DraftModel? draftModel = null;
        Engine? engine = null;
        try
        {
            model = LoadWeights(load);
            EnsureComputes(model);
            adapters = LoadedAdapters.Load(options.Adapters, model);
            progress.ThrowIfStopped();
            ContextPlan plan = ContextPlan.Create(load.Sizes, info, options, load.Plan.GpuLayers, before);
            WarnOfUnusualOptions(plan, info, NativeMethods.llama_model_n_ctx_train(model));
            Vocabulary vocabulary = VocabularyReader.Read(model);
            Tokenizer tokenizer = new(model, vocabulary);
            LlamaDecoder? decoder = null;
            if (!embedding.IsEncoder)
            {
                context = CreateContext(model, plan, load, info);
                progress.ThrowIfStopped();
                decoder = new LlamaDecoder(context, vocabulary.Count, SharingOf(model, info), GovernorOf(plan), adapters);
                draftModel = LoadDraft(decoder, vocabulary, plan.ContextLength);
            }

            ModelFacts facts = ReadFacts(model, load.Plan, plan, decoder, vocabulary);
            InputTokenizer inputs = new(model, tokenizer, files[0].Metadata.TryGetString("tokenizer.chat_template.rerank", out string? pairs) ? pairs : null);
            EmbeddingEngines embeddings = new(model, inputs, embedding, info, options, plan, usesGpu: load.Plan.GpuLayers > 0);
            engine = decoder is null ? null : new Engine(decoder, vocabulary, LimitsOf(plan, info, load.Plan.GpuLayers, AttentionKernel.TileOf(info, options, load.Plan.GpuLayers, load.Plan.BytesPerToken)), _logger, modelId, draftModel);
            LogLoaded(path, facts.ParameterCount / 1e6, facts.WeightBytes / (1 << 20), plan.ContextLength, facts.CacheLength, facts.Threads, load.Plan.GpuLayers, load.Plan.Layers);
            return new LoadedModel(model, files[0].Metadata, info, vocabulary, tokenizer, engine, embeddings, adapters, facts, log);
        }
        catch
        {
            // It has a thread, which has begun to use the others.
            engine?.Dispose();
            draftModel?.Dispose();
            context?.Dispose();
            adapters?.Dispose();
            model?.Dispose();
            log?.Dispose();
            throw;
        }
    }

    private IReadOnlyList<GgufFile> ReadHeaders()
    {
        try
        {
            GgufFile.EnsureNotEmpty(path);
            IReadOnlyList<GgufFile> files = GgufFile.OpenParts(path);
            GgufModelValidator.Validate(files);
            return files;
        }
        catch (GgufFormatException exception)
        {
            throw exception.In(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ModelLoadException($"'{path}' cannot be read: {exception.Message}", exception);
        }
    }

    private ModelHandle LoadWeights(LoadPlan load)
    {
        llama_model_params parameters = NativeMethods.llama_model_default_params();
        parameters.n_gpu_layers = load.Plan.GpuLayers;
        parameters.split_mode = llama_split_mode.LAYER;
        parameters.use_extra_bufts = load.RearrangesWeights ? (byte)1 : (byte)0;
        parameters.load_mode = options.MemoryMap && NativeMethods.llama_supports_mmap() ? llama_load_mode.MMAP : llama_load_mode.NONE;
        GCHandle handle = GCHandle.Alloc(progress);
        long mark = NativeLog.Mark();
        ModelHandle model;
        try
        {
            parameters.progress_callback = LoadProgress.Callback;
            parameters.progress_callback_user_data = (void*)GCHandle.ToIntPtr(handle);
            fixed (nint* devices = load.Devices)
            fixed (float* shares = load.Shares)
            {
                parameters.devices = (ggml_backend_device**)devices;
                parameters.tensor_split = shares;
                model = ModelHandle.Load(path, parameters);
            }
        }
        finally
        {
            handle.Free();
        }

        try
        {
            progress.ThrowIfStopped();
            return model.IsInvalid ? throw Refusal(load, mark, $"llama.cpp could not load '{path}'.") : model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    private void EnsureComputes(ModelHandle model)
    {
        bool isEncoderDecoder = NativeMethods.llama_model_has_decoder(model) && NativeMethods.llama_model_has_encoder(model);
        if (isEncoderDecoder || NativeMethods.llama_model_is_diffusion(model))
            throw new ModelLoadException($"'{path}' neither generates text token by token nor makes embeddings: it is an encoder-decoder or a diffusion model.");
        if (NativeMethods.llama_vocab_type(NativeMethods.llama_model_get_vocab(model)) == llama_vocab_type.NONE)
            throw new ModelLoadException($"'{path}' has no vocabulary.");
    }

    private void WarnOfUnusualOptions(ContextPlan plan, GgufModelInfo info, int trained)
    {
        if (options.Threads > plan.Threads)
            LogFewerThreads(options.Threads.Value, plan.Threads);
        if (trained > 0 && plan.ContextLength > trained)
            LogLongContext(plan.ContextLength, trained);
        if (options.MaxSequences > 1 && info.ComputesOneSequence)
            LogOneSequence(info.Architecture);
    }

    private ComputeContext CreateContext(ModelHandle model, ContextPlan plan, LoadPlan load, GgufModelInfo info)
    {
        llama_context_params parameters = NativeMethods.llama_context_default_params();
        parameters.n_ctx = (uint)plan.CacheLength;
        parameters.n_batch = (uint)plan.BatchSize;
        parameters.n_ubatch = (uint)plan.BatchSize;
        parameters.n_seq_max = (uint)plan.Slots;
        parameters.n_outputs_max = (uint)plan.Outputs;
        parameters.n_threads = plan.Threads;
        parameters.n_threads_batch = plan.Threads;
        parameters.flash_attn_type = plan.FlashAttention;
        parameters.type_k = ContextPlan.NativeType(options.KeyCacheType);
        parameters.type_v = ContextPlan.NativeType(options.ValueCacheType);
        // In a cache for several sequences llama.cpp looks at each pair of 256 before every step (llama-batch.cpp, llama_batch_allocr::init), which takes 80 µs: a fifth of a tiny model's token.
        parameters.kv_unified = plan.Slots > 1 ? (byte)1 : (byte)0;
        // A window's cells in a cache of their own, smaller than the sequences together, would run out where sequences share them.
        parameters.swa_full = 1;
        parameters.no_perf = 1;

        long mark = NativeLog.Mark();
        AttentionHook? attention = AttentionKernel.CreateHook(info, options, load.Plan.GpuLayers, plan.MostThreads);
        ComputeContext context = ComputeContext.TryCreate(model, parameters, plan.MostThreads, attention)
            ?? throw Refusal(load, mark, $"llama.cpp could not make a context of {plan.CacheLength} tokens for '{path}'.");
        if (NativeMethods.llama_get_memory(context.Handle) is not null)
            return context;
        context.Dispose();
        throw new ModelLoadException($"'{path}' is not a model that generates text token by token: llama.cpp gives it no KV cache.");
    }

    private SchedulerLimits LimitsOf(ContextPlan plan, GgufModelInfo info, int gpuLayers, AttentionTile tile) => new()
    {
        ContextLength = plan.ContextLength,
        QueueCapacity = options.QueueCapacity,
        MaxRunning = info.ComputesOneSequence ? 1 : options.MaxSequences,
        // On a CPU more at once compute no more a second.
        PrefillChunk = options.PrefillChunk ?? (gpuLayers > 0 ? plan.BatchSize : PrefillPace.First),
        PacesPrefill = options.PrefillChunk is null,
        WakeInterval = TimeSpan.FromMilliseconds(5),
        PrefixCells = plan.PrefixCacheLength,
        BystanderCells = plan.BystanderLength,
        DraftLength = ContextSizes.DraftLength(options),
        UsesPromptLookup = options.PromptLookupTokens > 0,
        Tile = tile,
    };

    /// <summary>A number of threads that was asked for stays; one that was chosen follows the machine's load.</summary>
    private ThreadGovernor? GovernorOf(ContextPlan plan) =>
        options.Threads is null && plan.MostThreads > 1 ? new ThreadGovernor(plan.MostThreads, plan.Threads, options.MaxSequences, CpuCores.ReadTime) : null;

    private static CellSharing SharingOf(ModelHandle model, GgufModelInfo info) => new(
        // llama.cpp ends the process where sequences of this architecture are copied in a cache that all sequences share.
        IsPossible: info.Architecture != "deepseek4",
        HasCellPerToken: !NativeMethods.llama_model_is_recurrent(model) && !NativeMethods.llama_model_is_hybrid(model),
        Window: NativeMethods.llama_model_n_swa(model));

    private static ModelFacts ReadFacts(ModelHandle model, MemoryPlan memory, ContextPlan plan, LlamaDecoder? decoder, Vocabulary vocabulary)
    {
        llama_vocab* vocab = NativeMethods.llama_model_get_vocab(model);
        int* suppressed = NativeMethods.llama_vocab_get_suppress_tokens(vocab, out int suppressedCount);
        return new ModelFacts(
            checked((long)NativeMethods.llama_model_n_params(model)),
            checked((long)NativeMethods.llama_model_size(model)),
            NativeMethods.llama_model_n_ctx_train(model),
            plan.Threads,
            plan.ContextLength,
            decoder?.CellCount ?? 0,
            TextOf(NativeMethods.llama_vocab_bos(vocab)),
            TextOf(NativeMethods.llama_vocab_eos(vocab)),
            suppressed is null ? [] : new ReadOnlySpan<int>(suppressed, suppressedCount).ToArray())
        {
            Memory = memory,
            Infill = new InfillTokens(
                NativeMethods.llama_vocab_fim_pre(vocab),
                NativeMethods.llama_vocab_fim_suf(vocab),
                NativeMethods.llama_vocab_fim_mid(vocab),
                NativeMethods.llama_vocab_fim_rep(vocab),
                NativeMethods.llama_vocab_fim_sep(vocab)),
        };

        string TextOf(int token) => token < 0 ? "" : Encoding.UTF8.GetString(vocabulary.BytesOf(token));
    }

    /// <summary>llama.cpp's own words about what went wrong on this thread.</summary>
    public static string ReasonSince(long mark)
    {
        string[] lines = [.. NativeLog.Since(mark, Environment.CurrentManagedThreadId).Where(line => line.Level >= LogLevel.Warning).Select(line => line.Text)];
        return lines.Length == 0 ? "" : " It says: " + string.Join(" ", lines);
    }

    [LoggerMessage(
        Level = LogLevel.Information,
        Message = "Loaded {Path}: {Parameters:F1} million parameters in {Megabytes} MiB, context {ContextLength} tokens, cache {CacheLength} tokens, {Threads} threads, {GpuLayers} of {Layers} layers on GPUs.")]
    private partial void LogLoaded(string path, double parameters, long megabytes, int contextLength, int cacheLength, int threads, int gpuLayers, int layers);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Wanted} threads were asked for, and the process may use {Used} cores: {Used} threads compute. More would wait for each other most of the time.")]
    private partial void LogFewerThreads(int wanted, int used);

    [LoggerMessage(Level = LogLevel.Warning, Message = "A context of {ContextLength} tokens was asked for, and the model was trained with {Trained}: answers beyond that are likely to be poor.")]
    private partial void LogLongContext(int contextLength, int trained);

    [LoggerMessage(Level = LogLevel.Information, Message = "llama.cpp computes models of the architecture {Architecture} one request at a time: others wait, whatever MaxSequences says.")]
    private partial void LogOneSequence(string architecture);
}
