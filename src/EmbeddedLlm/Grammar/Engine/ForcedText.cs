using System.Text;
using EmbeddedLlm.Tokens;

namespace EmbeddedLlm.Grammars;

/// <summary>Finds the tokens of text that a grammar leaves no choice about.</summary>
internal static class ForcedText
{
    /// <summary>Forced text is taken in pieces of this many bytes.</summary>
    private const int PieceLength = 512;

    /// <summary>
    /// How many tokens at the end are tried for a longer one that spans them. A text cut where the grammar leaves off would have tokens there that the model never
    /// saw in that place. That it is enough to look at the last four is llguidance's experience.
    /// </summary>
    private const int SpanLimit = 4;

    /// <summary>The tokens of the text that must follow a configuration; none where the vocabulary's tokens do not give its bytes back.</summary>
    public static int[] Tokenize(GrammarVocabulary vocabulary, Configuration start, Func<string, int[]> tokenize)
    {
        Span<byte> bytes = stackalloc byte[PieceLength];
        Configuration end = start;
        int count = 0;
        while (count < bytes.Length && end.ForcedByte is >= 0 and int next && end.Next((byte)next) is { } after)
        {
            bytes[count++] = (byte)next;
            end = after;
        }

        // A character may be begun and not finished, where several characters are possible that begin alike.
        int whole = WholeCharacters(bytes[..count]);
        if (whole < count)
        {
            count = whole;
            end = start;
            foreach (byte next in bytes[..count])
                end = end.Next(next)!;
        }

        ReadOnlySpan<byte> text = bytes[..count];
        if (Tokens(vocabulary.Vocabulary, text, tokenize) is not { } tokens)
            return [];
        return end.Items.Length == 0 ? tokens : tokens[..Settled(vocabulary, tokens, text, end)];
    }

    /// <summary>How many of the tokens stay as they are whatever follows.</summary>
    private static int Settled(GrammarVocabulary vocabulary, int[] tokens, ReadOnlySpan<byte> text, Configuration end)
    {
        int settled = tokens.Length;
        int begin = text.Length;
        for (int i = tokens.Length - 1; i >= Math.Max(0, tokens.Length - SpanLimit); i--)
        {
            begin -= vocabulary.Vocabulary.BytesOf(tokens[i]).Length;
            int node = vocabulary.Trie.Find(text[begin..]);
            if (node < 0)
                continue;
            TokenCollector longer = new(vocabulary.TokenCount);
            TrieWalk.RunUnder(vocabulary.Trie, node, end, longer);
            if (!longer.IsEmpty)
                settled = i;
        }

        return settled;
    }

    /// <summary>The tokens of a text that does not begin anything; null where the tokenizer does not give it back.</summary>
    private static int[]? Tokens(Vocabulary vocabulary, ReadOnlySpan<byte> text, Func<string, int[]> tokenize)
    {
        string characters = Encoding.UTF8.GetString(text);
        int[] tokens = tokenize(characters);
        if (GivesBack(vocabulary, tokens, text))
            return tokens;

        // SentencePiece puts a space in front of every text. Behind a line break, which is a token of its own, that space is out of the way.
        tokens = tokenize("\n" + characters);
        int behind = 0;
        while (behind < tokens.Length && !GivesBack(vocabulary, tokens.AsSpan(behind), text))
            behind++;
        return behind < tokens.Length ? tokens[behind..] : null;
    }

    private static bool GivesBack(Vocabulary vocabulary, ReadOnlySpan<int> tokens, ReadOnlySpan<byte> text)
    {
        foreach (int token in tokens)
        {
            ReadOnlySpan<byte> bytes = vocabulary.TextBytesOf(token);
            if (bytes.IsEmpty || !text.StartsWith(bytes))
                return false;
            text = text[bytes.Length..];
        }

        return text.IsEmpty;
    }

    private static int WholeCharacters(ReadOnlySpan<byte> bytes)
    {
        int position = 0;
        while (position < bytes.Length && Rune.DecodeFromUtf8(bytes[position..], out _, out int length) == System.Buffers.OperationStatus.Done)
            position += length;
        return position;
    }
}
