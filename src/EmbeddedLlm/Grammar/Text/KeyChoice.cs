using System.Numerics;

namespace EmbeddedLlm.Grammars;

/// <summary>A set of labels, that is of indexes in <see cref="JsonKeys.Matches"/>. Immutable, compared by value.</summary>
internal sealed class KeyChoice : IEquatable<KeyChoice>
{
    /// <summary>64 labels each; the last one is not zero, so that equal sets have equal words.</summary>
    private readonly ulong[] _words;

    private KeyChoice(ReadOnlySpan<ulong> words) => _words = words.TrimEnd(0UL).ToArray();

    public static KeyChoice Empty { get; } = new([]);

    public bool IsEmpty => _words.Length == 0;

    public int Count
    {
        get
        {
            int count = 0;
            foreach (ulong word in _words)
                count += BitOperations.PopCount(word);
            return count;
        }
    }

    /// <summary>The labels in ascending order.</summary>
    public IEnumerable<int> Labels
    {
        get
        {
            for (int i = 0; i < _words.Length; i++)
            {
                for (ulong rest = _words[i]; rest != 0; rest &= rest - 1)
                    yield return i * 64 + BitOperations.TrailingZeroCount(rest);
            }
        }
    }

    public static KeyChoice Of(params IEnumerable<int> labels)
    {
        ulong[] words = [];
        foreach (int label in labels)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(label, nameof(labels));
            if (label / 64 >= words.Length)
                Array.Resize(ref words, Math.Max(label / 64 + 1, words.Length * 2));
            words[label / 64] |= 1UL << label;
        }

        return new KeyChoice(words);
    }

    /// <summary>The labels from <paramref name="first"/> on, <paramref name="count"/> of them.</summary>
    public static KeyChoice Range(int first, int count)
    {
        int end = first + count;
        ulong[] words = new ulong[(end + 63) / 64];
        for (int i = first / 64; i < words.Length && count > 0; i++)
        {
            ulong from = i == first / 64 ? ulong.MaxValue << first : ulong.MaxValue;
            ulong to = i == (end - 1) / 64 ? ulong.MaxValue >> (63 - (end - 1) % 64) : ulong.MaxValue;
            words[i] = from & to;
        }

        return new KeyChoice(words);
    }

    public bool Contains(int label) => label >= 0 && label / 64 < _words.Length && (_words[label / 64] >> label & 1) != 0;

    public KeyChoice With(int label)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(label);
        if (Contains(label))
            return this;
        ulong[] words = new ulong[Math.Max(_words.Length, label / 64 + 1)];
        _words.CopyTo(words, 0);
        words[label / 64] |= 1UL << label;
        return new KeyChoice(words);
    }

    public KeyChoice Without(int label)
    {
        if (!Contains(label))
            return this;
        ulong[] words = [.. _words];
        words[label / 64] &= ~(1UL << label);
        return new KeyChoice(words);
    }

    public KeyChoice And(KeyChoice other)
    {
        ulong[] words = new ulong[Math.Min(_words.Length, other._words.Length)];
        for (int i = 0; i < words.Length; i++)
            words[i] = _words[i] & other._words[i];
        return new KeyChoice(words);
    }

    public KeyChoice Or(KeyChoice other)
    {
        (ulong[] longer, ulong[] shorter) = _words.Length >= other._words.Length ? (_words, other._words) : (other._words, _words);
        ulong[] words = [.. longer];
        for (int i = 0; i < shorter.Length; i++)
            words[i] |= shorter[i];
        return new KeyChoice(words);
    }

    public KeyChoice Except(KeyChoice other)
    {
        ulong[] words = [.. _words];
        for (int i = 0; i < Math.Min(words.Length, other._words.Length); i++)
            words[i] &= ~other._words[i];
        return new KeyChoice(words);
    }

    public bool Equals(KeyChoice? other) => other is not null && _words.AsSpan().SequenceEqual(other._words);

    public override bool Equals(object? obj) => Equals(obj as KeyChoice);

    public override int GetHashCode()
    {
        HashCode hash = default;
        foreach (ulong word in _words)
            hash.Add(word);
        return hash.ToHashCode();
    }

    public override string ToString() => $"{{{string.Join(", ", Labels)}}}";
}
