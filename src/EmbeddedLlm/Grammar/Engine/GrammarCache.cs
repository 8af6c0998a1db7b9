namespace EmbeddedLlm.Grammars;

/// <summary>The grammars used last, by what they were made of. Thread-safe; two callers may make the same one at once, and get the same grammar all the same.</summary>
internal sealed class GrammarCache<TKey>(int limit)
    where TKey : notnull
{
    private readonly LinkedList<(TKey Key, Grammar Grammar)> _byUse = new();
    private readonly Dictionary<TKey, LinkedListNode<(TKey Key, Grammar Grammar)>> _byKey = [];
    private readonly Lock _gate = new();

    public int Count
    {
        get
        {
            lock (_gate)
                return _byUse.Count;
        }
    }

    /// <summary>The grammar kept for a key, or a new one, which is kept; what its making throws is thrown, and nothing kept.</summary>
    public Grammar GetOrAdd<TSource>(TKey key, TSource source, Func<TSource, Grammar> create)
    {
        lock (_gate)
        {
            if (Find(key) is { } known)
                return known;
        }

        Grammar grammar = create(source);
        lock (_gate)
        {
            if (Find(key) is { } known)
                return known;
            _byKey[key] = _byUse.AddFirst((key, grammar));
            if (_byUse.Count > limit)
            {
                _byKey.Remove(_byUse.Last!.Value.Key);
                _byUse.RemoveLast();
            }
        }

        return grammar;
    }

    private Grammar? Find(TKey key)
    {
        if (!_byKey.TryGetValue(key, out LinkedListNode<(TKey Key, Grammar Grammar)>? node))
            return null;
        _byUse.Remove(node);
        _byUse.AddFirst(node);
        return node.Value.Grammar;
    }
}
