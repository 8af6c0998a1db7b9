namespace EmbeddedLlm.Tokens;

/// <summary>
/// Tokens ordered by their bytes as a tree in flat arrays, each node before its descendants: whoever tests all tokens against something goes through the arrays
/// once, and passes over all that begin with refused bytes by one jump. Immutable and safe to share between threads.
/// </summary>
/// <remarks>The arrays are apart, and not one of structures, since a refused node is read for its byte and its end only.</remarks>
internal sealed class TokenTrie
{
    private readonly byte[] _bytes;
    private readonly int[] _ends;
    private readonly int[] _firstTokens;
    private readonly int[] _tokens;
    private readonly int[] _roots;

    private TokenTrie(Builder builder)
    {
        _bytes = [.. builder.Bytes];
        _ends = [.. builder.Ends];
        _firstTokens = [.. builder.FirstTokens, builder.Tokens.Count];
        _tokens = [.. builder.Tokens];
        Depth = builder.Depth;
        _roots = new int[256];
        Array.Fill(_roots, -1);
        for (int node = 0; node < _bytes.Length; node = _ends[node])
            _roots[_bytes[node]] = node;
    }

    /// <summary>The number of nodes.</summary>
    public int Count => _bytes.Length;

    /// <summary>The last byte of each node's text, [nodes].</summary>
    public ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>For each node the first one that is not among its descendants, [nodes].</summary>
    public ReadOnlySpan<int> Ends => _ends;

    /// <summary>The length in bytes of the longest text.</summary>
    public int Depth { get; }

    /// <summary>The memory of the arrays, in bytes.</summary>
    public long Size => _bytes.Length + sizeof(int) * ((long)_ends.Length + _firstTokens.Length + _tokens.Length + _roots.Length);

    /// <summary>A trie of the tokens' bytes. Tokens without bytes are in no node.</summary>
    /// <param name="vocabulary">Where the bytes are.</param>
    /// <param name="tokens">Any tokens.</param>
    public static TokenTrie Create(Vocabulary vocabulary, IEnumerable<int> tokens)
    {
        int[] ordered = [.. tokens.Where(token => !vocabulary.BytesOf(token).IsEmpty)];
        Array.Sort(ordered, (left, right) =>
            vocabulary.BytesOf(left).SequenceCompareTo(vocabulary.BytesOf(right)) is not 0 and var order ? order : left.CompareTo(right));
        Builder builder = new();
        ReadOnlySpan<byte> last = [];
        foreach (int token in ordered)
        {
            ReadOnlySpan<byte> bytes = vocabulary.BytesOf(token);
            int common = last.CommonPrefixLength(bytes);
            builder.CloseTo(common);
            foreach (byte next in bytes[common..])
                builder.Open(next);
            builder.Tokens.Add(token);
            last = bytes;
        }

        builder.CloseTo(0);
        return new TokenTrie(builder);
    }

    /// <summary>
    /// A trie of what comes after some nodes: a token that begins with a node's text is found under the rest of its text, several at one node perhaps.
    /// Tokens that end at the given nodes are in none.
    /// </summary>
    /// <param name="trie">A trie.</param>
    /// <param name="nodes">Nodes of it.</param>
    public static TokenTrie Suffixes(TokenTrie trie, IReadOnlyList<int> nodes)
    {
        Builder builder = new();

        // The groups of nodes still to be laid out, with their depth; the first in order is on top.
        Stack<(byte Byte, List<int> Nodes, int Depth)> todo = new();
        trie.PushChildren(nodes, 0, todo);
        while (todo.TryPop(out (byte Byte, List<int> Nodes, int Depth) next))
        {
            builder.CloseTo(next.Depth);
            builder.Open(next.Byte);
            foreach (int node in next.Nodes)
                builder.Tokens.AddRange(trie.TokensOf(node));
            if (next.Nodes.Count == 1)
                trie.CopyDescendants(next.Nodes[0], next.Depth + 1, builder);
            else
                trie.PushChildren(next.Nodes, next.Depth + 1, todo);
        }

        builder.CloseTo(0);
        return new TokenTrie(builder);
    }

    /// <summary>The node of all texts that begin with a byte, or -1.</summary>
    public int Root(byte first) => _roots[first];

    /// <summary>The node of a text, or -1 where no token begins with it.</summary>
    public int Find(ReadOnlySpan<byte> text)
    {
        if (text.IsEmpty)
            return -1;
        int node = _roots[text[0]];
        foreach (byte next in text[1..])
        {
            if (node < 0)
                return -1;
            int end = _ends[node];
            int child = node + 1;
            while (child < end && _bytes[child] != next)
                child = _ends[child];
            node = child < end ? child : -1;
        }

        return node;
    }

    /// <summary>The tokens whose text ends at a node; mostly one or none.</summary>
    public ReadOnlySpan<int> TokensOf(int node) => _tokens.AsSpan(_firstTokens[node].._firstTokens[node + 1]);

    /// <summary>Groups the children of nodes by their bytes, and pushes the groups so that the least byte is on top.</summary>
    private void PushChildren(IReadOnlyList<int> nodes, int depth, Stack<(byte Byte, List<int> Nodes, int Depth)> todo)
    {
        List<int>?[] children = new List<int>?[256];
        foreach (int node in nodes)
        {
            for (int child = node + 1; child < _ends[node]; child = _ends[child])
                (children[_bytes[child]] ??= []).Add(child);
        }

        for (int next = 255; next >= 0; next--)
        {
            if (children[next] is { } same)
                todo.Push(((byte)next, same, depth));
        }
    }

    /// <summary>Lays out all that is under one node just as it is there.</summary>
    private void CopyDescendants(int from, int depth, Builder builder)
    {
        Stack<int> ends = new();
        for (int node = from + 1; node < _ends[from]; node++)
        {
            while (ends.TryPeek(out int end) && end <= node)
                ends.Pop();
            builder.CloseTo(depth + ends.Count);
            builder.Open(_bytes[node]);
            builder.Tokens.AddRange(TokensOf(node));
            ends.Push(_ends[node]);
        }
    }

    /// <summary>Lays out nodes depth first.</summary>
    private sealed class Builder
    {
        private readonly Stack<int> _open = new();

        public List<byte> Bytes { get; } = [];

        public List<int> Ends { get; } = [];

        public List<int> FirstTokens { get; } = [];

        /// <summary>Tokens added go to the node opened last.</summary>
        public List<int> Tokens { get; } = [];

        public int Depth { get; private set; }

        public void Open(byte next)
        {
            _open.Push(Bytes.Count);
            Bytes.Add(next);
            Ends.Add(-1);
            FirstTokens.Add(Tokens.Count);
            Depth = Math.Max(Depth, _open.Count);
        }

        public void CloseTo(int depth)
        {
            while (_open.Count > depth)
                Ends[_open.Pop()] = Bytes.Count;
        }
    }
}
