using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using EmbeddedLlm.Attention;
using EmbeddedLlm.Interop;

namespace EmbeddedLlm.Runtime;

/// <summary>
/// Has a context's attention computed by <see cref="FlashAttention{TSimd, TVector}"/>, on llama.cpp's own threads. llama.cpp asks a callback about each operation of a graph before it computes the graph; those of attention
/// are replaced then by operations that call back. What cannot be computed here stays as it is. Must live as long as the context that has its <see cref="Data"/>.
/// </summary>
internal sealed unsafe class AttentionHook
{
    // Native code has the addresses of what is in it.
    private readonly AttentionWorkspace _workspace;

    // Pinned for the same reason.
    private readonly Replacement[] _replacement = GC.AllocateArray<Replacement>(1, pinned: true);

    private AttentionHook(AttentionWorkspace workspace) => _workspace = workspace;

    /// <summary>The function to give a context for its evaluation callback.</summary>
    public static void* Callback => (delegate* unmanaged[Cdecl]<ggml_tensor*, byte, void*, byte>)&ReplaceAttention;

    /// <summary>What to give a context for its evaluation callback's data.</summary>
    public void* Data => Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_replacement));

    /// <summary>How many operations were replaced. A graph that is computed again and again is replaced once.</summary>
    public int Replaced => _replacement[0].Count;

    /// <summary>Whether this processor has what heads of these lengths are computed with.</summary>
    public static bool Supports(int keyLength, int valueLength) => WidthFor(keyLength, valueLength) > 0;

    /// <summary>Null where attention has to be computed as llama.cpp does it.</summary>
    /// <param name="threads">The most threads that will compute at once.</param>
    /// <param name="keyLength">The numbers of the longest head's key.</param>
    /// <param name="valueLength">The numbers of the longest head's value.</param>
    public static AttentionHook? TryCreate(int threads, int keyLength, int valueLength)
    {
        int width = WidthFor(keyLength, valueLength);
        if (width == 0)
            return null;
        AttentionHook hook = new(new AttentionWorkspace(threads, keyLength, valueLength));
        if (CustomOperation.TryCreate(width == Simd512.Width ? &ComputeWith512 : &ComputeWith256, hook._workspace.Job) is not { } operation)
            return null;
        hook._replacement[0] = new Replacement
        {
            AttentionOp = operation.AttentionOp,
            Width = width,
            KeyLength = keyLength,
            ValueLength = valueLength,
            Template = operation.Template,
        };
        return hook;
    }

    /// <summary>As wide vectors as there are and the lengths are multiples of; 0 where there are none.</summary>
    private static int WidthFor(int keyLength, int valueLength)
    {
        if (Simd512.IsSupported && FlashAttention<Simd512, Vector512<float>>.Supports(keyLength, valueLength))
            return Simd512.Width;
        return Simd256.IsSupported && FlashAttention<Simd256, Vector256<float>>.Supports(keyLength, valueLength) ? Simd256.Width : 0;
    }

    /// <summary>Asked before a graph is computed, for each of its operations: whether we want to see the result, which is never so.</summary>
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static byte ReplaceAttention(ggml_tensor* tensor, byte isAsked, void* data)
    {
        Replacement* replacement = (Replacement*)data;
        if (tensor->op == replacement->AttentionOp && CanCompute(tensor, replacement))
        {
            CustomOperation.Replace(tensor, &replacement->Template);
            replacement->Count++;
        }

        return 0;
    }

    private static bool CanCompute(ggml_tensor* tensor, Replacement* replacement)
    {
        ggml_tensor* queries = tensor->Source(0);
        ggml_tensor* keys = tensor->Source(1);
        ggml_tensor* values = tensor->Source(2);
        return IsRows(queries, ggml_type.F32, sizeof(float)) && IsRows(keys, ggml_type.F16, sizeof(ushort)) && IsRows(values, ggml_type.F16, sizeof(ushort))
            && HasLengths(queries, keys, values, replacement) && HasHeads(queries, keys, values)
            && IsMask(tensor->Source(3), queries, keys) && IsSinks(tensor->Source(4), queries) && IsResult(tensor, queries, values);
    }

    /// <summary>Whether there is memory for heads of these lengths, and vectors divide them.</summary>
    private static bool HasLengths(ggml_tensor* queries, ggml_tensor* keys, ggml_tensor* values, Replacement* replacement) =>
        queries->ne[0] == keys->ne[0] && keys->ne[0] <= replacement->KeyLength && keys->ne[0] % 8 == 0
        && values->ne[0] <= replacement->ValueLength && values->ne[0] % (2 * replacement->Width) == 0;

    /// <summary>Whether each cell has a key and a value for the same heads, each of which some of the queries' share.</summary>
    private static bool HasHeads(ggml_tensor* queries, ggml_tensor* keys, ggml_tensor* values) =>
        keys->ne[1] == values->ne[1] && keys->ne[2] == values->ne[2]
        && queries->ne[2] % keys->ne[2] == 0 && queries->ne[2] / keys->ne[2] <= AttentionWork.MostRows;

    /// <summary>Whether there is no mask, or one row of it for each token, which all heads look at.</summary>
    private static bool IsMask(ggml_tensor* mask, ggml_tensor* queries, ggml_tensor* keys) =>
        mask is null || (IsRows(mask, ggml_type.F16, sizeof(ushort)) && mask->ne[0] >= keys->ne[1] && mask->ne[1] >= queries->ne[1] && mask->ne[2] == 1);

    /// <summary>Whether there are no sinks, or one for each head.</summary>
    private static bool IsSinks(ggml_tensor* sinks, ggml_tensor* queries) =>
        sinks is null || (IsRows(sinks, ggml_type.F32, sizeof(float)) && sinks->ne[0] == queries->ne[2]);

    /// <summary>Whether results go without gaps to where the CPU writes: a GPU's backend, to which the operation may belong, would not know what it was replaced by.</summary>
    private static bool IsResult(ggml_tensor* tensor, ggml_tensor* queries, ggml_tensor* values) =>
        IsRows(tensor, ggml_type.F32, sizeof(float)) && tensor->ne[0] == values->ne[0] && tensor->ne[1] == queries->ne[2] && tensor->ne[2] == queries->ne[1]
        && tensor->nb[1] == (ulong)tensor->ne[0] * sizeof(float) && tensor->nb[2] == tensor->nb[1] * (ulong)tensor->ne[1]
        && tensor->buffer != 0 && NativeMethods.ggml_backend_buffer_is_host(tensor->buffer);

    /// <summary>Whether a tensor has numbers of a type, without gaps along its first dimension, and at most three dimensions that each can be counted with 32 bits.</summary>
    private static bool IsRows(ggml_tensor* tensor, ggml_type type, int size)
    {
        const long Most = int.MaxValue / 2;
        return tensor->type == type && tensor->nb[0] == (ulong)size && tensor->ne[3] == 1
            && tensor->ne[0] is > 0 and < Most && tensor->ne[1] is > 0 and < Most && tensor->ne[2] is > 0 and < Most;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void ComputeWith512(ggml_tensor* tensor, int thread, int threads, void* job) =>
        FlashAttention<Simd512, Vector512<float>>.Compute(InputsOf(tensor), (AttentionJob*)job, thread, threads);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void ComputeWith256(ggml_tensor* tensor, int thread, int threads, void* job) =>
        FlashAttention<Simd256, Vector256<float>>.Compute(InputsOf(tensor), (AttentionJob*)job, thread, threads);

    private static AttentionInputs InputsOf(ggml_tensor* tensor)
    {
        ggml_tensor* queries = tensor->Source(0);
        ggml_tensor* keys = tensor->Source(1);
        ggml_tensor* values = tensor->Source(2);
        ggml_tensor* mask = tensor->Source(3);
        ggml_tensor* sinks = tensor->Source(4);
        ReadOnlySpan<float> parameters = CustomOperation.ParametersOf(tensor);
        return new AttentionInputs
        {
            KeyLength = (int)keys->ne[0],
            ValueLength = (int)values->ne[0],
            Heads = (int)queries->ne[2],
            KvHeads = (int)keys->ne[2],
            Tokens = (int)queries->ne[1],
            Cells = (int)keys->ne[1],
            Queries = queries->data,
            QueryTokenStride = (nint)queries->nb[1],
            QueryHeadStride = (nint)queries->nb[2],
            Keys = keys->data,
            KeyCellStride = (nint)keys->nb[1],
            KeyHeadStride = (nint)keys->nb[2],
            Values = values->data,
            ValueCellStride = (nint)values->nb[1],
            ValueHeadStride = (nint)values->nb[2],
            Mask = mask is null ? null : mask->data,
            MaskTokenStride = mask is null ? 0 : (nint)mask->nb[1],
            Sinks = sinks is null ? null : (float*)sinks->data,
            Output = (float*)tensor->data,
            Scale = parameters[0],
            MaxBias = parameters[1],
            Softcap = parameters[2],
        };
    }

    /// <summary>What the callback looks at.</summary>
    private struct Replacement
    {
        public int AttentionOp;
        public int Count;
        public int Width;
        public int KeyLength;
        public int ValueLength;
        public ggml_tensor Template;
    }
}
