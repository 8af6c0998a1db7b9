using System.Runtime.InteropServices;
using EmbeddedLlm.Tokens;

namespace EmbeddedLlm.Grammars;

/// <summary>Tests the tokens of a trie against an automaton or a configuration, in one pass.</summary>
internal static class TrieWalk
{
    /// <summary>Finds the tokens of a band, the shorter ones left out, that stay inside an automaton, and the places in tokens where it ends.</summary>
    /// <param name="band">The tokens.</param>
    /// <param name="start">The automaton's state before the token.</param>
    /// <param name="inside">Gets the tokens at whose end the automaton can go on.</param>
    /// <param name="endings">Gets, by label, the nodes of the band's trie at which the automaton ends. Those within the length of the shorter tokens are left out: with these are all that begin alike.</param>
    public static void Run(TokenBand band, LexicalState start, TokenCollector inside, Dictionary<int, List<int>> endings)
    {
        ByteSet first = start.Bytes;
        (LexicalState State, int Until)[] above = new (LexicalState, int)[band.MaxBytes];
        while (!first.IsEmpty)
        {
            byte next = first.TakeFirst();
            if (band.Trie.Root(next) is >= 0 and int root)
                Run(band, root, start, above, inside, endings);
        }
    }

    /// <summary>Finds the tokens that can come in a configuration.</summary>
    /// <param name="trie">The tokens, or what is left of them.</param>
    /// <param name="start">The configuration before.</param>
    /// <param name="allowed">Gets the tokens.</param>
    public static void Run(TokenTrie trie, Configuration start, TokenCollector allowed)
    {
        ByteSet first = start.Bytes;
        while (!first.IsEmpty)
        {
            byte next = first.TakeFirst();
            if (trie.Root(next) is >= 0 and int root)
                Run(trie, root, trie.Ends[root], start, allowed);
        }
    }

    /// <summary>The same for the nodes under one node, whose text has led to the configuration.</summary>
    public static void RunUnder(TokenTrie trie, int node, Configuration start, TokenCollector allowed) =>
        Run(trie, node + 1, trie.Ends[node], start, allowed);

    private static void Run(TokenBand band, int root, LexicalState start, (LexicalState State, int Until)[] above, TokenCollector inside, Dictionary<int, List<int>> endings)
    {
        TokenTrie trie = band.Trie;
        ReadOnlySpan<byte> bytes = trie.Bytes;
        ReadOnlySpan<int> ends = trie.Ends;
        LexicalState state = start;
        int node = root, until = ends[root], depth = 0;
        while (true)
        {
            // The nodes under a state come before its end; there the walk goes back to the state before.
            while (node == until)
            {
                if (--depth < 0)
                    return;
                (state, until) = above[depth];
            }

            int end = ends[node];
            LexicalState? next = state.Next(bytes[node]);
            if (next is null)
            {
                node = end;
                continue;
            }

            if (next.IsAccepting && depth >= band.MinBytes - 1)
                Nodes(endings, next.Label).Add(node);
            if (!next.CanContinue)
            {
                node = end;
                continue;
            }

            inside.Add(trie.TokensOf(node));
            // Most nodes have none under them, or only such as are passed over.
            if (end == ++node || depth == band.MaxBytes - 1)
            {
                node = end;
                continue;
            }

            above[depth++] = (state, until);
            (state, until) = (next, end);
        }
    }

    private static void Run(TokenTrie trie, int node, int end, Configuration start, TokenCollector allowed)
    {
        ReadOnlySpan<byte> bytes = trie.Bytes;
        ReadOnlySpan<int> ends = trie.Ends;
        Stack<(Configuration Configuration, int Until)> above = new();
        Configuration configuration = start;
        int until = end;
        while (true)
        {
            while (node == until)
            {
                if (!above.TryPop(out (Configuration Configuration, int Until) parent))
                    return;
                (configuration, until) = parent;
            }

            Configuration? next = configuration.Next(bytes[node]);
            if (next is null)
            {
                node = ends[node];
                continue;
            }

            allowed.Add(trie.TokensOf(node));
            above.Push((configuration, until));
            configuration = next;
            until = ends[node];
            node++;
        }
    }

    private static List<int> Nodes(Dictionary<int, List<int>> endings, int label)
    {
        ref List<int>? nodes = ref CollectionsMarshal.GetValueRefOrAddDefault(endings, label, out _);
        return nodes ??= [];
    }
}
