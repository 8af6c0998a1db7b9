using EmbeddedLlm.Interop;
using EmbeddedLlm.Runtime;
using EmbeddedLlm.SyntheticModels;

namespace EmbeddedLlm.Native.Tests.Runtime;

/// <summary>Attention as the library computes it, beside llama.cpp's own, on models with random weights.</summary>
public sealed unsafe class AttentionHookTests
{
    /// <summary>Logits lie around ±2. llama.cpp computes here with keys and values in single precision; half precision was seen to move logits by 0.005.</summary>
    private const float Tolerance = 0.02f;

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
    public void LogitsAreThoseOfLlamaCpp(string architecture, int headSize)
    {
        using TemporaryFolder folder = new();
        string path = folder.PathOf("model.gguf");
        SyntheticModel.Write(path, ShapeOf(architecture) with { HeadSize = headSize, Width = 4 * headSize, Mix = SyntheticMix.F32 }, SyntheticVocabulary.ByteLevel(400));
        NativeLibraryLoader.Load();
        llama_model_params weights = NativeMethods.llama_model_default_params();
        weights.n_gpu_layers = 0;
        using ModelHandle model = ModelHandle.Load(path, weights);
        Assert.False(model.IsInvalid);
        Assert.SkipUnless(AttentionHook.Supports(headSize, headSize), "needs AVX2");
        AttentionHook hook = AttentionHook.TryCreate(threads: 2, headSize, headSize)!;
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
            float difference = expected.Zip(actual, (a, b) => Math.Abs(a - b)).Max();
            Assert.True(difference < Tolerance, $"Step {step}, {tokens.Length} tokens: logits differ by {difference}.");
        }

        Assert.InRange(hook.Replaced, 60, int.MaxValue);
        GC.KeepAlive(hook);
    }

    private static SyntheticShape ShapeOf(string architecture) => architecture switch
    {
        "gemma2" => SyntheticShape.TinyWindow,
        "gemma3" => SyntheticShape.TinyWindow with { Architecture = "gemma3", Layers = 6 },
        "gpt-oss" => SyntheticShape.TinyWindow with { Architecture = "gpt-oss", Layers = 2, Experts = 4, ExpertsUsed = 2, TiedEmbeddings = false },
        "granitehybrid" => SyntheticShape.TinyHybrid,
        "lfm2" => SyntheticShape.TinyConvolution,
        _ => SyntheticShape.Tiny with { Architecture = architecture },
    };

    private static ContextHandle CreateContext(ModelHandle model, AttentionHook? hook)
    {
        llama_context_params parameters = NativeMethods.llama_context_default_params();
        parameters.n_ctx = 2048;
        parameters.n_batch = parameters.n_ubatch = 128;
        parameters.n_seq_max = 3;
        parameters.n_threads = parameters.n_threads_batch = 2;
        parameters.kv_unified = parameters.swa_full = 1;
        parameters.flash_attn_type = llama_flash_attn_type.DISABLED;
        parameters.type_k = parameters.type_v = ggml_type.F32;
        if (hook is not null)
        {
            parameters.flash_attn_type = llama_flash_attn_type.ENABLED;
            parameters.type_k = parameters.type_v = ggml_type.F16;
            parameters.cb_eval = AttentionHook.Callback;
            parameters.cb_eval_user_data = hook.Data;
        }

        ContextHandle context = ContextHandle.Create(model, parameters);
        Assert.False(context.IsInvalid);
        return context;
    }

    /// <summary>The logits after the last token.</summary>
    private static float[] Decode(ContextHandle context, int[] tokens, int sequence, int position)
    {
        int[] positions = [.. Enumerable.Range(position, tokens.Length)];
        int[] counts = [.. Enumerable.Repeat(1, tokens.Length)];
        sbyte[] outputs = new sbyte[tokens.Length];
        outputs[^1] = 1;
        int** sequences = stackalloc int*[tokens.Length];
        for (int i = 0; i < tokens.Length; i++)
            sequences[i] = &sequence;
        fixed (int* token = tokens, pos = positions, count = counts)
        fixed (sbyte* output = outputs)
            Assert.Equal(0, NativeMethods.llama_decode(context, new llama_batch { n_tokens = tokens.Length, token = token, pos = pos, n_seq_id = count, seq_id = sequences, logits = output }));
        return new ReadOnlySpan<float>(NativeMethods.llama_get_logits_ith(context, -1), 400).ToArray();
    }
}
