using System.Buffers;
using EmbeddedLlm.Interop;
using EmbeddedLlm.Tokens;

namespace EmbeddedLlm.Runtime;

/// <summary>Copies a model's tokens out of llama.cpp once, so that no native call is needed to turn a token into bytes.</summary>
internal static unsafe class VocabularyReader
{
    public static Vocabulary Read(ModelHandle model)
    {
        llama_vocab* vocab = NativeMethods.llama_model_get_vocab(model);
        int count = NativeMethods.llama_vocab_n_tokens(vocab);
        ArrayBufferWriter<byte> bytes = new(count * 8);
        int[] offsets = new int[count + 1];
        TokenKind[] kinds = new TokenKind[count];
        for (int token = 0; token < count; token++)
        {
            Write(vocab, token, bytes);
            offsets[token + 1] = bytes.WrittenCount;
            kinds[token] = KindOf(vocab, token);
        }

        return new Vocabulary(bytes.WrittenSpan.ToArray(), offsets, kinds);
    }

    private static void Write(llama_vocab* vocab, int token, ArrayBufferWriter<byte> bytes)
    {
        int length = 64;
        while (true)
        {
            Span<byte> free = bytes.GetSpan(length);
            int written = NativeMethods.llama_token_to_piece(vocab, token, free, free.Length, lstrip: 0, special: true);
            if (written >= 0)
            {
                bytes.Advance(written);
                return;
            }

            length = -written;
        }
    }

    private static TokenKind KindOf(llama_vocab* vocab, int token)
    {
        if (NativeMethods.llama_vocab_is_eog(vocab, token))
            return TokenKind.EndOfGeneration;
        llama_token_attr attributes = NativeMethods.llama_vocab_get_attr(vocab, token);
        return (attributes & (llama_token_attr.CONTROL | llama_token_attr.UNKNOWN)) != 0 ? TokenKind.Control : TokenKind.Text;
    }
}
