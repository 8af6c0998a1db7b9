using System.Numerics;
using System.Runtime.CompilerServices;

namespace EmbeddedLlm.Grammars;

/// <summary>A set of bytes.</summary>
internal struct ByteSet
{
    private Words _words;

    /// <summary>How many bytes are in the set.</summary>
    public readonly int Count
    {
        get
        {
            int count = 0;
            foreach (ulong word in _words)
                count += BitOperations.PopCount(word);
            return count;
        }
    }

    public readonly bool IsEmpty => (_words[0] | _words[1] | _words[2] | _words[3]) == 0;

    /// <summary>The least byte in the set, which must not be empty.</summary>
    public readonly byte First
    {
        get
        {
            int word = 0;
            while (_words[word] == 0)
                word++;
            return (byte)(word * 64 + BitOperations.TrailingZeroCount(_words[word]));
        }
    }

    /// <summary>Takes the least byte out of the set, which must not be empty.</summary>
    public byte TakeFirst()
    {
        byte first = First;
        _words[first >> 6] &= ~(1UL << first);
        return first;
    }

    public readonly bool Contains(byte value) => (_words[value >> 6] >> value & 1) != 0;

    public void Add(byte value) => _words[value >> 6] |= 1UL << value;

    /// <summary>Adds all bytes from <paramref name="first"/> to <paramref name="last"/>, both included.</summary>
    public void AddRange(byte first, byte last)
    {
        for (int value = first; value <= last; value++)
            Add((byte)value);
    }

    public void Union(in ByteSet other)
    {
        for (int i = 0; i < 4; i++)
            _words[i] |= other._words[i];
    }

    [InlineArray(4)]
    private struct Words
    {
        private ulong _first;
    }
}
