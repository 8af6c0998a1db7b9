using System.Text;
using EmbeddedLlm.Interop;

namespace EmbeddedLlm.Native.Tests.Interop;

/// <summary>The starter model driven by nothing but the externs.</summary>
internal sealed unsafe class StarterModel : IDisposable
{
    public StarterModel()
    {
        NativeLibraryLoader.Load();
        Model = ModelHandle.Load(TestPaths.Starter, NativeMethods.llama_model_default_params());
        Assert.False(Model.IsInvalid);
        llama_context_params parameters = NativeMethods.llama_context_default_params();
        parameters.n_seq_max = 2;
        parameters.n_threads = parameters.n_threads_batch = 1;
        Context = ContextHandle.Create(Model, parameters);
        Assert.False(Context.IsInvalid);
    }

    public ModelHandle Model { get; }

    public ContextHandle Context { get; }

    public llama_vocab* Vocab => NativeMethods.llama_model_get_vocab(Model);

    public llama_memory_i* Memory => NativeMethods.llama_get_memory(Context);

    public int[] Tokenize(string text, bool parseSpecial = true)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        int[] tokens = new int[bytes.Length + 2];
        int count = NativeMethods.llama_tokenize(Vocab, bytes, bytes.Length, tokens, tokens.Length, add_special: false, parseSpecial);
        Assert.True(count >= 0);
        return tokens[..count];
    }

    public string Piece(int token)
    {
        Span<byte> piece = stackalloc byte[256];
        return Encoding.UTF8.GetString(piece[..NativeMethods.llama_token_to_piece(Vocab, token, piece, piece.Length, lstrip: 0, special: false)]);
    }

    /// <summary>Decodes tokens at the given first position; output for the last one only.</summary>
    public int Decode(int sequence, int position, params ReadOnlySpan<int> tokens)
    {
        int count = tokens.Length;
        int[] positions = [.. Enumerable.Range(position, count)];
        int[] one = [.. Enumerable.Repeat(1, count)];
        sbyte[] output = new sbyte[count];
        output[^1] = 1;
        int*[] sequences = new int*[count];
        for (int i = 0; i < count; i++)
            sequences[i] = &sequence;

        fixed (int* token = tokens, pos = positions, counts = one)
        fixed (int** ids = sequences)
        fixed (sbyte* logits = output)
        {
            var batch = new llama_batch { n_tokens = count, token = token, pos = pos, n_seq_id = counts, seq_id = ids, logits = logits };
            return NativeMethods.llama_decode(Context, batch);
        }
    }

    public ReadOnlySpan<float> Logits(int index) => new(NativeMethods.llama_get_logits_ith(Context, index), NativeMethods.llama_vocab_n_tokens(Vocab));

    /// <summary>Continues a prompt with the most likely token each time, until the model ends its turn.</summary>
    public string Generate(string prompt, int sequence = 0, int maximum = 64)
    {
        int[] tokens = Tokenize(prompt);
        Assert.Equal(0, Decode(sequence, 0, tokens));
        int position = tokens.Length;
        var text = new StringBuilder();
        for (int i = 0; i < maximum; i++)
        {
            int next = ArgMax(Logits(-1));
            if (NativeMethods.llama_vocab_is_eog(Vocab, next))
                break;
            text.Append(Piece(next));
            Assert.Equal(0, Decode(sequence, position++, next));
        }

        return text.ToString();
    }

    public void Dispose()
    {
        Context.Dispose();
        Model.Dispose();
    }

    internal static int ArgMax(ReadOnlySpan<float> values)
    {
        int best = 0;
        for (int i = 1; i < values.Length; i++)
        {
            if (values[i] > values[best])
                best = i;
        }

        return best;
    }
}
