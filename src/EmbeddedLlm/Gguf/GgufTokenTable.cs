using System.Buffers.Binary;
using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using System.Text.Unicode;

namespace EmbeddedLlm.Gguf;

/// <summary>
/// A hash table over a vocabulary's tokens, without a string for any. Tokens are compared as llama.cpp sees them: up to their first zero
/// byte, and an empty one under the name that it gives it.
/// </summary>
internal sealed unsafe class GgufTokenTable
{
    // Room for the longest name that llama.cpp gives an empty token.
    private const int NameLength = 24;

    private const int IdBits = 23;
    private const int TagBits = 32 - IdBits;
    private const uint MaximumId = (1u << IdBits) - 1;

    private readonly GgufArray _tokens;
    private readonly ulong _seed;
    private readonly ulong _secret;

    // A token's number plus one in the lower bits, in the others as many of its hash; 0 where there is none.
    private readonly uint[] _slots;

    public GgufTokenTable(GgufArray tokens)
    {
        Debug.Assert(tokens.Count <= MaximumId - 1);
        _tokens = tokens;
        _slots = new uint[(int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(16, tokens.Count * 2))];

        // Numbers that no file can know, so that none can be made whose tokens all meet in one slot.
        Span<ulong> random = stackalloc ulong[2];
        Random.Shared.NextBytes(MemoryMarshal.AsBytes(random));
        (_seed, _secret) = (random[0], random[1] | 1);
        Duplicate = Fill(tokens.Strings);
    }

    /// <summary>The first two tokens of the same text, or null where there are none.</summary>
    public (int First, int Second)? Duplicate { get; }

    public bool Contains(ReadOnlySpan<byte> text)
    {
        GgufStrings strings = _tokens.Strings;
        Span<byte> name = stackalloc byte[NameLength];
        ulong hash = Hash(text);
        int mask = _slots.Length - 1;
        for (int index = (int)hash & mask; _slots[index] != 0; index = (index + 1) & mask)
        {
            if (_slots[index] >> IdBits == Tag(hash) && Text(strings, IdOf(_slots[index]), name).SequenceEqual(text))
                return true;
        }

        return false;
    }

    // A vocabulary is loaded once in most processes, before any of this is compiled with care, were it not asked for.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private (int First, int Second)? Fill(GgufStrings strings)
    {
        // The slots of a large vocabulary are in no cache, so those of some tokens are fetched together before the first is used.
        const int BlockLength = 16;
        (int First, int Second)? duplicate = null;
        Span<ulong> hashes = stackalloc ulong[BlockLength];
        uint[] slots = _slots;
        int mask = slots.Length - 1;
        for (int start = 0; start < strings.Count; start += BlockLength)
        {
            int count = Math.Min(BlockLength, strings.Count - start);
            for (int i = 0; i < count; i++)
            {
                hashes[i] = Hash(strings, start + i);
                if (Sse.IsSupported)
                    Sse.Prefetch0(Unsafe.AsPointer(ref slots[(int)hashes[i] & mask]));
            }

            for (int i = 0; i < count; i++)
            {
                int id = start + i;
                uint tag = Tag(hashes[i]);
                int index = (int)hashes[i] & mask;
                while (slots[index] != 0 && !(slots[index] >> IdBits == tag && AreSame(strings, IdOf(slots[index]), id)))
                    index = (index + 1) & mask;

                if (slots[index] == 0)
                    slots[index] = (tag << IdBits) | (uint)(id + 1);
                else
                    duplicate ??= (IdOf(slots[index]), id);
            }
        }

        return duplicate;
    }

    private static bool AreSame(GgufStrings strings, int one, int other)
    {
        Span<byte> name = stackalloc byte[NameLength];
        Span<byte> otherName = stackalloc byte[NameLength];
        return Text(strings, one, name).SequenceEqual(Text(strings, other, otherName));
    }

    private static int IdOf(uint slot) => (int)(slot & MaximumId) - 1;

    private static uint Tag(ulong hash) => (uint)(hash >> (64 - TagBits));

    private static ReadOnlySpan<byte> Text(GgufStrings strings, int id, Span<byte> name)
    {
        ReadOnlySpan<byte> text = GgufTokenizerChecks.UntilZero(strings[id]);
        return text.IsEmpty ? NameOfEmpty(id, name) : text;
    }

    private static ReadOnlySpan<byte> NameOfEmpty(int id, Span<byte> name)
    {
        Utf8.TryWrite(name, $"[EMPTY_{id}]", out int length);
        return name[..length];
    }

    // Of a token as llama.cpp sees it, without a search for the zero byte that next to none has.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ulong Hash(GgufStrings strings, int id)
    {
        ReadOnlySpan<byte> text = strings[id];
        ulong hash = _seed ^ (uint)text.Length;
        ulong zeros = 0;
        for (; text.Length >= sizeof(ulong); text = text[sizeof(ulong)..])
        {
            ulong word = BinaryPrimitives.ReadUInt64LittleEndian(text);
            zeros |= ZeroBytes(word);
            hash = Mix(hash ^ word);
        }

        if (!text.IsEmpty)
        {
            // The eight bytes that end with the token: before it lies its length.
            int bits = 8 * text.Length;
            ulong word = strings.LastWord(id) >> (64 - bits);
            zeros |= ZeroBytes(word | (ulong.MaxValue << bits));
            hash = Mix(hash ^ word);
        }

        return zeros == 0 && strings.Length(id) > 0 ? Mix(hash) : HashOfUnusual(strings, id);
    }

    private ulong HashOfUnusual(GgufStrings strings, int id)
    {
        Span<byte> name = stackalloc byte[NameLength];
        return Hash(Text(strings, id, name));
    }

    // Eight bytes at a time, each multiplied by a secret with both halves of the product kept; tokens have a handful of bytes.
    private ulong Hash(ReadOnlySpan<byte> text)
    {
        ulong hash = _seed ^ (uint)text.Length;
        for (; text.Length >= sizeof(ulong); text = text[sizeof(ulong)..])
            hash = Mix(hash ^ BinaryPrimitives.ReadUInt64LittleEndian(text));

        if (!text.IsEmpty)
        {
            Span<byte> last = stackalloc byte[sizeof(ulong)];
            last.Clear();
            text.CopyTo(last);
            hash = Mix(hash ^ BinaryPrimitives.ReadUInt64LittleEndian(last));
        }

        return Mix(hash);
    }

    // Other than zero where a byte is.
    private static ulong ZeroBytes(ulong word) => (word - 0x0101_0101_0101_0101) & ~word & 0x8080_8080_8080_8080;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ulong Mix(ulong value)
    {
        ulong upper = Math.BigMul(value, _secret, out ulong lower);
        return upper ^ lower;
    }
}
