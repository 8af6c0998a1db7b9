namespace EmbeddedLlm.Gguf;

/// <summary>
/// Attention heads: their number and size are hyperparameters that the shapes of tensors do not settle alone, and compute graphs divide
/// one by the other without a look.
/// </summary>
internal static class GgufHeadChecks
{
    private const string HeadsKey = "attention.head_count";
    private const string KvHeadsKey = "attention.head_count_kv";

    public static void Check(GgufModelKeys keys, GgufArchitecture architecture, int layers, IReadOnlyList<GgufFile> parts)
    {
        uint[] heads = keys.PerLayer(keys.Key(HeadsKey), layers) ?? new uint[layers];
        uint[] kvHeads = keys.PerLayer(keys.Key(KvHeadsKey), layers) ?? heads;
        CheckCounts(keys, architecture, heads, kvHeads);
        if ((heads[0] == 0 || kvHeads[0] == 0) && architecture.HasFlag(GgufArchitecture.UniformHeads))
            throw keys.Bad(keys.Key(HeadsKey), "is missing or 0");
        if (heads[0] == 0)
            return;

        uint width = keys.UInt32(keys.Key("embedding_length"))!.Value;
        (uint key, uint value) = CheckSizes(keys, architecture, width / heads[0]);
        if ((key == 0 || value == 0) && architecture.HasFlag(GgufArchitecture.SizedProjections))
            throw keys.Bad(keys.Key(key == 0 ? "attention.key_length" : "attention.value_length"), "makes heads of no elements");
        if (architecture.HasFlag(GgufArchitecture.SizedProjections))
            CheckShapes(parts, heads, kvHeads, key, value);
    }

    private static void CheckCounts(GgufModelKeys keys, GgufArchitecture architecture, uint[] heads, uint[] kvHeads)
    {
        bool isUniform = architecture.HasFlag(GgufArchitecture.UniformHeads);
        // Layers without attention have no keys and values here, and the number of query heads is read for the first layer alone.
        bool hasUniformQueries = keys.Architecture is "jamba" or "lfm2" or "lfm2moe";
        for (int i = 0; i < heads.Length; i++)
        {
            // A layer may have no heads at all; queries are otherwise spread evenly over keys and values.
            if (heads[i] > 0 && kvHeads[i] > 0 && heads[i] % kvHeads[i] != 0)
                throw keys.Bad(keys.Key(KvHeadsKey), $"is {kvHeads[i]:N0} in layer {i}, which does not divide its {heads[i]:N0} heads");
            if ((isUniform && (heads[i] != heads[0] || kvHeads[i] != kvHeads[0])) || (hasUniformQueries && heads[i] != heads[0]))
                throw keys.Bad(keys.Key(HeadsKey), $"differs between layers 0 and {i}, which this architecture has no use for");
        }
    }

    private static (uint Key, uint Value) CheckSizes(GgufModelKeys keys, GgufArchitecture architecture, uint size)
    {
        uint key = keys.UInt32(keys.Key("attention.key_length")) ?? size;
        uint value = keys.UInt32(keys.Key("attention.value_length")) ?? size;
        uint rope = keys.UInt32(keys.Key("rope.dimension_count")) ?? key;
        CheckSizes(keys, architecture, suffix: "", key, value, rope);

        // Layers with a sliding window may have sizes of their own.
        uint slidingKey = keys.UInt32(keys.Key("attention.key_length_swa")) ?? key;
        uint slidingValue = keys.UInt32(keys.Key("attention.value_length_swa")) ?? value;
        uint slidingRope = keys.UInt32(keys.Key("rope.dimension_count_swa")) ?? rope;
        CheckSizes(keys, architecture, suffix: "_swa", slidingKey, slidingValue, slidingRope);
        if (architecture.HasFlag(GgufArchitecture.SizedProjections) && (slidingKey != key || slidingValue != value))
            throw keys.Bad(keys.Key("attention.key_length_swa"), "makes heads of other sizes, which this architecture has no use for");

        return (key, value);
    }

    private static void CheckSizes(GgufModelKeys keys, GgufArchitecture architecture, string suffix, uint key, uint value, uint rope)
    {
        if (architecture.HasFlag(GgufArchitecture.EqualKeysAndValues) && key != value)
            throw keys.Bad(keys.Key("attention.value_length" + suffix), $"makes heads of {value:N0} for values and {key:N0} for keys");
        if (architecture.HasFlag(GgufArchitecture.Rotary) && (rope == 0 || rope % 2 != 0 || rope > key))
            throw keys.Bad(keys.Key("rope.dimension_count" + suffix),
                $"is {rope:N0} in heads of {key:N0}: it is even, not 0, and not larger than a head");
        if (architecture.HasFlag(GgufArchitecture.FullRotary) && rope != key)
            throw keys.Bad(keys.Key("rope.dimension_count" + suffix), $"is {rope:N0}, in this architecture always the {key:N0} of a head");
    }

    // Where the number of heads is given beside their size, the matrices have to be as wide as both say together.
    private static void CheckShapes(IReadOnlyList<GgufFile> parts, uint[] heads, uint[] kvHeads, uint key, uint value)
    {
        foreach (GgufTensorInfo tensor in parts.SelectMany(part => part.Tensors))
        {
            ReadOnlySpan<char> role = GgufTensorChecks.Role(tensor.Name, out int layer, out _);
            if (layer < 0 || layer >= heads.Length || heads[layer] == 0)
                continue;

            long expected = role switch
            {
                "attn_q" => (long)heads[layer] * key,
                "attn_k" => (long)kvHeads[layer] * key,
                "attn_v" => (long)kvHeads[layer] * value,
                "attn_qkv" => ((long)heads[layer] * key) + ((long)kvHeads[layer] * ((long)key + value)),
                _ => 0,
            };

            long rows = tensor.DimensionOrOne(tensor.Dimensions.Length < 2 ? 0 : 1);
            if (expected != 0 && rows != expected)
                throw new GgufFormatException(0, $"the tensor '{tensor.Name}' has {rows:N0} rows for heads of {expected:N0} altogether");
        }
    }
}
