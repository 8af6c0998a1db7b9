using System.Text;
using EmbeddedLlm.Tokens;

namespace EmbeddedLlm.Tests.Tokens;

public sealed class TokenTrieTests
{
    private static readonly string[] Texts = ["a", "ab", "abc", "b", "", "ab", "\"", "\",", "a\",x", "b\",y", "é"];

    [Fact]
    public void EachTokenIsAtTheNodeOfItsBytes()
    {
        Vocabulary vocabulary = VocabularyOf(Texts);
        TokenTrie trie = TokenTrie.Create(vocabulary, Enumerable.Range(0, Texts.Length));
        for (int token = 0; token < Texts.Length; token++)
        {
            if (Texts[token].Length > 0)
                Assert.Contains(token, trie.TokensOf(trie.Find(Encoding.UTF8.GetBytes(Texts[token]))).ToArray());
        }
    }

    [Fact]
    public void TokensWithTheSameBytesShareANode()
    {
        TokenTrie trie = TokenTrie.Create(VocabularyOf(Texts), Enumerable.Range(0, Texts.Length));
        Assert.Equal([1, 5], trie.TokensOf(trie.Find("ab"u8)).ToArray());
    }

    [Fact]
    public void ATextThatBeginsNoTokenHasNoNode()
    {
        TokenTrie trie = TokenTrie.Create(VocabularyOf(Texts), Enumerable.Range(0, Texts.Length));
        Assert.Equal(-1, trie.Find("x"u8));
        Assert.Equal(-1, trie.Find("abcd"u8));
        Assert.True(trie.Find("a\""u8) >= 0);
    }

    [Fact]
    public void ANodesEndIsTheNodeAfterItsDescendants()
    {
        TokenTrie trie = TokenTrie.Create(VocabularyOf(Texts), Enumerable.Range(0, Texts.Length));
        int nodes = 0;
        for (int node = 0; node < trie.Count; node = trie.Ends[node])
        {
            Assert.Equal(node, trie.Root(trie.Bytes[node]));
            nodes++;
        }

        Assert.Equal(4, nodes);
        Assert.Equal(-1, trie.Root((byte)'z'));
        Assert.Equal(4, trie.Depth);
    }

    [Fact]
    public void SuffixesAreWhatComesAfterTheGivenNodes()
    {
        TokenTrie trie = TokenTrie.Create(VocabularyOf(Texts), Enumerable.Range(0, Texts.Length));
        TokenTrie suffixes = TokenTrie.Suffixes(trie, [trie.Find("\""u8), trie.Find("a\""u8), trie.Find("b\""u8)]);
        Assert.Equal([7], suffixes.TokensOf(suffixes.Find(","u8)).ToArray());
        Assert.Equal([8], suffixes.TokensOf(suffixes.Find(",x"u8)).ToArray());
        Assert.Equal([9], suffixes.TokensOf(suffixes.Find(",y"u8)).ToArray());
        Assert.Equal(3, suffixes.Count);
    }

    /// <summary>Against the plain definition, with texts that share much.</summary>
    [Fact]
    public void RandomVocabulariesAreFoundWhole()
    {
        Random random = new(1);
        string[] texts = [.. Enumerable.Range(0, 2000).Select(_ => new string([.. Enumerable.Range(0, random.Next(0, 6)).Select(_ => (char)('a' + random.Next(3)))]))];
        TokenTrie trie = TokenTrie.Create(VocabularyOf(texts), Enumerable.Range(0, texts.Length));
        foreach (IGrouping<string, int> same in Enumerable.Range(0, texts.Length).Where(token => texts[token].Length > 0).GroupBy(token => texts[token]))
            Assert.Equal(same.Order(), trie.TokensOf(trie.Find(Encoding.UTF8.GetBytes(same.Key))).ToArray());
    }

    internal static Vocabulary VocabularyOf(string[] texts)
    {
        byte[][] bytes = [.. texts.Select(Encoding.UTF8.GetBytes)];
        int[] offsets = new int[texts.Length + 1];
        for (int i = 0; i < texts.Length; i++)
            offsets[i + 1] = offsets[i] + bytes[i].Length;
        return new Vocabulary([.. bytes.SelectMany(text => text)], offsets, [.. texts.Select(text => text.Length > 0 ? TokenKind.Text : TokenKind.Control)]);
    }
}
