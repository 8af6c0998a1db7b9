using EmbeddedLlm.Interop;

namespace EmbeddedLlm.Runtime;

/// <summary>A llama.cpp context, which keeps its model open, with what it calls back and the threads that compute it. Owns all of them. One thread at a time.</summary>
internal sealed unsafe class ComputeContext : IDisposable
{
    private readonly AttentionHook? _attention;
    private readonly ThreadpoolHandle? _threads;

    private ComputeContext(ContextHandle handle, StepAbort abort, AttentionHook? attention, ThreadpoolHandle? threads)
    {
        Handle = handle;
        Abort = abort;
        _attention = attention;
        _threads = threads;
        if (threads is not null)
            NativeMethods.llama_attach_threadpool(handle, threads, threads);
    }

    /// <summary>The context itself.</summary>
    public ContextHandle Handle { get; }

    /// <summary>Gives up steps.</summary>
    public StepAbort Abort { get; }

    /// <summary>Null on failure: <see cref="NativeLog"/> has llama.cpp's reason.</summary>
    /// <param name="model">The model.</param>
    /// <param name="parameters">What is asked for, callbacks aside.</param>
    /// <param name="threads">The most threads that will compute at once.</param>
    /// <param name="attention">Computes attention; null where llama.cpp does.</param>
    public static ComputeContext? TryCreate(ModelHandle model, llama_context_params parameters, int threads, AttentionHook? attention)
    {
        StepAbort abort = new();
        parameters.abort_callback = StepAbort.Callback;
        parameters.abort_callback_data = abort.Data;
        if (attention is not null)
        {
            parameters.cb_eval = AttentionHook.Callback;
            parameters.cb_eval_user_data = attention.Data;
        }

        ContextHandle handle = ContextHandle.Create(model, parameters);
        if (!handle.IsInvalid)
            return new ComputeContext(handle, abort, attention, CreateThreads(threads));
        handle.Dispose();
        return null;
    }

    public void Dispose()
    {
        // The context points to the others to the end.
        Handle.Dispose();
        _threads?.Dispose();
        GC.KeepAlive(_attention);
    }

    /// <summary>
    /// Threads that sleep between steps. llama.cpp makes new ones for every step otherwise, and .NET would have to get to know each of them anew: with two threads, a token of a tiny model took 0.8 ms instead of 0.35.
    /// Null where one thread computes, or the CPU's backend has no such threads.
    /// </summary>
    private static ThreadpoolHandle? CreateThreads(int count)
    {
        if (count < 2)
            return null;
        NativeMethods.ggml_threadpool_params_init(out ggml_threadpool_params parameters, count);
        parameters.poll = 0;
        return ThreadpoolHandle.TryCreate(ref parameters);
    }
}
