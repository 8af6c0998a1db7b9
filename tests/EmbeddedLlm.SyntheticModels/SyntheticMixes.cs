using EmbeddedLlm.Gguf;

namespace EmbeddedLlm.SyntheticModels;

/// <summary>Which matrix gets which type in llama.cpp's file types (src/llama-quant.cpp), for the architectures that are written here.</summary>
internal static class SyntheticMixes
{
    /// <summary>llama.cpp's <c>llama_ftype</c>.</summary>
    public static uint FileType(SyntheticMix mix) => mix switch
    {
        SyntheticMix.F32 => 0,
        SyntheticMix.F16 => 1,
        SyntheticMix.Q4_0 => 2,
        SyntheticMix.Q8_0 => 7,
        SyntheticMix.Q4_K_M => 15,
        _ => throw new ArgumentOutOfRangeException(nameof(mix)),
    };

    /// <summary>The type of a matrix of a shape.</summary>
    /// <param name="shape">The shape, with its mix.</param>
    /// <param name="name">The tensor's name.</param>
    /// <param name="columns">The length of a row.</param>
    /// <param name="layer">The layer that the tensor belongs to; of no account for those outside all.</param>
    public static GgmlType TypeOf(SyntheticShape shape, string name, int columns, int layer)
    {
        GgmlType main = shape.Mix switch
        {
            SyntheticMix.F32 => GgmlType.F32,
            SyntheticMix.F16 => GgmlType.F16,
            SyntheticMix.Q8_0 => GgmlType.Q8_0,
            SyntheticMix.Q4_0 => GgmlType.Q4_0,
            SyntheticMix.Q4_K_M => GgmlType.Q4_K,
            _ => throw new ArgumentOutOfRangeException(nameof(shape)),
        };

        return GgmlTypes.IsQuantised(main) ? FitToRow(Choose(shape, main, name, columns, layer), columns) : main;
    }

    private static GgmlType Choose(SyntheticShape shape, GgmlType main, string name, int columns, int layer)
    {
        if (name == "output.weight" || (shape.TiedEmbeddings && name == "token_embd.weight"))
            return main == GgmlType.Q8_0 || columns % GgmlTypes.BlockElements(main) != 0 ? GgmlType.Q8_0 : GgmlType.Q6_K;

        bool isMixed = shape.Mix == SyntheticMix.Q4_K_M;
        bool hasEightExperts = shape.Experts == 8;
        switch (name[(name.LastIndexOf('.', name.Length - ".weight".Length - 1) + 1)..])
        {
            case "attn_v.weight" or "attn_qkv.weight":
                if (hasEightExperts)
                    return GgmlType.Q8_0;
                if (isMixed && UsesMoreBits(AttentionLayersBefore(shape, layer), AttentionLayersBefore(shape, shape.Layers)))
                    return GgmlType.Q6_K;
                return isMixed && IsOf70B(shape) ? GgmlType.Q5_K : main;
            case "attn_k.weight" when hasEightExperts:
                return GgmlType.Q8_0;
            case "attn_output.weight" when hasEightExperts && isMixed:
                return GgmlType.Q5_K;
            case "ffn_down.weight" or "ffn_down_exps.weight" or "ffn_down_shexp.weight" when isMixed && UsesMoreBits(layer, shape.Layers):
                return GgmlType.Q6_K;
            default:
                return main;
        }
    }

    // The first and the last eighth of the layers, and every third between them.
    private static bool UsesMoreBits(int layer, int layers) =>
        layer < layers / 8 || layer >= 7 * layers / 8 || (layer - (layers / 8)) % 3 == 2;

    // Values are counted, not layers: of a model that has attention in every other layer only, the first has number 0.
    private static int AttentionLayersBefore(SyntheticShape shape, int layer) => Enumerable.Range(0, layer).Count(before => !shape.IsRecurrent(before));

    /// <summary>What llama.cpp takes for the 70B model, whose values are shared by eight query heads and so worth more bits: it goes by the number of layers.</summary>
    private static bool IsOf70B(SyntheticShape shape) =>
        shape.Layers == 80 && (shape.Architecture == "qwen2" || (shape.Architecture == "llama" && shape.Heads != shape.KvHeads));

    private static GgmlType FitToRow(GgmlType type, int columns)
    {
        if (columns % GgmlTypes.BlockElements(type) == 0)
            return type;

        GgmlType smaller = type switch
        {
            GgmlType.Q4_K => GgmlType.Q5_0,
            GgmlType.Q5_K => GgmlType.Q5_1,
            GgmlType.Q6_K => GgmlType.Q8_0,
            _ => GgmlType.F16,
        };

        return columns % GgmlTypes.BlockElements(smaller) == 0 ? smaller : GgmlType.F16;
    }
}
