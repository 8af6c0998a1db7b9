using System.Runtime.InteropServices;
using EmbeddedLlm.Tokens;

namespace EmbeddedLlm.Grammars;

/// <summary>Tests the tokens of a trie against an automaton or a configuration, in one pass.</summary>
internal static class TrieWalk
{
    /// <summary>Finds the tokens that stay inside an automaton, and the places in tokens where it ends.</summary>
    /// <param name="trie">The tokens.</param>
    /// <param name="start">The automaton's state before the token.</param>
    /// <param name="inside">Gets the tokens at whose end the automaton can go on.</param>
    /// <param name="endings">Gets, by label and trie, the nodes at which the automaton ends.</param>
    public static void Run(TokenTrie trie, LexicalState start, TokenCollector inside, Dictionary<int, Dictionary<TokenTrie, List<int>>> endings)
    {
        ByteSet first = start.Bytes;
        LexicalState[] states = new LexicalState[trie.Depth + 1];
        int[] until = new int[trie.Depth + 1];
        states[0] = start;
        while (!first.IsEmpty)
        {
            byte next = first.TakeFirst();
            if (trie.Root(next) is >= 0 and int root)
                Run(trie, root, states, until, inside, endings);
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

    private static void Run(
        TokenTrie trie, int root, LexicalState[] states, int[] until, TokenCollector inside, Dictionary<int, Dictionary<TokenTrie, List<int>>> endings)
    {
        ReadOnlySpan<byte> bytes = trie.Bytes;
        ReadOnlySpan<int> ends = trie.Ends;
        until[0] = ends[root];
        int depth = 0;
        int node = root;
        while (true)
        {
            // The nodes under the state on top come before its end; there the walk goes back to the state before.
            while (node == until[depth])
            {
                if (--depth < 0)
                    return;
            }

            LexicalState? next = states[depth].Next(bytes[node]);
            if (next is null)
            {
                node = ends[node];
                continue;
            }

            if (next.IsAccepting)
                Nodes(endings, next.Label, trie).Add(node);
            if (!next.CanContinue)
            {
                node = ends[node];
                continue;
            }

            inside.Add(trie.TokensOf(node));
            states[++depth] = next;
            until[depth] = ends[node];
            node++;
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

    private static List<int> Nodes(Dictionary<int, Dictionary<TokenTrie, List<int>>> endings, int label, TokenTrie trie)
    {
        ref Dictionary<TokenTrie, List<int>>? byTrie = ref CollectionsMarshal.GetValueRefOrAddDefault(endings, label, out _);
        ref List<int>? nodes = ref CollectionsMarshal.GetValueRefOrAddDefault(byTrie ??= [], trie, out _);
        return nodes ??= [];
    }
}
