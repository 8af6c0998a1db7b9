using EmbeddedLlm.Tokens;

namespace EmbeddedLlm.Grammars;

/// <summary>
/// Which tokens a lexical state takes, apart from what waits for the automaton's end: those that stay inside it are known for good, those that end it are kept by what is left of
/// them after its end. Immutable, shared by all configurations and grammars with the state.
/// </summary>
internal sealed class StateMask
{
    /// <summary>Up to so many tokens are listed beside a mask, so that it can be shared; more are quicker written within a mask.</summary>
    private const int ListedLimit = 64;

    /// <summary>The tokens that stay inside the automaton: a mask where they are many, else empty.</summary>
    public required ulong[] Bits { get; init; }

    /// <summary>The same where they are few, and such as are not in the mask.</summary>
    public required int[] Tokens { get; init; }

    /// <summary>The tokens that end the automaton, by the label it ends with.</summary>
    public required Ending[] Endings { get; init; }

    /// <summary>The mask of no tokens.</summary>
    public static StateMask None { get; } = new() { Bits = [], Tokens = [], Endings = [] };

    /// <summary>The memory in bytes, about.</summary>
    public long Size => 64 + Bits.Length * sizeof(ulong) + Tokens.Length * sizeof(int) + Endings.Sum(ending => ending.Size);

    /// <summary>The mask of these tokens and of others. What is many is shared where little comes to it.</summary>
    /// <param name="inside">Tokens that stay inside the automaton; used up.</param>
    /// <param name="endings">Such as end it.</param>
    public StateMask With(TokenCollector inside, IEnumerable<Ending> endings)
    {
        Ending[] allEndings = [.. Endings, .. endings];
        if (inside.IsEmpty && allEndings.Length == Endings.Length)
            return this;
        (ulong[] bits, int[] tokens) = inside.Take();
        if (bits.Length == 0 && Bits.Length > 0 && Tokens.Length + tokens.Length <= ListedLimit)
            return new StateMask { Bits = Bits, Tokens = [.. Tokens, .. tokens], Endings = allEndings };

        inside.Add(Tokens);
        if (Bits.Length > 0)
            inside.Add(Bits.AsSpan());
        (bits, tokens) = inside.Take();
        return new StateMask { Bits = bits, Tokens = tokens, Endings = allEndings };
    }

    /// <summary>The tokens within which the automaton ends with one label.</summary>
    /// <param name="Label">The label.</param>
    /// <param name="Whole">The tokens that end just where the automaton does.</param>
    /// <param name="Suffixes">The others, by what comes after the automaton's end; null where they are too many for a trie of their own.</param>
    /// <param name="Trie">The trie in which the automaton ends at some nodes.</param>
    /// <param name="Nodes">Those nodes; used where there is no trie of suffixes.</param>
    public readonly record struct Ending(int Label, int[] Whole, TokenTrie? Suffixes, TokenTrie Trie, int[] Nodes)
    {
        public long Size => 16 + Whole.Length * sizeof(int) + (Suffixes?.Size ?? 0) + Nodes.Length * sizeof(int);
    }
}

/// <summary>Which tokens can come in a configuration, as parts shared with other configurations and a few tokens of its own. Immutable.</summary>
internal sealed class ConfigurationMask
{
    /// <summary>The masks of the automata in progress.</summary>
    public required StateMask[] Parts { get; init; }

    /// <summary>Tokens beside those: such as end one automaton and go on with what comes after it. A mask where they are many, else empty.</summary>
    public required ulong[] Bits { get; init; }

    /// <summary>The same where they are few.</summary>
    public required int[] Tokens { get; init; }

    /// <summary>Writes the mask.</summary>
    /// <param name="mask">One bit per token.</param>
    public void Write(Span<ulong> mask)
    {
        ReadOnlySpan<ulong> first = Bits;
        foreach (StateMask part in Parts)
        {
            if (first.IsEmpty)
                first = part.Bits;
        }

        if (first.IsEmpty)
            mask.Clear();
        else
            first.CopyTo(mask);
        foreach (StateMask part in Parts)
        {
            if (part.Bits.Length > 0 && first != part.Bits)
                TokenMask.Union(mask, part.Bits);
            TokenMask.Add(mask, part.Tokens);
        }

        TokenMask.Add(mask, Tokens);
    }
}
