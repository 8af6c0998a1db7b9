namespace EmbeddedLlm.Grammars;

/// <summary>Distinct texts as a tree of code points. Node 0 is the root; children are ordered by code point, and parents come before their children. Immutable.</summary>
internal sealed class TextTrie
{
    /// <summary>A bound on memory.</summary>
    private const int NodeLimit = 2_000_000;

    private readonly List<Node> _nodes = [];
    private readonly int[] _order;

    /// <param name="texts">Well-formed UTF-16.</param>
    /// <exception cref="GrammarException">There are too many.</exception>
    public TextTrie(IEnumerable<string> texts)
    {
        string[] all = [.. texts];
        int[][] sorted = new int[all.Length][];
        long total = 0;
        for (int i = 0; i < all.Length; i++)
        {
            sorted[i] = [.. all[i].EnumerateRunes().Select(static rune => rune.Value)];
            if ((total += sorted[i].Length) > NodeLimit)
                throw new GrammarException($"The texts have more than {NodeLimit} characters together.");
        }

        _order = [.. Enumerable.Range(0, all.Length)];
        Array.Sort(_order, (left, right) => sorted[left].AsSpan().SequenceCompareTo(sorted[right]) is var order and not 0 ? order : left.CompareTo(right));
        if (all.Length == 0)
            return;

        // Level by level, so that a node's children are side by side. A node is a stretch of the sorted texts.
        _nodes.Add(new Node { First = 0, End = all.Length, TextAt = -1 });
        int depth = 0;
        for (int levelStart = 0, levelEnd = 1; levelStart < levelEnd; levelStart = levelEnd, levelEnd = _nodes.Count, depth++)
        {
            for (int i = levelStart; i < levelEnd; i++)
                Grow(i, depth, sorted);
        }
    }

    public bool IsEmpty => _nodes.Count == 0;

    public int NodeCount => _nodes.Count;

    /// <summary>The texts' indexes in the order of their code points; a node's stretch counts in this order.</summary>
    public ReadOnlySpan<int> Order => _order;

    /// <summary>The place in <see cref="Order"/> of the text that ends at a node, or -1.</summary>
    public int TextAt(int node) => _nodes[node].TextAt;

    public int CodePointOf(int node) => _nodes[node].CodePoint;

    public IEnumerable<int> ChildrenOf(int node) =>
        Enumerable.Range(_nodes[node].FirstChild, _nodes[node].ChildrenEnd - _nodes[node].FirstChild);

    /// <summary>The stretch of <see cref="Order"/> that goes through a node.</summary>
    public (int First, int Count) TextsBelow(int node) => (_nodes[node].First, _nodes[node].End - _nodes[node].First);

    /// <summary>The child for a code point, or -1; and the last code point up to which the answer is that.</summary>
    public int Child(int node, int codePoint, out int last)
    {
        int low = _nodes[node].FirstChild, high = _nodes[node].ChildrenEnd;
        while (low < high)
        {
            int middle = (low + high) >> 1;
            if (_nodes[middle].CodePoint < codePoint)
                low = middle + 1;
            else
                high = middle;
        }

        if (low == _nodes[node].ChildrenEnd)
        {
            last = CodePointSet.MaxCodePoint;
            return -1;
        }

        bool isFound = _nodes[low].CodePoint == codePoint;
        last = isFound ? codePoint : _nodes[low].CodePoint - 1;
        return isFound ? low : -1;
    }

    /// <summary>The distinct code points of all texts.</summary>
    public IEnumerable<int> CodePoints() => _nodes.Skip(1).Select(static node => node.CodePoint).Distinct();

    private void Grow(int index, int depth, int[][] sorted)
    {
        Node node = _nodes[index];
        int first = node.First;
        while (first < node.End && sorted[_order[first]].Length == depth)
        {
            if (node.TextAt < 0)
                node.TextAt = first;
            first++;
        }

        node.FirstChild = _nodes.Count;
        while (first < node.End)
        {
            int codePoint = sorted[_order[first]][depth];
            int end = first + 1;
            while (end < node.End && sorted[_order[end]][depth] == codePoint)
                end++;
            _nodes.Add(new Node { CodePoint = codePoint, First = first, End = end, TextAt = -1 });
            first = end;
        }

        node.ChildrenEnd = _nodes.Count;
        _nodes[index] = node;
    }

    private struct Node
    {
        public int CodePoint;
        public int FirstChild;
        public int ChildrenEnd;
        public int First;
        public int End;
        public int TextAt;
    }
}
