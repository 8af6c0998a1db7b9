namespace EmbeddedLlm.Grammars;

/// <summary>
/// What was computed for one object, per vocabulary, or part of one: mostly one entry. The vocabulary is known by its number only, so that a model that is unloaded is not held.
/// Thread-safe without a lock: entries are added, never changed.
/// </summary>
/// <param name="limit">How many entries are kept; then the oldest goes.</param>
internal sealed class MaskList<T>(int limit = MaskList<T>.Vocabularies)
    where T : class
{
    /// <summary>More vocabularies than this in one process do not keep their masks.</summary>
    public const int Vocabularies = 4;

    private volatile Entry[] _entries = [];

    public T? Find(int id)
    {
        foreach (Entry entry in _entries)
        {
            if (entry.Id == id)
                return entry.Value;
        }

        return null;
    }

    /// <summary>Keeps a value. Where two threads have computed it at once, both are right and one is kept.</summary>
    public void Add(int id, T value)
    {
        Entry[] entries = _entries;
        _entries = [new Entry(id, value), .. entries.Where(entry => entry.Id != id).Take(limit - 1)];
    }

    private readonly record struct Entry(int Id, T Value);
}
