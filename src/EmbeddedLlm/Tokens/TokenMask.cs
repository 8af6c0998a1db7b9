using System.Numerics;

namespace EmbeddedLlm.Tokens;

/// <summary>Sets of tokens as one bit per token, lowest first; 64 tokens a word, [⌈tokens / 64⌉].</summary>
internal static class TokenMask
{
    /// <summary>The number of words for a vocabulary.</summary>
    public static int WordsFor(int tokens) => (tokens + 63) / 64;

    public static bool Contains(ReadOnlySpan<ulong> mask, int token) => (mask[token >> 6] >> (token & 63) & 1) != 0;

    public static void Add(Span<ulong> mask, int token) => mask[token >> 6] |= 1UL << (token & 63);

    public static void Remove(Span<ulong> mask, int token) => mask[token >> 6] &= ~(1UL << (token & 63));

    public static void Add(Span<ulong> mask, ReadOnlySpan<int> tokens)
    {
        foreach (int token in tokens)
            mask[token >> 6] |= 1UL << (token & 63);
    }

    /// <summary>Adds all tokens of another mask of the same length.</summary>
    public static void Union(Span<ulong> mask, ReadOnlySpan<ulong> other)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(other.Length, mask.Length);
        int i = 0;
        for (; i <= mask.Length - Vector<ulong>.Count; i += Vector<ulong>.Count)
            (new Vector<ulong>(mask[i..]) | new Vector<ulong>(other[i..])).CopyTo(mask[i..]);
        for (; i < mask.Length; i++)
            mask[i] |= other[i];
    }
}
