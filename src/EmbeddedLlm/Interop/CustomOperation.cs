using System.Runtime.InteropServices;

namespace EmbeddedLlm.Interop;

/// <summary>
/// How attention stands in a graph that llama.cpp has built, and how it becomes an operation that a function of ours computes instead. The numbers of operations and what ggml keeps beside them differ between versions and
/// are in no header: they are read from what ggml's own functions write, and where that is not laid out as <see cref="ggml_tensor"/> says, there is no such operation.
/// </summary>
internal sealed unsafe class CustomOperation
{
    /// <summary>GGML_N_TASKS_MAX.</summary>
    public const int AllThreads = -1;

    /// <summary>Where what attention was to be computed with goes; ggml's own for such an operation end before.</summary>
    private const int KeptFrom = 8;

    private const int KeptCount = 3;
    private const int MemorySize = 1 << 16;

    private CustomOperation(int attention, ggml_tensor custom)
    {
        AttentionOp = attention;
        Template = custom;
    }

    /// <summary>GGML_OP_FLASH_ATTN_EXT.</summary>
    public int AttentionOp { get; }

    /// <summary>A tensor that our function computes.</summary>
    public ggml_tensor Template { get; }

    /// <summary>Null where this version of ggml lays out its tensors in another way.</summary>
    /// <param name="function">Computes the operation: for a tensor, on the given of so many threads. Must not throw.</param>
    /// <param name="data">What it gets besides.</param>
    public static CustomOperation? TryCreate(delegate* unmanaged[Cdecl]<ggml_tensor*, int, int, void*, void> function, void* data)
    {
        void* memory = NativeMemory.AlignedAlloc(MemorySize, 64);
        ggml_context* context = NativeMethods.ggml_init(new ggml_init_params { mem_size = MemorySize, mem_buffer = memory });
        try
        {
            if (context is null)
                return null;
            ggml_tensor* queries = NativeMethods.ggml_new_tensor_3d(context, ggml_type.F32, 32, 2, 4);
            ggml_tensor* keys = NativeMethods.ggml_new_tensor_3d(context, ggml_type.F16, 32, 8, 1);
            ggml_tensor* values = NativeMethods.ggml_new_tensor_3d(context, ggml_type.F16, 16, 8, 1);
            ggml_tensor* mask = NativeMethods.ggml_new_tensor_3d(context, ggml_type.F16, 8, 64, 1);
            ggml_tensor* sinks = NativeMethods.ggml_new_tensor_3d(context, ggml_type.F32, 4, 1, 1);
            bool isLaidOut = queries->type == ggml_type.F32 && keys->type == ggml_type.F16
                && keys->ne[0] == 32 && keys->ne[1] == 8 && keys->ne[2] == 1 && keys->ne[3] == 1
                && keys->nb[0] == sizeof(ushort) && keys->nb[1] == 32 * sizeof(ushort) && keys->nb[2] == 8 * 32 * sizeof(ushort)
                && keys->data >= (byte*)memory && keys->data < (byte*)memory + MemorySize && keys->op == queries->op;
            if (!isLaidOut)
                return null;

            ggml_tensor* attention = NativeMethods.ggml_flash_attn_ext(context, queries, keys, values, mask, 0.5f, 8f, 30f);
            NativeMethods.ggml_flash_attn_ext_add_sinks(attention, sinks);
            float* parameters = (float*)attention->op_params;
            bool isAttention = attention->op != keys->op && parameters[0] == 0.5f && parameters[1] == 8f && parameters[2] == 30f
                && attention->Source(0) == queries && attention->Source(1) == keys && attention->Source(2) == values && attention->Source(3) == mask && attention->Source(4) == sinks
                && attention->ne[0] == 16 && attention->ne[1] == 4 && attention->ne[2] == 2;
            ggml_tensor* custom = NativeMethods.ggml_custom_4d(context, ggml_type.F32, 16, 4, 2, 1, &queries, 1, function, AllThreads, data);
            bool isCustom = custom->op != attention->op && custom->op != keys->op && custom->Source(0) == queries
                && *(void**)custom->op_params == function && custom->op_params[2] == AllThreads && *(void**)(custom->op_params + 4) == data
                && new ReadOnlySpan<int>(custom->op_params + 6, ggml_tensor.ParameterCount - 6).IndexOfAnyExcept(0) < 0;
            return isAttention && isCustom ? new CustomOperation(attention->op, *custom) : null;
        }
        finally
        {
            if (context is not null)
                NativeMethods.ggml_free(context);
            NativeMemory.AlignedFree(memory);
        }
    }

    /// <summary>Has an operation of attention computed by our function. Before the graph is computed.</summary>
    public static void Replace(ggml_tensor* attention, ggml_tensor* template)
    {
        int* parameters = attention->op_params;
        int scale = parameters[0], maxBias = parameters[1], softcap = parameters[2];
        new ReadOnlySpan<int>(template->op_params, ggml_tensor.ParameterCount).CopyTo(new Span<int>(parameters, ggml_tensor.ParameterCount));
        parameters[KeptFrom] = scale;
        parameters[KeptFrom + 1] = maxBias;
        parameters[KeptFrom + 2] = softcap;
        attention->op = template->op;
    }

    /// <summary>What an operation that was replaced was to be computed with: scale, greatest bias and cap.</summary>
    public static ReadOnlySpan<float> ParametersOf(ggml_tensor* replaced) => new(replaced->op_params + KeptFrom, KeptCount);
}
