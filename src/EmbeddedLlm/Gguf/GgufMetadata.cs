using System.Collections;
using System.Diagnostics.CodeAnalysis;

namespace EmbeddedLlm.Gguf;

/// <summary>
/// The keys and values of a GGUF file, in the order of the file. Values are decoded when they are asked for: opening a file with a
/// vocabulary of 150,000 tokens creates no string per token.
/// </summary>
/// <remarks>
/// The <c>TryGet</c> methods with a type return false where the key is missing or its value is of another type, as llama.cpp
/// takes a key only with the very type it expects. Use <see cref="TryGetInteger"/> where any width will do.
/// </remarks>
public sealed class GgufMetadata : IReadOnlyList<KeyValuePair<string, GgufValue>>
{
    private readonly byte[] _header;
    private readonly GgufMetadataSlot[] _slots;
    private readonly Dictionary<string, int> _index;

    // Kept, so that the positions of an array's strings are found once. Two threads may both create one; either will do.
    private readonly GgufArray?[] _arrays;

    internal GgufMetadata(byte[] header, GgufMetadataSlot[] slots, Dictionary<string, int> index)
    {
        (_header, _slots, _index) = (header, slots, index);
        _arrays = new GgufArray?[slots.Length];
    }

    /// <summary>The number of keys.</summary>
    public int Count => _slots.Length;

    /// <summary>A key and its value, by their position in the file.</summary>
    /// <param name="index">From 0 up to <see cref="Count"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such position.</exception>
    public KeyValuePair<string, GgufValue> this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfNegative(index);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, _slots.Length);
            return KeyValuePair.Create(_slots[index].Key, new GgufValue(this, index));
        }
    }

    /// <summary>Whether there is such a key.</summary>
    /// <param name="key">The key.</param>
    public bool ContainsKey(string key) => _index.ContainsKey(key);

    /// <summary>Finds a value of any type.</summary>
    /// <param name="key">The key.</param>
    /// <param name="value">The value, where there is one.</param>
    public bool TryGetValue(string key, out GgufValue value)
    {
        bool found = _index.TryGetValue(key, out int index);
        value = found ? new GgufValue(this, index) : default;
        return found;
    }

    /// <summary>Finds a string.</summary>
    /// <param name="key">The key.</param>
    /// <param name="value">The string, bytes that are not UTF-8 replaced by U+FFFD.</param>
    public bool TryGetString(string key, [NotNullWhen(true)] out string? value)
    {
        bool found = TryGet(key, GgufValueType.String, out GgufValue raw);
        value = found ? raw.GetString() : null;
        return found;
    }

    /// <summary>Finds a 32-bit unsigned integer.</summary>
    /// <param name="key">The key.</param>
    /// <param name="value">The number.</param>
    public bool TryGetUInt32(string key, out uint value)
    {
        bool found = TryGet(key, GgufValueType.UInt32, out GgufValue raw);
        value = found ? raw.GetUInt32() : default;
        return found;
    }

    /// <summary>Finds a 32-bit signed integer.</summary>
    /// <param name="key">The key.</param>
    /// <param name="value">The number.</param>
    public bool TryGetInt32(string key, out int value)
    {
        bool found = TryGet(key, GgufValueType.Int32, out GgufValue raw);
        value = found ? raw.GetInt32() : default;
        return found;
    }

    /// <summary>Finds an integer of any width and sign whose value fits 64 bits with a sign.</summary>
    /// <param name="key">The key.</param>
    /// <param name="value">The number.</param>
    public bool TryGetInteger(string key, out long value)
    {
        value = default;
        return TryGetValue(key, out GgufValue raw) && raw.TryGetInteger(out value);
    }

    /// <summary>Finds a 32-bit floating-point number.</summary>
    /// <param name="key">The key.</param>
    /// <param name="value">The number.</param>
    public bool TryGetSingle(string key, out float value)
    {
        bool found = TryGet(key, GgufValueType.Float32, out GgufValue raw);
        value = found ? raw.GetSingle() : default;
        return found;
    }

    /// <summary>Finds a truth value.</summary>
    /// <param name="key">The key.</param>
    /// <param name="value">The truth value.</param>
    public bool TryGetBoolean(string key, out bool value)
    {
        bool found = TryGet(key, GgufValueType.Boolean, out GgufValue raw);
        value = found && raw.GetBoolean();
        return found;
    }

    /// <summary>Finds an array of any element type.</summary>
    /// <param name="key">The key.</param>
    /// <param name="value">The array.</param>
    public bool TryGetArray(string key, [NotNullWhen(true)] out GgufArray? value)
    {
        bool found = TryGet(key, GgufValueType.Array, out GgufValue raw);
        value = found ? raw.GetArray() : null;
        return found;
    }

    /// <summary>Finds an array of strings.</summary>
    /// <param name="key">The key.</param>
    /// <param name="value">The array, whose strings are decoded one by one when they are asked for.</param>
    public bool TryGetStrings(string key, [NotNullWhen(true)] out GgufArray? value)
    {
        if (TryGetArray(key, out value) && value.ElementType == GgufValueType.String)
            return true;

        value = null;
        return false;
    }

    /// <inheritdoc/>
    public IEnumerator<KeyValuePair<string, GgufValue>> GetEnumerator()
    {
        for (int i = 0; i < _slots.Length; i++)
            yield return this[i];
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    internal ref readonly GgufMetadataSlot Slot(int index) => ref _slots[index];

    internal ReadOnlySpan<byte> Bytes(int index) => _header.AsSpan(_slots[index].Start, _slots[index].Length);

    internal GgufArray Array(int index)
    {
        ref readonly GgufMetadataSlot slot = ref _slots[index];
        return _arrays[index] ??= new GgufArray(_header.AsMemory(slot.Start, slot.Length), slot.Start, slot.ElementType, slot.Count);
    }

    private bool TryGet(string key, GgufValueType type, out GgufValue value) => TryGetValue(key, out value) && value.Type == type;
}
