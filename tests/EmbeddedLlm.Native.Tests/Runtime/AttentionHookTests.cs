using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using EmbeddedLlm.Interop;
using EmbeddedLlm.Runtime;
using EmbeddedLlm.SyntheticModels;

namespace EmbeddedLlm.Native.Tests.Runtime;

/// <summary>Attention as the library computes it, beside llama.cpp's own, on models with random weights.</summary>
public sealed unsafe class AttentionHookTests
{
    /// <summary>Logits lie around ±2. llama.cpp computes here with keys and values in single precision; half precision was seen to move logits by 0.005.</summary>
    private const float Tolerance = 0.02f;

    private const int VocabularySize = 400;

    [Fact]
    public void GgmlLaysOutItsOperationsAsExpected()
    {
        NativeLibraryLoader.Load();
        Assert.SkipUnless(AttentionHook.Supports(64, 64), "needs AVX2");
        Assert.NotNull(AttentionHook.TryCreate(threads: 1, 64, 64));
    }

    [Theory]
    [InlineData("qwen2", 16)]
    [InlineData("qwen2", 32)]
    [InlineData("qwen2", 64)]
    [InlineData("qwen2", 128)]
    [InlineData("qwen3", 64)]
    [InlineData("llama", 64)]
    [InlineData("gemma2", 32)]
    [InlineData("gemma3", 32)]
    [InlineData("gpt-oss", 64)]
    [InlineData("granitehybrid", 32)]
    [InlineData("lfm2", 32)]
    [InlineData("granitemoe", 80)]
    [InlineData("olmoe", 48)]
    [InlineData("deepseek2", 64)]
    public void LogitsAreThoseOfLlamaCpp(string architecture, int headSize)
    {
        using TemporaryFolder folder = new();
        SyntheticShape shape = ShapeOf(architecture) with { HeadSize = headSize, Width = 4 * headSize, Mix = SyntheticMix.F32 };
        using ModelHandle model = Load(folder, shape);
        AttentionHook hook = CreateHook(shape);
        using ContextHandle own = CreateContext(model, hook);
        using ContextHandle native = CreateContext(model, null);
        Random random = new(11);
        int[] lengths = [0, 0, 0];
        // Prompts and single tokens of several sequences in one cache, so that cells of all lie mixed.
        for (int step = 0; step < 60; step++)
        {
            int sequence = random.Next(lengths.Length);
            int[] tokens = [.. Enumerable.Range(0, random.Next(3) == 0 ? random.Next(1, 100) : 1).Select(_ => random.Next(256))];
            float[] expected = Decode(native, tokens, sequence, lengths[sequence]);
            float[] actual = Decode(own, tokens, sequence, lengths[sequence]);
            lengths[sequence] += tokens.Length;
            AssertClose(expected, actual, $"Step {step}, {tokens.Length} tokens");
        }

        Assert.InRange(hook.Replaced, 60, int.MaxValue);
        GC.KeepAlive(hook);
    }

    /// <summary>With a cache for each sequence, keys of several have a fourth dimension, which is left to llama.cpp; the same context's steps of one sequence have not.</summary>
    [Fact]
    public void WhatCannotBeReplacedIsComputedByLlamaCpp()
    {
        using TemporaryFolder folder = new();
        SyntheticShape shape = SyntheticShape.Tiny with { Mix = SyntheticMix.F32 };
        using ModelHandle model = Load(folder, shape);
        AttentionHook hook = CreateHook(shape);
        using ContextHandle own = CreateContext(model, hook, isUnified: false);
        using ContextHandle native = CreateContext(model, null, isUnified: false);
        int[] lengths = [0, 0];
        for (int step = 0; step < 6; step++)
        {
            bool isOne = step % 2 == 1;
            int[] tokens = [step, step + 1, step + 2, step + 3];
            int[] sequences = isOne ? [0, 0, 0, 0] : [0, 0, 1, 1];
            int[] positions = [.. sequences.Select(sequence => lengths[sequence]++)];
            int before = hook.Replaced;
            AssertClose(Decode(native, tokens, sequences, positions), Decode(own, tokens, sequences, positions), $"Step {step}");
            Assert.Equal(isOne ? shape.Layers : 0, hook.Replaced - before);
        }

        GC.KeepAlive(hook);
    }

    /// <summary>All threads end an operation before the step is given up, wherever that is.</summary>
    [Fact]
    public void AStepThatIsGivenUpLeavesNothingBehind()
    {
        using TemporaryFolder folder = new();
        SyntheticShape shape = SyntheticShape.Tiny with { Mix = SyntheticMix.F32 };
        using ModelHandle model = Load(folder, shape);
        AttentionHook hook = CreateHook(shape);
        // How many questions are still answered with no.
        long[] patience = GC.AllocateArray<long>(1, pinned: true);
        patience[0] = long.MaxValue;
        using ContextHandle own = CreateContext(model, hook, patience: (long*)Unsafe.AsPointer(ref patience[0]));
        int[] tokens = [.. Enumerable.Range(0, 40)];
        int[] positions = [.. Enumerable.Range(0, tokens.Length)];
        int[] sequences = new int[tokens.Length];
        float[] expected = Decode(own, tokens, sequences, positions);
        llama_memory_i* memory = NativeMethods.llama_get_memory(own);
        const int Aborted = 2;
        int code = Aborted;
        for (int questions = 0; code == Aborted; questions += 7)
        {
            NativeMethods.llama_memory_clear(memory, data: false);
            patience[0] = questions;
            code = TryDecode(own, tokens, sequences, positions);
            patience[0] = long.MaxValue;
            NativeMethods.llama_memory_clear(memory, data: false);
            Assert.Equal(expected, Decode(own, tokens, sequences, positions));
        }

        Assert.Equal(0, code);
        GC.KeepAlive(hook);
    }

    private static ModelHandle Load(TemporaryFolder folder, SyntheticShape shape)
    {
        string path = folder.PathOf("model.gguf");
        SyntheticModel.Write(path, shape, SyntheticVocabulary.ByteLevel(VocabularySize));
        NativeLibraryLoader.Load();
        llama_model_params weights = NativeMethods.llama_model_default_params();
        weights.n_gpu_layers = 0;
        ModelHandle model = ModelHandle.Load(path, weights);
        Assert.False(model.IsInvalid);
        return model;
    }

    private static AttentionHook CreateHook(SyntheticShape shape)
    {
        int keyLength = shape.LatentRank > 0 ? shape.LatentRank + shape.RotarySize : shape.HeadSize;
        int valueLength = shape.LatentRank > 0 ? shape.LatentRank : shape.HeadSize;
        Assert.SkipUnless(AttentionHook.Supports(keyLength, valueLength), "needs AVX2");
        return AttentionHook.TryCreate(threads: 2, keyLength, valueLength)!;
    }

    private static SyntheticShape ShapeOf(string architecture) => architecture switch
    {
        "gemma2" => SyntheticShape.TinyWindow,
        "gemma3" => SyntheticShape.TinyWindow with { Architecture = "gemma3", Layers = 6 },
        "gpt-oss" => SyntheticShape.TinyWindow with { Architecture = "gpt-oss", Layers = 2, Experts = 4, ExpertsUsed = 2, TiedEmbeddings = false },
        "granitehybrid" => SyntheticShape.TinyHybrid,
        "lfm2" => SyntheticShape.TinyConvolution,
        // All experts are used: where the last places of numbers decide which are, results need not be alike.
        "granitemoe" => SyntheticShape.Tiny with { Architecture = "granitemoe", Experts = 4, ExpertsUsed = 4, Scales = new GraniteScales(Embedding: 1, Attention: 0.2f, Residual: 0.5f, Logits: 1) },
        "olmoe" => SyntheticShape.Tiny with { Architecture = "olmoe", KvHeads = 4, Experts = 4, ExpertsUsed = 4, TiedEmbeddings = false },
        "deepseek2" => SyntheticShape.Tiny with { Architecture = "deepseek2", KvHeads = 1, Experts = 4, ExpertsUsed = 4, TiedEmbeddings = false, LatentRank = 128 },
        _ => SyntheticShape.Tiny with { Architecture = architecture },
    };

    private static ContextHandle CreateContext(ModelHandle model, AttentionHook? hook, bool isUnified = true, long* patience = null)
    {
        llama_context_params parameters = NativeMethods.llama_context_default_params();
        parameters.n_ctx = 2048;
        parameters.n_batch = parameters.n_ubatch = 128;
        parameters.n_seq_max = 3;
        parameters.n_threads = parameters.n_threads_batch = 2;
        parameters.kv_unified = isUnified ? (byte)1 : (byte)0;
        parameters.swa_full = 1;
        parameters.flash_attn_type = llama_flash_attn_type.DISABLED;
        parameters.type_k = parameters.type_v = ggml_type.F32;
        if (hook is not null)
        {
            parameters.flash_attn_type = llama_flash_attn_type.ENABLED;
            parameters.type_k = parameters.type_v = ggml_type.F16;
            parameters.cb_eval = AttentionHook.Callback;
            parameters.cb_eval_user_data = hook.Data;
        }

        if (patience is not null)
        {
            parameters.abort_callback = &HasNoPatience;
            parameters.abort_callback_data = patience;
        }

        ContextHandle context = ContextHandle.Create(model, parameters);
        Assert.False(context.IsInvalid);
        return context;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static byte HasNoPatience(void* patience) => --*(long*)patience < 0 ? (byte)1 : (byte)0;

    private static void AssertClose(float[] expected, float[] actual, string what)
    {
        float difference = expected.Zip(actual, (a, b) => Math.Abs(a - b)).Max();
        Assert.True(difference < Tolerance, $"{what}: logits differ by {difference}.");
    }

    /// <summary>The logits after the last of one sequence's tokens.</summary>
    private static float[] Decode(ContextHandle context, int[] tokens, int sequence, int position) =>
        Decode(context, tokens, [.. Enumerable.Repeat(sequence, tokens.Length)], [.. Enumerable.Range(position, tokens.Length)]);

    /// <summary>The logits after the last token.</summary>
    private static float[] Decode(ContextHandle context, int[] tokens, int[] sequences, int[] positions)
    {
        Assert.Equal(0, TryDecode(context, tokens, sequences, positions));
        return new ReadOnlySpan<float>(NativeMethods.llama_get_logits_ith(context, -1), VocabularySize).ToArray();
    }

    private static int TryDecode(ContextHandle context, int[] tokens, int[] sequences, int[] positions)
    {
        int[] counts = [.. Enumerable.Repeat(1, tokens.Length)];
        sbyte[] outputs = new sbyte[tokens.Length];
        outputs[^1] = 1;
        int** pointers = stackalloc int*[tokens.Length];
        fixed (int* token = tokens, pos = positions, count = counts, sequence = sequences)
        fixed (sbyte* output = outputs)
        {
            for (int i = 0; i < tokens.Length; i++)
                pointers[i] = sequence + i;
            return NativeMethods.llama_decode(context, new llama_batch { n_tokens = tokens.Length, token = token, pos = pos, n_seq_id = count, seq_id = pointers, logits = output });
        }
    }
}
