using EmbeddedLlm.Gguf;
using EmbeddedLlm.Interop;

namespace EmbeddedLlm.Native.Tests.Runtime;

/// <summary>A model driven by nothing but the externs, for one prompt.</summary>
internal sealed unsafe class BareModel : IDisposable
{
    private readonly ModelHandle _model;
    private readonly ContextHandle _context;

    public BareModel(string path)
    {
        NativeLibraryLoader.Load();
        llama_model_params weights = NativeMethods.llama_model_default_params();
        weights.use_extra_bufts = new ModelMemory(GgufFile.OpenParts(path)).AllowsAmx ? (byte)1 : (byte)0;
        _model = ModelHandle.Load(path, weights);
        Assert.False(_model.IsInvalid);
        llama_context_params parameters = NativeMethods.llama_context_default_params();
        parameters.n_ctx = 256;
        parameters.n_threads = parameters.n_threads_batch = 1;
        _context = ContextHandle.Create(_model, parameters);
        Assert.False(_context.IsInvalid);
    }

    /// <summary>The logits after the last of the tokens.</summary>
    public float[] Decode(int[] tokens)
    {
        fixed (int* pointer = tokens)
            Assert.Equal(0, NativeMethods.llama_decode(_context, new llama_batch { n_tokens = tokens.Length, token = pointer }));
        int vocabulary = NativeMethods.llama_vocab_n_tokens(NativeMethods.llama_model_get_vocab(_model));
        return new Span<float>(NativeMethods.llama_get_logits_ith(_context, -1), vocabulary).ToArray();
    }

    public void Dispose()
    {
        _context.Dispose();
        _model.Dispose();
    }
}
