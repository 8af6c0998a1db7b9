using EmbeddedLlm.Gguf;

namespace EmbeddedLlm.SyntheticModels;

/// <summary>Which matrix gets which type in llama.cpp's file types, for the architectures that are written here.</summary>
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

    public static GgmlType TypeOf(SyntheticMix mix, string name, int columns, int layer, int layers, bool tiedEmbeddings)
    {
        GgmlType main = mix switch
        {
            SyntheticMix.F32 => GgmlType.F32,
            SyntheticMix.F16 => GgmlType.F16,
            SyntheticMix.Q8_0 => GgmlType.Q8_0,
            SyntheticMix.Q4_0 => GgmlType.Q4_0,
            SyntheticMix.Q4_K_M => GgmlType.Q4_K,
            _ => throw new ArgumentOutOfRangeException(nameof(mix)),
        };

        if (!GgmlTypes.IsQuantised(main))
            return main;

        bool isOutput = name == "output.weight" || (tiedEmbeddings && name == "token_embd.weight");
        if (isOutput && main != GgmlType.Q8_0)
            main = columns % GgmlTypes.BlockElements(main) == 0 ? GgmlType.Q6_K : GgmlType.Q8_0;
        else if (mix == SyntheticMix.Q4_K_M && IsSensitive(name) && UsesMoreBits(layer, layers))
            main = GgmlType.Q6_K;

        return FitToRow(main, columns);
    }

    private static bool IsSensitive(string name) =>
        name.EndsWith("attn_v.weight", StringComparison.Ordinal) || name.EndsWith("ffn_down.weight", StringComparison.Ordinal);

    // The first and the last eighth of the layers, and every third between them.
    private static bool UsesMoreBits(int layer, int layers) =>
        layer < layers / 8 || layer >= 7 * layers / 8 || (layer - (layers / 8)) % 3 == 2;

    private static GgmlType FitToRow(GgmlType type, int columns)
    {
        if (columns % GgmlTypes.BlockElements(type) == 0)
            return type;

        GgmlType smaller = type switch
        {
            GgmlType.Q4_K => GgmlType.Q5_0,
            GgmlType.Q6_K => GgmlType.Q8_0,
            _ => GgmlType.F16,
        };

        return columns % GgmlTypes.BlockElements(smaller) == 0 ? smaller : GgmlType.F16;
    }
}
