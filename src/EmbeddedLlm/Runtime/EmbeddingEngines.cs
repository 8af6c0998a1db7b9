using EmbeddedLlm.Gguf;
using EmbeddedLlm.Interop;
using EmbeddedLlm.Scheduling;
using Microsoft.Extensions.Logging.Abstractions;

namespace EmbeddedLlm.Runtime;

/// <summary>
/// A model's embedding engines, one for each way of pooling that is asked for, made when it is. Thread-safe; disposal ends their jobs, and a context that is just being made is freed as well.
/// </summary>
/// <param name="model">The model; kept open by the owner until this is disposed.</param>
/// <param name="inputs">Its tokenizer.</param>
/// <param name="facts">What its file says about vectors.</param>
/// <param name="info">What its header says.</param>
/// <param name="options">How it was loaded.</param>
/// <param name="sizes">Its sizes for text.</param>
/// <param name="usesGpu">Whether layers are on GPUs.</param>
internal sealed class EmbeddingEngines(
    ModelHandle model, InputTokenizer inputs, EmbeddingFacts facts, GgufModelInfo info, EmbeddedModelOptions options, ContextPlan sizes, bool usesGpu)
    : IAsyncDisposable, IDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<EmbedderKey, Task<EmbeddingEngine>> _engines = [];
    private readonly int _trainedLength = NativeMethods.llama_model_n_ctx_train(model);
    private readonly bool _hasStates = NativeMethods.llama_model_is_recurrent(model) || NativeMethods.llama_model_is_hybrid(model);
    private bool _isClosed;

    /// <summary>What the model's file says.</summary>
    public EmbeddingFacts Facts => facts;

    /// <summary>Makes inputs of texts.</summary>
    public InputTokenizer Inputs => inputs;

    /// <summary>The numbers of a pooled vector.</summary>
    public int VectorLength { get; } = NativeMethods.llama_model_n_embd_out(model);

    /// <summary>The scores that the ranking head gives.</summary>
    public int RankLength { get; } = (int)NativeMethods.llama_model_n_cls_out(model);

    /// <summary>The most tokens of an input.</summary>
    /// <exception cref="ArgumentOutOfRangeException">More tokens are asked for than the model was trained with.</exception>
    public int MaxTokensOf(EmbedderKey key) => PlanFor(key).MaxTokens;

    /// <summary>A vector for each input, in their order, as the model gives it.</summary>
    /// <param name="key">The way of pooling.</param>
    /// <param name="inputs">Each input's tokens: at least one, at most <see cref="MaxTokensOf"/>.</param>
    /// <param name="timeout">How long it may take; null for as long as it takes.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="TimeoutException">The time is over.</exception>
    /// <exception cref="QueueFullException">Too many requests wait.</exception>
    public async Task<float[][]> ComputeAsync(EmbedderKey key, int[][] inputs, TimeSpan? timeout, CancellationToken cancellationToken)
    {
        if (inputs.Length == 0)
            return [];
        using CancellationTokenSource? limit = timeout is null ? null : CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit?.CancelAfter(timeout!.Value);
        CancellationToken either = limit?.Token ?? cancellationToken;
        try
        {
            EmbeddingEngine engine = await GetAsync(key).WaitAsync(either).ConfigureAwait(false);
            return await engine.Submit(inputs, either).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (limit is { IsCancellationRequested: true } && !cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"The request was not answered within {timeout} ({nameof(EmbeddedModelOptions.RequestTimeout)}).");
        }
        catch (OperationCanceledException exception) when (limit is not null)
        {
            throw new OperationCanceledException(exception.Message, exception, cancellationToken);
        }
    }

    /// <summary>The engine for a way of pooling, made on a thread of its own where there is none yet. One that could not be made is tried again by the next caller.</summary>
    /// <exception cref="ModelLoadException">llama.cpp or the memory refuses the context.</exception>
    /// <exception cref="ArgumentOutOfRangeException">More tokens are asked for than the model was trained with.</exception>
    /// <exception cref="ObjectDisposedException">The model is disposed.</exception>
    private Task<EmbeddingEngine> GetAsync(EmbedderKey key)
    {
        lock (_gate)
        {
            if (_isClosed)
                throw new ObjectDisposedException(objectName: null, "The model has been disposed, or is about to be.");
            if (_engines.TryGetValue(key, out Task<EmbeddingEngine>? known) && !known.IsFaulted)
                return known;
            return _engines[key] = Task.Run(() => Create(key));
        }
    }

    /// <summary>Refuses further jobs, and ends when those there are have ended.</summary>
    public async Task DrainAsync(CancellationToken cancellationToken)
    {
        Task<EmbeddingEngine>[] engines;
        lock (_gate)
        {
            _isClosed = true;
            engines = [.. _engines.Values];
        }

        foreach (Task<EmbeddingEngine> making in engines)
        {
            await ((Task)making).WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            cancellationToken.ThrowIfCancellationRequested();
            if (making.IsCompletedSuccessfully)
                await making.Result.DrainAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (Task<EmbeddingEngine> making in Close())
        {
            await ((Task)making).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (making.IsCompletedSuccessfully)
                await making.Result.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>The same as <see cref="DisposeAsync"/>, for owners that can only wait. An engine that is just being made is freed when it is.</summary>
    public void Dispose()
    {
        foreach (Task<EmbeddingEngine> making in Close())
        {
            if (making.IsCompletedSuccessfully)
                making.Result.Dispose();
            else
                _ = making.ContinueWith(static task => task.Result.Dispose(), CancellationToken.None, TaskContinuationOptions.OnlyOnRanToCompletion, TaskScheduler.Default);
        }
    }

    /// <inheritdoc cref="Engine.EndWhenIdle"/>
    public void EndWhenIdle()
    {
        foreach (Task<EmbeddingEngine> making in Close())
        {
            _ = making.ContinueWith(
                static task => task.Result.EndWhenIdle(), CancellationToken.None, TaskContinuationOptions.OnlyOnRanToCompletion | TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
    }

    private Task<EmbeddingEngine>[] Close()
    {
        lock (_gate)
        {
            _isClosed = true;
            Task<EmbeddingEngine>[] engines = [.. _engines.Values];
            _engines.Clear();
            return engines;
        }
    }

    private EmbeddingEngine Create(EmbedderKey key)
    {
        EmbedderPlan plan = PlanFor(key);
        EnsureFits(plan);
        EmbedderThreads threads = ThreadsFor(plan);
        ComputeContext context = CreateContext(key, plan, threads.Most);
        int vectorLength = key.Pooling is null ? RankLength : VectorLength;
        return new EmbeddingEngine(
            new LlamaEmbedder(context, plan, facts.IsEncoder, vectorLength, threads), options.QueueCapacity, options.LoggerFactory?.CreateLogger("EmbeddedLlm") ?? NullLogger.Instance);
    }

    /// <summary>
    /// As for text, a number of threads that was asked for stays, and one that was chosen follows the machine's load, to which this model's chats belong; but there are as many as the batch keeps busy, and
    /// not just one token.
    /// </summary>
    private EmbedderThreads ThreadsFor(EmbedderPlan plan)
    {
        if (options.Threads is not null)
            return new EmbedderThreads(sizes.Threads);
        int cores = Math.Min(CpuCores.CountUsable(), Environment.ProcessorCount);
        int most = ThreadCount.Choose(info.TensorBytes * plan.PackedTokens, cores, busyCores: 0);
        int threads = ThreadCount.Choose(info.TensorBytes * plan.PackedTokens, cores, sizes.BusyCores);
        return new EmbedderThreads(info.TensorBytes, most, threads, CpuCores.ReadTime);
    }

    private EmbedderPlan PlanFor(EmbedderKey key) => EmbedderPlan.Create(key, facts, _trainedLength, _hasStates, options, usesGpu);

    private void EnsureFits(EmbedderPlan plan)
    {
        if (facts.IsEncoder)
            return;
        long cellBytes = Math.Max(1, info.KvBytesPerToken(ContextPlan.GgufType(options.KeyCacheType), ContextPlan.GgufType(options.ValueCacheType)));
        ContextPlan.EnsureFits(Math.Max(plan.MaxTokens, plan.BatchCapacity), cellBytes);
    }

    private ComputeContext CreateContext(EmbedderKey key, EmbedderPlan plan, int mostThreads)
    {
        llama_context_params parameters = NativeMethods.llama_context_default_params();
        parameters.n_ctx = (uint)Math.Max(plan.MaxTokens, plan.BatchCapacity);
        parameters.n_batch = (uint)plan.BatchCapacity;
        // Pooling looks at no more than what is computed at once.
        parameters.n_ubatch = (uint)plan.BatchCapacity;
        parameters.n_seq_max = (uint)plan.MaxSequences;
        parameters.n_threads = sizes.Threads;
        parameters.n_threads_batch = sizes.Threads;
        parameters.pooling_type = EmbedderPlan.NativePooling(key.Pooling);
        parameters.embeddings = 1;
        parameters.flash_attn_type = plan.FlashAttention;
        parameters.type_k = ContextPlan.NativeType(options.KeyCacheType);
        parameters.type_v = ContextPlan.NativeType(options.ValueCacheType);
        // Separate caches would make llama.cpp cut inputs of different lengths into pieces, and pool each alone.
        parameters.kv_unified = 1;
        parameters.swa_full = 1;
        parameters.no_perf = 1;
        long mark = NativeLog.Mark();
        AttentionHook? attention = usesGpu ? null : AttentionKernel.CreateHook(info, options, gpuLayers: 0, mostThreads);
        return ComputeContext.TryCreate(model, parameters, mostThreads, attention) ?? throw new ModelLoadException($"llama.cpp could not make a context for embeddings of {plan.MaxTokens} tokens.{ModelLoader.ReasonSince(mark)}");
    }
}
