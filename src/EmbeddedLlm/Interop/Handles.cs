using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace EmbeddedLlm.Interop;

/// <summary>A loaded model. Shared by any number of contexts; freed when the last of them and this handle are closed. Thread-safe to read.</summary>
internal sealed class ModelHandle() : SafeHandleZeroOrMinusOneIsInvalid(ownsHandle: true)
{
    /// <summary>Reads a model from a .gguf file. The handle is invalid on failure: <see cref="NativeLog"/> has llama.cpp's reason.</summary>
    public static ModelHandle Load(string path, in llama_model_params parameters) => NativeMethods.llama_model_load_from_file(path, parameters);

    /// <summary>Keeps the model open until <see cref="SafeHandle.DangerousRelease"/>. Callers hear of the model that they have disposed, and not of a handle that they never saw.</summary>
    /// <exception cref="ObjectDisposedException">The model is closed already.</exception>
    public void Hold(ref bool isHeld)
    {
        try
        {
            DangerousAddRef(ref isHeld);
        }
        catch (ObjectDisposedException)
        {
            throw new ObjectDisposedException(objectName: null, "The model has been disposed.");
        }
    }

    protected override bool ReleaseHandle()
    {
        NativeMethods.llama_model_free(handle);
        return true;
    }
}

/// <summary>A handle to something that needs its model to live as long as itself, also when both are finalized in any order.</summary>
internal abstract class ModelPartHandle() : SafeHandleZeroOrMinusOneIsInvalid(ownsHandle: true)
{
    private ModelHandle? _model;

    /// <summary>Makes a part while the model is held open for it, also where its owner closes it meanwhile.</summary>
    /// <exception cref="ObjectDisposedException">The model is closed already.</exception>
    protected static T Create<T>(ModelHandle model, Func<T> create)
        where T : ModelPartHandle
    {
        bool isHeld = false;
        model.Hold(ref isHeld);
        try
        {
            T part = create();
            if (!part.IsInvalid)
            {
                part._model = model;
                isHeld = false;
            }

            return part;
        }
        finally
        {
            if (isHeld)
                model.DangerousRelease();
        }
    }

    protected abstract void Free();

    protected sealed override bool ReleaseHandle()
    {
        Free();
        _model?.DangerousRelease();
        return true;
    }
}

/// <summary>A context: KV cache and compute buffers over a model, which it keeps open. One thread at a time.</summary>
internal sealed class ContextHandle : ModelPartHandle
{
    /// <summary>The handle is invalid on failure: <see cref="NativeLog"/> has llama.cpp's reason.</summary>
    public static ContextHandle Create(ModelHandle model, llama_context_params parameters) => Create(model, () => NativeMethods.llama_init_from_model(model, parameters));

    protected override void Free() => NativeMethods.llama_free(handle);
}

/// <summary>A LoRA adapter of one model, which it keeps open. Must outlive its use in any context.</summary>
internal sealed class AdapterHandle : ModelPartHandle
{
    /// <summary>The handle is invalid on failure: <see cref="NativeLog"/> has llama.cpp's reason.</summary>
    public static AdapterHandle Load(ModelHandle model, string path) => Create(model, () => NativeMethods.llama_adapter_lora_init(model, path));

    protected override void Free() => NativeMethods.llama_adapter_lora_free(handle);
}

/// <summary>A chain of llama.cpp's samplers, with all that were added to it.</summary>
internal sealed class SamplerHandle() : SafeHandleZeroOrMinusOneIsInvalid(ownsHandle: true)
{
    protected override bool ReleaseHandle()
    {
        NativeMethods.llama_sampler_free(handle);
        return true;
    }
}

/// <summary>The CPU backend's worker threads. Detach it from every context before closing it. One context at a time may compute on it.</summary>
internal sealed unsafe class ThreadpoolHandle() : SafeHandleZeroOrMinusOneIsInvalid(ownsHandle: true)
{
    private delegate* unmanaged[Cdecl]<nint, void> _free;

    /// <summary>Null where the CPU backend does not hand out its threadpool functions; contexts then make their own threads.</summary>
    public static ThreadpoolHandle? TryCreate(ref ggml_threadpool_params parameters)
    {
        ggml_backend_device* cpu = NativeMethods.ggml_backend_dev_by_type(ggml_backend_dev_type.CPU);
        if (cpu is null)
            return null;

        ggml_backend_reg* backend = NativeMethods.ggml_backend_dev_backend_reg(cpu);
        var create = (delegate* unmanaged[Cdecl]<ggml_threadpool_params*, nint>)NativeMethods.ggml_backend_reg_get_proc_address(backend, "ggml_threadpool_new");
        var free = (delegate* unmanaged[Cdecl]<nint, void>)NativeMethods.ggml_backend_reg_get_proc_address(backend, "ggml_threadpool_free");
        if (create is null || free is null)
            return null;

        fixed (ggml_threadpool_params* pointer = &parameters)
        {
            nint pool = create(pointer);
            if (pool == 0)
                return null;

            var handle = new ThreadpoolHandle { _free = free };
            handle.SetHandle(pool);
            return handle;
        }
    }

    protected override bool ReleaseHandle()
    {
        _free(handle);
        return true;
    }
}
