using System.Runtime.InteropServices;

namespace EmbeddedLlm.Grammars;

/// <summary>What is found where a key ends.</summary>
/// <param name="Name">The index of the name, or -1 for a key that is not among the names.</param>
/// <param name="Patterns">The patterns that match the key; bit i is pattern i.</param>
internal readonly record struct KeyMatch(int Name, ulong Patterns);

/// <summary>
/// The keys of one kind of object: names, and others that a language holds; told apart by what is to be known about their values. Immutable and thread-safe.
/// </summary>
/// <remarks>
/// Names are a tree, in which each state knows the labels that can still come; a state is that place in the tree, or outside of it a state of the patterns' common automaton, together
/// with those of the allowed labels that it can reach. So what is left to read does not depend on what has been ruled out elsewhere.
/// </remarks>
internal sealed class JsonKeys
{
    /// <summary>How many states are kept before all are forgotten, and made anew when they are needed again.</summary>
    private const int KeptLimit = 100_000;

    /// <summary>No place in the tree.</summary>
    private const int Outside = -1;

    private readonly TextTrie _trie;
    private readonly KeyProduct _product;
    private readonly TextEncoder _encoder;
    private readonly KeyMatch[] _matches;

    /// <summary>For each node the product's state there, or -1.</summary>
    private readonly int[] _productAt;

    /// <summary>[nodes × words of outcomes]: the outcomes of keys that are no names, and go through a node.</summary>
    private readonly ulong[] _outcomesBelow;

    /// <summary>For each of the product's outcomes its label, or -1 where no key has it.</summary>
    private readonly int[] _labelOf;
    private readonly Dictionary<(int Node, int Product, KeyChoice Allowed), Key> _states = [];
    private readonly Dictionary<KeyChoice, bool[]> _free = [];

    /// <param name="names">The names; one that comes twice has the first one's index. Those with half of a surrogate pair are never found, as no text has one.</param>
    /// <param name="patterns">At most 64.</param>
    /// <param name="others">The keys that are allowed beside the names.</param>
    /// <param name="anySpelling">Whether a key may be spelled in every way that JSON has; otherwise each has one spelling.</param>
    /// <param name="isBare">Whether keys are written as they are, without quotes and escapes.</param>
    /// <exception cref="PatternNotSupportedException">The patterns together need too many states.</exception>
    public JsonKeys(string[] names, TextAutomaton[] patterns, TextAutomaton others, bool anySpelling, bool isBare = false)
    {
        if (patterns.Length > 64)
            throw new PatternNotSupportedException($"An object's keys have {patterns.Length} patterns; at most 64 are supported.");
        _encoder = isBare ? PlainEncoder.Instance : anySpelling ? JsonEncoder.AnySpelling : JsonEncoder.OneSpelling;
        int[] kept = [.. Enumerable.Range(0, names.Length).Where(i => TextAutomaton.IsText(names[i])).DistinctBy(i => names[i])];
        _trie = new TextTrie(kept.Select(i => names[i]));
        _product = KeyProduct.Create(patterns, others);
        List<KeyMatch> matches = [.. _trie.Order.ToArray().Select(place => new KeyMatch(kept[place], Match(names[kept[place]], patterns)))];
        _productAt = new int[_trie.NodeCount];
        _outcomesBelow = new ulong[_trie.NodeCount * _product.Words];
        _labelOf = new int[_product.Patterns.Length];
        FollowNames();
        FindOutcomes();

        ulong[] possible = _trie.IsEmpty
            ? _product.Start < 0 ? new ulong[_product.Words] : _product.Reachable[.._product.Words]
            : _outcomesBelow[.._product.Words];
        for (int outcome = 0; outcome < _labelOf.Length; outcome++)
        {
            _labelOf[outcome] = -1;
            if ((possible[outcome / 64] >> outcome & 1) == 0)
                continue;
            _labelOf[outcome] = matches.Count;
            matches.Add(new KeyMatch(-1, _product.Patterns[outcome]));
        }

        _matches = [.. matches];
    }

    /// <summary>The keys that can be told from what is around them where they are written as they are.</summary>
    public static TextAutomaton Bare { get; } = TextAutomaton.FromPattern("""^[^\s\p{Cc}{}\[\](),:"'<>]+$""");

    /// <summary>All that can be found, each once; a label is an index in here.</summary>
    public IReadOnlyList<KeyMatch> Matches => _matches;

    /// <summary>The automaton of a key, its quotes included if it has any, that leads to an allowed label; the same one for equal choices. Null where there is no such key.</summary>
    public LexicalState? Start(KeyChoice allowed)
    {
        Key? start = _trie.IsEmpty ? StateOf(Outside, _product.Start, allowed) : StateOf(0, _productAt[0], allowed);
        return start is null ? null : _encoder.Start(start);
    }

    private static ulong Match(string name, TextAutomaton[] patterns)
    {
        ulong bits = 0;
        for (int i = 0; i < patterns.Length; i++)
        {
            if (patterns[i].Matches(name))
                bits |= 1UL << i;
        }

        return bits;
    }

    private void FollowNames()
    {
        for (int node = 0; node < _trie.NodeCount; node++)
        {
            if (node == 0)
                _productAt[0] = _product.Start;
            foreach (int child in _trie.ChildrenOf(node))
                _productAt[child] = _productAt[node] < 0 ? -1 : _product.Table.NextState(_productAt[node], _trie.CodePointOf(child), out _);
        }
    }

    /// <summary>Finds the outcomes below each node, those of its children first.</summary>
    private void FindOutcomes()
    {
        int words = _product.Words;
        Dictionary<int, int> childrenByClass = [];
        for (int node = _trie.NodeCount - 1; node >= 0; node--)
        {
            Span<ulong> below = _outcomesBelow.AsSpan(node * words, words);
            int state = _productAt[node];
            if (state < 0)
                continue;
            if (_trie.TextAt(node) < 0 && _product.OutcomeOf(state) is >= 0 and var outcome)
                below[outcome / 64] |= 1UL << outcome;

            // A class of characters leads out of the tree if not all of it are children.
            TransitionTable table = _product.Table;
            childrenByClass.Clear();
            foreach (int child in _trie.ChildrenOf(node))
            {
                Unite(below, _outcomesBelow.AsSpan(child * words, words));
                CollectionsMarshal.GetValueRefOrAddDefault(childrenByClass, table.Partition.ClassOf(_trie.CodePointOf(child)), out _)++;
            }

            ReadOnlySpan<int> exceptions = table.ExceptionsOf(state);
            ReadOnlySpan<int> targets = table.ExceptionTargetsOf(state);
            int left = table.Partition.Count - exceptions.Length;
            for (int i = 0; i < exceptions.Length; i++)
            {
                if (targets[i] >= 0 && childrenByClass.GetValueOrDefault(exceptions[i]) < table.Partition.SizeOf(exceptions[i]))
                    Unite(below, _product.Reachable.AsSpan(targets[i] * words, words));
            }

            foreach ((int @class, int children) in childrenByClass)
            {
                if (!exceptions.Contains(@class) && children == table.Partition.SizeOf(@class))
                    left--;
            }

            if (left > 0 && table.DefaultOf(state) >= 0)
                Unite(below, _product.Reachable.AsSpan(table.DefaultOf(state) * words, words));
        }

        static void Unite(Span<ulong> all, ReadOnlySpan<ulong> added)
        {
            for (int i = 0; i < all.Length; i++)
                all[i] |= added[i];
        }
    }

    /// <summary>The one state at a place, for those of the allowed labels that can come there; null where none can.</summary>
    private Key? StateOf(int node, int product, KeyChoice allowed)
    {
        allowed = allowed.And(Reachable(node, product));
        if (allowed.IsEmpty)
            return null;
        lock (_states)
        {
            if (_states.Count > KeptLimit)
                _states.Clear();
            ref Key? state = ref CollectionsMarshal.GetValueRefOrAddDefault(_states, (node, product, allowed), out _);
            return state ??= new Key(this, node, product, allowed);
        }
    }

    private KeyChoice Reachable(int node, int product)
    {
        if (node == Outside)
            return product < 0 ? KeyChoice.Empty : Labels(_product.Reachable.AsSpan(product * _product.Words, _product.Words));
        (int first, int count) = _trie.TextsBelow(node);
        KeyChoice others = Labels(_outcomesBelow.AsSpan(node * _product.Words, _product.Words));
        return KeyChoice.Range(first, count).Or(others);
    }

    private KeyChoice Labels(ReadOnlySpan<ulong> outcomes)
    {
        KeyChoice labels = KeyChoice.Empty;
        for (int outcome = 0; outcome < _labelOf.Length; outcome++)
        {
            if ((outcomes[outcome / 64] >> outcome & 1) != 0 && _labelOf[outcome] >= 0)
                labels = labels.With(_labelOf[outcome]);
        }

        return labels;
    }

    /// <summary>Whether literal characters of any number and kind are allowed from a state of the product on.</summary>
    private bool IsFree(int product, KeyChoice allowed)
    {
        if (product < 0)
            return false;
        ulong[] outcomes = new ulong[_product.Words];
        KeyChoice others = KeyChoice.Empty;
        for (int outcome = 0; outcome < _labelOf.Length; outcome++)
        {
            if (allowed.Contains(_labelOf[outcome]))
            {
                outcomes[outcome / 64] |= 1UL << outcome;
                others = others.With(outcome);
            }
        }

        if (others.IsEmpty)
            return false;
        lock (_free)
        {
            ref bool[]? free = ref CollectionsMarshal.GetValueRefOrAddDefault(_free, others, out _);
            return (free ??= _product.FindFree(outcomes))[product];
        }
    }

    /// <summary>A place in the tree, or outside of it, and the labels that may come there.</summary>
    private sealed class Key(JsonKeys keys, int node, int product, KeyChoice allowed) : TextState
    {
        public override bool IsAccepting => allowed.Contains(Label);

        public override int Label { get; } =
            node != Outside && keys._trie.TextAt(node) is >= 0 and var name ? name
            : product >= 0 && keys._product.OutcomeOf(product) is >= 0 and var outcome ? keys._labelOf[outcome]
            : -1;

        /// <remarks>
        /// Where the automaton outside of the tree is free, so is the tree: whatever is read, infinitely many keys with an allowed label can follow, of which only finitely many are names.
        /// </remarks>
        public override int FreeCharacters { get; } = keys.IsFree(product, allowed) ? int.MaxValue : 0;

        public override TextState? Next(int codePoint, out int last)
        {
            last = CodePointSet.MaxCodePoint;
            int child = node == Outside ? -1 : keys._trie.Child(node, codePoint, out last);
            if (child >= 0)
                return keys.StateOf(child, keys._productAt[child], allowed);
            if (product < 0)
                return null;
            int next = keys._product.Table.NextState(product, codePoint, out int lastAlike);
            last = Math.Min(last, lastAlike);
            return next < 0 ? null : keys.StateOf(Outside, next, allowed);
        }
    }
}
