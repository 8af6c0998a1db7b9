using System.Text;

namespace EmbeddedLlm.Grammars;

/// <summary>
/// A regular language over Unicode scalar values, as a deterministic automaton from each of whose states some text is accepted. State 0 is where a text starts. Immutable and
/// thread-safe.
/// </summary>
internal sealed partial class TextAutomaton
{
    /// <summary>The most states an automaton made of a pattern or of other automata may have.</summary>
    public const int StateLimit = 20_000;

    private readonly TransitionTable _table;
    private readonly bool[] _isAccepting;
    private readonly Lazy<bool> _isFinite;

    private TextAutomaton(TransitionTable table, bool[] isAccepting)
    {
        _table = table;
        _isAccepting = isAccepting;
        _classes = new Lazy<StateClasses>(() => new StateClasses(_table, _isAccepting));
        _isFinite = new Lazy<bool>(() => TopologicalOrder() is not null);
    }

    /// <summary>Every text.</summary>
    public static TextAutomaton Any { get; } = Single(isAccepting: true, 0);

    /// <summary>No text.</summary>
    public static TextAutomaton None { get; } = new(new TransitionTable.Builder(CodePointPartition.Whole).Build(), []);

    /// <summary>The empty text only.</summary>
    public static TextAutomaton EmptyText { get; } = Single(isAccepting: true, -1);

    /// <summary>Whether no text is accepted.</summary>
    public bool IsNone => StateCount == 0;

    /// <summary>Whether every text is accepted.</summary>
    public bool IsAny => !IsNone && Array.TrueForAll(_isAccepting, static accepts => accepts) && Enumerable.Range(0, StateCount).All(IsTotal);

    /// <summary>Whether only so many texts are accepted, however long it took to count them.</summary>
    public bool IsFinite => _isFinite.Value;

    public int StateCount => _isAccepting.Length;

    internal TransitionTable Table => _table;

    /// <summary>The language of a pattern that is found anywhere in a text, as JSON Schema's <c>pattern</c> is.</summary>
    /// <param name="ecma">A regular expression of ECMA-262.</param>
    /// <exception cref="GrammarException">The pattern is malformed.</exception>
    /// <exception cref="PatternNotSupportedException">It is no regular language, or needs too many states.</exception>
    public static TextAutomaton FromPattern(string ecma)
    {
        Pattern pattern = EcmaPattern.Parse(ecma);
        return PatternCompiler.Compile(pattern.StartsAtStart ? pattern : Pattern.Sequence(Pattern.Anything, pattern), acceptsTail: true);
    }

    /// <summary>The language of the texts that a pattern matches as a whole.</summary>
    /// <exception cref="PatternNotSupportedException">It is no regular language, or needs too many states.</exception>
    public static TextAutomaton FromWhole(Pattern pattern) => PatternCompiler.Compile(pattern, acceptsTail: false);

    /// <inheritdoc cref="TextFormats.Find"/>
    public static TextAutomaton? FromFormat(string format, bool allowsLocalTimes = false) => TextFormats.Find(format, allowsLocalTimes);

    /// <summary>The smallest automaton of a deterministic one.</summary>
    /// <param name="partition">The classes.</param>
    /// <param name="next">[states × classes]: where each class leads, or -1.</param>
    /// <param name="outcomes">0 for the states where a text may end, -1 for the others.</param>
    internal static TextAutomaton FromTransitions(CodePointPartition partition, List<int> next, List<int> outcomes)
    {
        (TransitionTable table, int[] kept) = AutomatonMinimizer.Minimize(partition, next, outcomes);
        return kept.Length == 0 ? None : new TextAutomaton(table, [.. kept.Select(static outcome => outcome >= 0)]);
    }

    /// <summary>Exactly these texts. Strings with half of a surrogate pair are no texts and left out.</summary>
    public static TextAutomaton Of(IEnumerable<string> texts)
    {
        TextTrie trie = new(texts.Where(IsText));
        if (trie.IsEmpty)
            return None;
        CodePointPartition partition = CodePointPartition.Of([.. trie.CodePoints().Select(static codePoint => CodePointSet.Of(codePoint))]);
        TransitionTable.Builder table = new(partition);
        List<(int Class, int Target)> row = [];
        for (int node = 0; node < trie.NodeCount; node++)
        {
            row.Clear();
            foreach (int child in trie.ChildrenOf(node))
                row.Add((partition.ClassOf(trie.CodePointOf(child)), child));
            row.Sort();
            foreach ((int @class, int target) in row)
                table.AddException(@class, target);
            table.EndRow(-1);
        }

        return new TextAutomaton(table.Build(), [.. Enumerable.Range(0, trie.NodeCount).Select(node => trie.TextAt(node) >= 0)]);
    }

    /// <summary>Whether a text is accepted; false for what is no text, as it has half of a surrogate pair.</summary>
    public bool Matches(ReadOnlySpan<char> text)
    {
        int state = IsNone ? -1 : 0;
        while (state >= 0 && !text.IsEmpty)
        {
            if (Rune.DecodeFromUtf16(text, out Rune rune, out int length) != System.Buffers.OperationStatus.Done)
                return false;
            state = _table.NextState(state, rune.Value, out _);
            text = text[length..];
        }

        return state >= 0 && _isAccepting[state];
    }

    public bool IsAccepting(int state) => _isAccepting[state];

    /// <summary>The state after a code point, or -1, and the last code point up to which all lead there.</summary>
    public int Next(int state, int codePoint, out int last) => _table.NextState(state, codePoint, out last);

    /// <summary>Whether every text is accepted from a state on, as far as one state tells.</summary>
    public bool IsUniversal(int state) =>
        _isAccepting[state] && IsTotal(state) && _table.Successors(state).All(successor => successor == state);

    private static TextAutomaton Single(bool isAccepting, int target)
    {
        TransitionTable.Builder table = new(CodePointPartition.Whole);
        table.EndRow(target);
        return new TextAutomaton(table.Build(), [isAccepting]);
    }

    /// <summary>Whether a string is well-formed UTF-16.</summary>
    internal static bool IsText(string text)
    {
        for (int i = 0; i < text.Length; i++)
        {
            if (char.IsSurrogate(text[i]) && (!char.IsHighSurrogate(text[i]) || ++i == text.Length || !char.IsLowSurrogate(text[i])))
                return false;
        }

        return true;
    }

    /// <summary>Whether every code point leads on from a state.</summary>
    private bool IsTotal(int state) =>
        (_table.DefaultOf(state) >= 0 || _table.ExceptionsOf(state).Length == _table.Partition.Count)
        && !_table.ExceptionTargetsOf(state).Contains(-1);

    /// <summary>The states so ordered that all transitions lead forward; null where a text can go through a state twice.</summary>
    private int[]? TopologicalOrder()
    {
        int[] incoming = new int[StateCount];
        for (int state = 0; state < StateCount; state++)
        {
            foreach (int successor in _table.Successors(state))
                incoming[successor]++;
        }

        List<int> order = new(StateCount);
        if (!IsNone && incoming[0] == 0)
            order.Add(0);
        for (int i = 0; i < order.Count; i++)
        {
            foreach (int successor in _table.Successors(order[i]))
            {
                if (--incoming[successor] == 0)
                    order.Add(successor);
            }
        }

        return order.Count == StateCount ? [.. order] : null;
    }
}
