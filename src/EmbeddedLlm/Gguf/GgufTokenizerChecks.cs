using System.Text.Unicode;

namespace EmbeddedLlm.Gguf;

/// <summary>
/// The tokenizer's tables, checked for what llama.cpp asserts when it loads them (llama-vocab.cpp) and for what its tokenizers take for
/// granted when they are used: an exception there leaves C code, which ends the process as well.
/// </summary>
internal static class GgufTokenizerChecks
{
    /// <summary>The most tokens; real vocabularies have up to 262,144. llama.cpp takes a few hundred bytes for each.</summary>
    public const int MaximumTokens = 4 * 1024 * 1024;

    private const int MaximumTokenBytes = 65_536;

    // The tries of these tokenizers are built by recursion, a call per byte.
    private const int MaximumTrieDepth = 1024;

    private const string TokensKey = "tokenizer.ggml.tokens";
    private const string ScoresKey = "tokenizer.ggml.scores";
    private const string TypesKey = "tokenizer.ggml.token_type";
    private const string MergesKey = "tokenizer.ggml.merges";

    public static void Check(GgufModelKeys keys)
    {
        string model = keys.String("tokenizer.ggml.model") ?? throw GgufModelKeys.Missing("tokenizer.ggml.model");
        if (model is "no_vocab" or "none")
        {
            CheckSize(keys);
            return;
        }

        GgufArray list = keys.Strings(TokensKey) ?? throw GgufModelKeys.Missing(TokensKey);
        if (list.Count is 0 or > MaximumTokens)
            throw keys.Bad(TokensKey, $"has {list.Count:N0} tokens, from 1 to {MaximumTokens:N0} are supported");

        GgufTokenTable tokens = new(list);
        CheckTables(keys, list.Count);
        CheckLengths(list, model is "t5" or "rwkv" or "plamo2" ? MaximumTrieDepth : MaximumTokenBytes);
        if (tokens.Duplicate is (int first, int second))
            throw new GgufFormatException(list.OffsetOf(second), $"the tokens {first:N0} and {second:N0} are the same");

        CheckSpecialTokens(keys, model, list.Count);
        switch (model)
        {
            case "llama":
                CheckBytes(tokens);
                break;
            case "bert":
                CheckHasNoByteTokens(keys, list.Count);
                break;
            case "gpt2" or "hybriddna" or "whitespace" or "gemma4":
                CheckBpe(keys, list, model);
                break;
            case "t5":
                GgufCharacterMapChecks.Check(keys);
                break;
            case "rwkv":
                CheckRwkv(list);
                break;
            case "plamo2":
                CheckPlamo(list);
                break;
        }
    }

    private static void CheckSize(GgufModelKeys keys)
    {
        uint size = keys.UInt32(keys.Key("vocab_size")) ?? 0;
        if (size > MaximumTokens)
            throw keys.Bad(keys.Key("vocab_size"), $"is {size:N0}, the most is {MaximumTokens:N0}");
    }

    private static void CheckTables(GgufModelKeys keys, int count)
    {
        CheckTable(keys, ScoresKey, count, GgufValueType.Float32, GgufValueType.Int32);
        CheckTable(keys, TypesKey, count, GgufValueType.Int32, GgufValueType.Int32);
        if (keys.Strings(MergesKey) is { Count: > MaximumTokens } merges)
            throw keys.Bad(MergesKey, $"has {merges.Count:N0} merges, the most is {MaximumTokens:N0}");
    }

    private static void CheckTable(GgufModelKeys keys, string key, int count, GgufValueType type, GgufValueType otherType)
    {
        if (!keys.TryGetValue(key, out GgufValue value))
            return;
        if (value.Type != GgufValueType.Array || (value.GetArray().ElementType != type && value.GetArray().ElementType != otherType))
            throw keys.Bad(key, $"is not an array of {type}");
        if (value.GetArray().Count < count)
            throw keys.Bad(key, $"has {value.GetArray().Count:N0} elements for {count:N0} tokens");
    }

    private static void CheckLengths(GgufArray tokens, int maximum)
    {
        GgufStrings strings = tokens.Strings;
        for (int id = 0; id < strings.Count; id++)
        {
            if (strings.Length(id) > maximum)
                throw new GgufFormatException(tokens.OffsetOf(id), $"the token {id:N0} is longer than {maximum:N0} bytes");
        }
    }

    // A tokenizer that is to add a token asserts that there is one. Numbers that are no token are passed over, as if they were not there.
    private static void CheckSpecialTokens(GgufModelKeys keys, string model, int count)
    {
        string? pre = model == "gemma4" ? "gemma4" : keys.String("tokenizer.ggml.pre");
        bool isBpe = model is "gpt2" or "hybriddna" or "whitespace" or "gemma4";
        bool hasNoDefaultBos = pre is "glm4" or "chatglm-bpe";
        (int bos, int eos) = model switch
        {
            "llama" or "plamo2" => (1, 2),
            "bert" => (101, -1),
            "t5" => (-1, 1),
            "rwkv" => (-1, -1),
            "gemma4" => (-1, -1),
            _ => (hasNoDefaultBos && isBpe ? -1 : 11, 11),
        };

        bool addsBos = keys.Boolean("tokenizer.ggml.add_bos_token") ?? (model == "llama" || (isBpe && !hasNoDefaultBos));
        bool addsEos = keys.Boolean("tokenizer.ggml.add_eos_token") ?? model == "t5";
        bool hasBos = IsToken(keys, "tokenizer.ggml.bos_token_id", bos, count);
        bool hasEos = IsToken(keys, "tokenizer.ggml.eos_token_id", eos, count);
        bool hasSeparator = IsToken(keys, "tokenizer.ggml.seperator_token_id", model == "bert" ? 102 : -1, count);

        if (model == "bert" && !(hasBos && hasSeparator))
            throw keys.Bad("tokenizer.ggml.model", "is 'bert', whose texts begin and end with tokens that are missing");
        if ((addsBos || pre is "gemma4" or "granite-embed-multi-311m") && !hasBos && model is not ("rwkv" or "plamo2" or "bert"))
            throw keys.Bad("tokenizer.ggml.bos_token_id", "is missing or no token, and every text begins with it");
        if (addsEos && !hasEos && model is not ("rwkv" or "plamo2" or "bert"))
            throw keys.Bad("tokenizer.ggml.eos_token_id", "is missing or no token, and every text ends with it");
    }

    private static bool IsToken(GgufModelKeys keys, string key, int defaultId, int count) =>
        keys.UInt32(key) is uint id && id < count || (uint)defaultId < (uint)count;

    // What is in no token is written as bytes, and each byte is looked up without a look at whether it was found.
    private static void CheckBytes(GgufTokenTable tokens)
    {
        Span<byte> escaped = stackalloc byte[6];
        for (int value = 0; value < 256; value++)
        {
            Utf8.TryWrite(escaped, $"<0x{value:X2}>", out _);
            if (!tokens.Contains(escaped) && (value == 0 || !tokens.Contains([(byte)value])))
                throw new GgufFormatException(0, $"there is no token for the byte 0x{value:X2}, neither '<0x{value:X2}>' nor itself");
        }
    }

    private static void CheckHasNoByteTokens(GgufModelKeys keys, int count)
    {
        const int ByteToken = 6;
        if (!keys.TryGetValue(TypesKey, out GgufValue types))
            return;

        for (int id = 0; id < count; id++)
        {
            if (types.GetArray().GetInteger(id) == ByteToken)
                throw keys.Bad(TypesKey, $"makes the token {id:N0} a byte, which the tokenizer 'bert' has no use for");
        }
    }

    private static void CheckBpe(GgufModelKeys keys, GgufArray tokens, string model)
    {
        // Only the tokenizer of this name drops the spaces that merging asserts not to meet.
        if (model != "whitespace" && model != "gemma4" && keys.String("tokenizer.ggml.pre") == "whitespace")
            throw keys.Bad("tokenizer.ggml.pre", $"is 'whitespace', which does not go with the tokenizer '{model}'");

        // Each character that stands for no byte is replaced by a note that contains the whole token.
        const long MaximumExpansion = 256L * 1024 * 1024;
        const int NoteLength = 24;
        GgufStrings strings = tokens.Strings;
        long most = 0;
        for (int id = 0; id < strings.Count; id++)
            most += (long)strings.Length(id) * (strings.Length(id) + NoteLength);
        if (most <= MaximumExpansion)
            return;

        long expansion = 0;
        for (int id = 0; id < strings.Count; id++)
            expansion += (long)CountCharactersThatAreNoBytes(strings[id]) * (strings.Length(id) + NoteLength);

        if (expansion > MaximumExpansion)
            throw keys.Bad(TokensKey, "has long tokens of characters that stand for no bytes");
    }

    private static int CountCharactersThatAreNoBytes(ReadOnlySpan<byte> token)
    {
        int count = 0;
        foreach (byte value in token)
            count += value is < 0x21 or 0x7F or > 0xC5 ? 1 : 0;

        return count;
    }

    // The longest match is looked for from the first byte on; where even that byte alone is no token, the search begins again at the
    // start of the text.
    private static void CheckRwkv(GgufArray tokens)
    {
        bool[] isFirst = new bool[256];
        bool[] isToken = new bool[256];
        for (int id = 0; id < tokens.Count; id++)
        {
            (byte? first, bool isWhole) = FirstRwkvByte(UntilZero(tokens.GetUtf8(id)));
            if (first is not { } value)
                continue;

            isFirst[value] = true;
            isToken[value] |= isWhole;
        }

        for (int value = 0; value < 256; value++)
        {
            if (isFirst[value] && !isToken[value])
                throw new GgufFormatException(0, $"there are tokens that begin with the byte 0x{value:X2}, but none for the byte itself");
        }
    }

    /// <summary>
    /// The first byte of a token with its escapes undone, and whether it is all of it. An escape that is not complete is nothing.
    /// </summary>
    private static (byte? First, bool IsWhole) FirstRwkvByte(ReadOnlySpan<byte> escaped)
    {
        if (escaped.IsEmpty)
            return (null, false);
        if (escaped[0] != (byte)'\\')
            return (escaped[0], escaped.Length == 1);
        if (escaped.Length == 1)
            return (null, false);
        if (escaped[1] != (byte)'x')
            return (Unescape(escaped[1]), escaped.Length == 2);
        if (escaped.Length < 4)
            return (null, false);

        return ((byte)((HexDigit(escaped[2]) << 4) + HexDigit(escaped[3])), escaped.Length == 4);
    }

    private static byte Unescape(byte letter) => letter switch
    {
        (byte)'t' => (byte)'\t',
        (byte)'n' => (byte)'\n',
        (byte)'r' => (byte)'\r',
        _ => letter,
    };

    // As llama.cpp reads them, upper case and everything else included.
    private static int HexDigit(byte character) => (byte)(character >= 'a' ? character - 'a' + 10 : character - '0');

    // The table of suffixes is looked up by characters, so what is no character would lead past the end of the text.
    private static void CheckPlamo(GgufArray tokens)
    {
        const long MaximumWork = 256L * 1024 * 1024;
        long work = 0;
        for (int id = 0; id < tokens.Count; id++)
        {
            ReadOnlySpan<byte> token = UntilZero(tokens.GetUtf8(id));
            work += (long)token.Length * token.Length;
            if (!Utf8.IsValid(token))
                throw new GgufFormatException(tokens.OffsetOf(id), $"the token {id:N0} is not valid UTF-8");
        }

        if (work > MaximumWork)
            throw new GgufFormatException(tokens.OffsetOf(0), "the tokens are too long for the tokenizer 'plamo2'");
    }

    internal static ReadOnlySpan<byte> UntilZero(ReadOnlySpan<byte> utf8) => utf8.IndexOf((byte)0) is var end and >= 0 ? utf8[..end] : utf8;
}
