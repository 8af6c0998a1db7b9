using System.Text;
using EmbeddedLlm.Interop;

namespace EmbeddedLlm.Native.Tests.Client;

/// <summary>llama.cpp alone, one input a context: its own tokenizer with the tokens it adds, its own pooling. The same as its embedding example does.</summary>
internal static unsafe class ReferenceEmbedder
{
    public static float[] Embed(string path, string text, llama_pooling_type pooling) => Run(path, pooling, vocab =>
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        int[] tokens = new int[utf8.Length + 8];
        int count = NativeMethods.llama_tokenize(vocab, utf8, utf8.Length, tokens, tokens.Length, add_special: true, parse_special: false);
        return tokens[..count];
    });

    public static float[] Embed(string path, int[] tokens, llama_pooling_type pooling) => Run(path, pooling, _ => tokens);

    private delegate int[] Tokenize(llama_vocab* vocab);

    private static float[] Run(string path, llama_pooling_type pooling, Tokenize tokenize)
    {
        llama_model_params modelParameters = NativeMethods.llama_model_default_params();
        using ModelHandle model = ModelHandle.Load(path, modelParameters);
        int[] tokens = tokenize(NativeMethods.llama_model_get_vocab(model));
        llama_context_params parameters = NativeMethods.llama_context_default_params();
        parameters.n_ctx = parameters.n_batch = parameters.n_ubatch = 1024;
        parameters.n_threads = parameters.n_threads_batch = 1;
        parameters.embeddings = 1;
        parameters.pooling_type = pooling;
        // llama.cpp's kernels round queries, weights or sums to 16 bits where keys and values have as many; without these they are as exact as ours.
        parameters.flash_attn_type = llama_flash_attn_type.DISABLED;
        parameters.type_k = parameters.type_v = ggml_type.F32;
        using ContextHandle context = ContextHandle.Create(model, parameters);
        int[] positions = [.. Enumerable.Range(0, tokens.Length)];
        int[] counts = [.. Enumerable.Repeat(1, tokens.Length)];
        sbyte[] outputs = [.. Enumerable.Repeat((sbyte)1, tokens.Length)];
        int* sequence = stackalloc int[1];
        int** sequences = stackalloc int*[tokens.Length];
        for (int i = 0; i < tokens.Length; i++)
            sequences[i] = sequence;
        fixed (int* token = tokens, position = positions, count = counts)
        fixed (sbyte* output = outputs)
        {
            llama_batch batch = new() { n_tokens = tokens.Length, token = token, pos = position, n_seq_id = count, seq_id = sequences, logits = output };
            Assert.Equal(0, NativeMethods.llama_decode(context, batch));
        }

        int length = pooling == llama_pooling_type.RANK ? (int)NativeMethods.llama_model_n_cls_out(model) : NativeMethods.llama_model_n_embd_out(model);
        return new ReadOnlySpan<float>(NativeMethods.llama_get_embeddings_seq(context, 0), length).ToArray();
    }
}
