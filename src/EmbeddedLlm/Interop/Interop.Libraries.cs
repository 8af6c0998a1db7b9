using System.Runtime.CompilerServices;

// Every signature here is blittable or marshalled by generated code, so the runtime's own marshalling is switched off.
[assembly: DisableRuntimeMarshalling]

namespace EmbeddedLlm.Interop;

/// <summary>
/// The functions of llama.h and ggml.h that the library calls, under their own names, one file per topic of the headers.
/// <see cref="NativeLibraryLoader.Load"/> must have succeeded before any of them is called.
/// </summary>
internal static unsafe partial class NativeMethods
{
    // Not file names: the resolver maps these three to the handles that the loader opened by full path.
    public const string Llama = "llama";
    public const string Ggml = "ggml";
    public const string GgmlBase = "ggml-base";
}
