using System.Runtime.CompilerServices;

namespace EmbeddedLlm.Grammars;

/// <summary>
/// Remembers a value, or that there is none, per byte, in sixteen pages of sixteen that are made when needed: most states are left by few bytes.
/// Readers and writers need no lock: what is written twice is written with an equal value.
/// </summary>
internal struct ByteTable<T>
    where T : class
{
    /// <summary>Stands for a value that is known to be absent; never used as a <typeparamref name="T"/>.</summary>
    private static readonly object Absent = new();

    private object?[]?[]? _pages;

    /// <summary>Whether the byte's value is known; null where it is known to be absent.</summary>
    public readonly bool TryGet(byte index, out T? value)
    {
        if (_pages?[index >> 4] is { } page && Volatile.Read(ref page[index & 15]) is { } known)
        {
            value = ReferenceEquals(known, Absent) ? null : Unsafe.As<T>(known);
            return true;
        }

        value = null;
        return false;
    }

    public void Set(byte index, T? value)
    {
        object?[]?[] pages = _pages ?? Interlocked.CompareExchange(ref _pages, new object?[]?[16], null) ?? _pages;
        object?[] page = pages[index >> 4] ?? Interlocked.CompareExchange(ref pages[index >> 4], new object?[16], null) ?? pages[index >> 4]!;
        Volatile.Write(ref page[index & 15], value ?? Absent);
    }
}
