using System.Numerics;
using System.Text.Unicode;

namespace EmbeddedLlm.Gguf;

/// <summary>
/// A hash table over a vocabulary's tokens, without a string for any. Tokens are compared as llama.cpp sees them: up to their first zero
/// byte, and an empty one under the name that it gives it.
/// </summary>
internal sealed class GgufTokenTable
{
    private readonly GgufArray _tokens;
    private readonly int[] _hashes;
    private readonly int[] _slots;

    public GgufTokenTable(GgufArray tokens)
    {
        _tokens = tokens;
        _hashes = new int[tokens.Count];
        _slots = new int[(int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(16, tokens.Count * 2))];
        Span<byte> name = stackalloc byte[24];
        for (int id = 0; id < tokens.Count; id++)
        {
            ReadOnlySpan<byte> text = Text(id, name);
            _hashes[id] = Hash(text);
            ref int slot = ref Find(text, _hashes[id]);
            if (slot == 0)
                slot = id + 1;
            else
                Duplicate ??= (slot - 1, id);
        }
    }

    /// <summary>The first two tokens of the same text, or null where there are none.</summary>
    public (int First, int Second)? Duplicate { get; }

    public bool Contains(ReadOnlySpan<byte> text) => Find(text, Hash(text)) != 0;

    private ref int Find(ReadOnlySpan<byte> text, int hash)
    {
        Span<byte> name = stackalloc byte[24];
        int mask = _slots.Length - 1;
        int index = hash & mask;
        for (; _slots[index] != 0; index = (index + 1) & mask)
        {
            int id = _slots[index] - 1;
            if (_hashes[id] == hash && Text(id, name).SequenceEqual(text))
                break;
        }

        return ref _slots[index];
    }

    private ReadOnlySpan<byte> Text(int id, Span<byte> name)
    {
        ReadOnlySpan<byte> text = GgufTokenizerChecks.UntilZero(_tokens.GetUtf8(id));
        if (!text.IsEmpty)
            return text;

        Utf8.TryWrite(name, $"[EMPTY_{id}]", out int length);
        return name[..length];
    }

    // Seeded per process, so that no file can be made whose tokens all meet in one slot.
    private static int Hash(ReadOnlySpan<byte> text)
    {
        HashCode hash = default;
        hash.AddBytes(text);
        return hash.ToHashCode();
    }
}
