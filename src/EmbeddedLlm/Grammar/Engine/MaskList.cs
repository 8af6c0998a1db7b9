namespace EmbeddedLlm.Grammars;

/// <summary>
/// What was computed for one object, per vocabulary: mostly one entry. The vocabulary is known by its number only, so that a model that is unloaded is not held.
/// Thread-safe without a lock: entries are added, never changed.
/// </summary>
internal sealed class MaskList<T>
    where T : class
{
    /// <summary>More vocabularies than this in one process do not keep their masks: the oldest entry goes.</summary>
    private const int Limit = 4;

    private volatile Entry[] _entries = [];

    public T? Find(int vocabularyId)
    {
        foreach (Entry entry in _entries)
        {
            if (entry.VocabularyId == vocabularyId)
                return entry.Value;
        }

        return null;
    }

    /// <summary>Keeps a value. Where two threads have computed it at once, both are right and one is kept.</summary>
    public void Add(int vocabularyId, T value)
    {
        Entry[] entries = _entries;
        _entries = [new Entry(vocabularyId, value), .. entries.Where(entry => entry.VocabularyId != vocabularyId).Take(Limit - 1)];
    }

    private readonly record struct Entry(int VocabularyId, T Value);
}
