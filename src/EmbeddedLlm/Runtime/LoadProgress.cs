using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace EmbeddedLlm.Runtime;

/// <summary>What llama.cpp's progress callback talks to while a model is read: passes the progress on, and stops the load when the caller has cancelled.</summary>
internal sealed unsafe class LoadProgress(IProgress<float>? progress, CancellationToken cancellationToken)
{
    private ExceptionDispatchInfo? _failure;

    /// <summary>The function for llama.cpp; its data is a handle to an instance.</summary>
    public static delegate* unmanaged[Cdecl]<float, void*, byte> Callback => &OnProgress;

    /// <summary>Throws where the load was cancelled, or what the caller's progress threw.</summary>
    public void ThrowIfStopped()
    {
        cancellationToken.ThrowIfCancellationRequested();
        _failure?.Throw();
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static byte OnProgress(float value, void* handle) => ((LoadProgress)GCHandle.FromIntPtr((nint)handle).Target!).Report(value) ? (byte)1 : (byte)0;

    private bool Report(float value)
    {
        try
        {
            progress?.Report(value);
        }
        catch (Exception exception)
        {
            // It must not unwind through native code: the load is stopped, and the exception thrown after it.
            _failure = ExceptionDispatchInfo.Capture(exception);
        }

        return _failure is null && !cancellationToken.IsCancellationRequested;
    }
}
