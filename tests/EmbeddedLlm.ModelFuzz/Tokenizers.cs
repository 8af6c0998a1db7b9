using System.Globalization;
using EmbeddedLlm.Gguf;

namespace EmbeddedLlm.ModelFuzz;

/// <summary>Small vocabularies of the tokenizers that the synthetic models do not have.</summary>
internal static class Tokenizers
{
    private const int Normal = 1, Unknown = 2, Control = 3, Byte = 6;

    private static readonly string[] Words = ["▁", "▁the", "▁Hello", "Hello", "he", "ll", "lo", "llo", "▁w", "or", "ld", "12", "123", ".", ",", "!", "日", "日本", "ö", "\n"];

    private static IEnumerable<string> Letters => Enumerable.Range(' ', '~' - ' ' + 1).Select(letter => ((char)letter).ToString());

    private static IEnumerable<string> Bytes => Enumerable.Range(0, 256).Select(value => $"<0x{value:X2}>");

    /// <summary>SentencePiece: scores, and a token for each byte.</summary>
    public static IReadOnlyList<RawKey> SentencePiece() => Scored("llama", ["<unk>", "<s>", "</s>"], Bytes);

    /// <summary>Unigram: scores, bytes, and no table of characters.</summary>
    public static IReadOnlyList<RawKey> Unigram() =>
        [.. Scored("t5", ["<pad>", "</s>", "<unk>"], Bytes), RawKey.OfArray("tokenizer.ggml.precompiled_charsmap", GgufValueType.Int8, CharacterMap())];

    /// <summary>PLaMo 2: scores and bytes.</summary>
    public static IReadOnlyList<RawKey> Plamo() => Scored("plamo2", ["<|plamo:unk|>", "<|plamo:bos|>", "<|plamo:eos|>"], Bytes);

    /// <summary>RWKV: escaped bytes, and some longer tokens.</summary>
    public static IReadOnlyList<RawKey> Rwkv()
    {
        IEnumerable<string> bytes = Enumerable.Range(0, 256).Select(value => value is >= 'A' and <= 'z' and not '\\' ? ((char)value).ToString() : string.Create(CultureInfo.InvariantCulture, $"\\x{value:x2}"));
        string[] tokens = ["<s>", .. bytes, "Hello", "He", "world", "wor", "12", "123"];
        return
        [
            RawKey.Of("tokenizer.ggml.model", "rwkv"),
            RawKey.Of("tokenizer.ggml.tokens", tokens),
            RawKey.Of("tokenizer.ggml.token_type", tokens.Select((_, id) => id == 0 ? Control : Normal)),
            RawKey.Of("tokenizer.ggml.eos_token_id", 0u),
        ];
    }

    // A double array of one node block, in which no character leads anywhere.
    private static byte[] CharacterMap()
    {
        byte[] nodes = new byte[512 * sizeof(uint)];
        return [.. BitConverter.GetBytes(nodes.Length), .. nodes, 0];
    }

    private static RawKey[] Scored(string model, string[] special, IEnumerable<string> bytes)
    {
        string[] byteTokens = [.. bytes];
        string[] tokens = [.. special, .. byteTokens, .. Letters, .. Words.Except(Letters)];
        int firstNormal = special.Length + byteTokens.Length;
        IEnumerable<int> types = tokens.Select((token, id) => token.Contains("unk", StringComparison.Ordinal) ? Unknown : id < special.Length ? Control : id < firstNormal ? Byte : Normal);
        return
        [
            RawKey.Of("tokenizer.ggml.model", model),
            RawKey.Of("tokenizer.ggml.pre", "default"),
            RawKey.Of("tokenizer.ggml.tokens", tokens),
            RawKey.Of("tokenizer.ggml.scores", tokens.Select((token, id) => id < firstNormal ? 0f : -(float)id / (token.Length + 1))),
            RawKey.Of("tokenizer.ggml.token_type", types),
            RawKey.Of("tokenizer.ggml.unknown_token_id", (uint)Array.FindIndex(special, token => token.Contains("unk", StringComparison.Ordinal))),
            RawKey.Of("tokenizer.ggml.bos_token_id", 1u),
            RawKey.Of("tokenizer.ggml.eos_token_id", model == "t5" ? 1u : 2u),
        ];
    }
}
