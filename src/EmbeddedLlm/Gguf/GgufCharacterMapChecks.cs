using System.Buffers.Binary;

namespace EmbeddedLlm.Gguf;

/// <summary>
/// The <c>precompiled_charsmap</c> of a unigram tokenizer: a length, that many bytes of a double array (Kanda, XOR-compressed: base in
/// bits 10 to 30, leaf in bit 8, label in bits 0 to 7), and zero-terminated replacements. The tokenizer follows it for each character of
/// a text and throws where it leads out of bounds, so every path through it is followed here once.
/// </summary>
internal static class GgufCharacterMapChecks
{
    private const string Key = "tokenizer.ggml.precompiled_charsmap";

    public static void Check(GgufModelKeys keys)
    {
        if (!keys.TryGetValue(Key, out GgufValue value))
            return;
        if (value.Type != GgufValueType.Array || value.GetArray().ElementType is not (GgufValueType.Int8 or GgufValueType.UInt8))
            throw keys.Bad(Key, "is not an array of bytes");

        ReadOnlySpan<byte> map = value.RawBytes;
        if (map.Length < sizeof(uint))
            throw keys.Bad(Key, "is too short");

        long arrayBytes = BinaryPrimitives.ReadUInt32LittleEndian(map);
        if (arrayBytes + sizeof(uint) >= map.Length)
            throw keys.Bad(Key, $"declares an array of {arrayBytes:N0} bytes in {map.Length:N0}");

        ReadOnlySpan<byte> nodes = map.Slice(sizeof(uint), (int)arrayBytes);
        ReadOnlySpan<byte> replacements = map[(sizeof(uint) + (int)arrayBytes)..];
        if (nodes.Length >= sizeof(uint) && !IsClosed(nodes, replacements))
            throw keys.Bad(Key, "leads out of its bounds");
    }

    private static bool IsClosed(ReadOnlySpan<byte> nodes, ReadOnlySpan<byte> replacements)
    {
        int count = nodes.Length / sizeof(uint);
        uint root = Base(Node(nodes, 0));
        HashSet<uint> seen = [root];
        Stack<uint> open = new([root]);
        int replacementsEnd = replacements.LastIndexOf((byte)0);

        while (open.TryPop(out uint state))
        {
            for (uint label = 1; label < 256; label++)
            {
                uint index = state ^ label;
                if (index >= count)
                    return false;

                uint node = Node(nodes, index);
                if ((node & 0x8000_00FF) != label)
                    continue;

                uint next = index ^ Base(node);
                bool isLeaf = (node & 0x100) != 0;
                if (isLeaf && (next >= count || (Node(nodes, next) & 0x7FFF_FFFF) > replacementsEnd))
                    return false;
                if (seen.Add(next))
                    open.Push(next);
            }
        }

        return true;
    }

    private static uint Node(ReadOnlySpan<byte> nodes, uint index) =>
        BinaryPrimitives.ReadUInt32LittleEndian(nodes[(int)(index * sizeof(uint))..]);

    private static uint Base(uint node) => (node >> 10) << (int)((node & (1u << 9)) >> 6);
}
