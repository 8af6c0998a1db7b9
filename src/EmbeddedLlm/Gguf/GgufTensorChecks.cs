using System.Globalization;

namespace EmbeddedLlm.Gguf;

/// <summary>
/// The tensors of a model, checked for types that llama.cpp's operations abort on. Whether there are the tensors that an architecture
/// needs, in the shapes that its hyperparameters ask for, is left to llama.cpp, which reports it.
/// </summary>
internal static class GgufTensorChecks
{
    // Operands of additions, multiplications, convolutions and rotations, which the CPU backend only has for 32-bit floats.
    private static readonly HashSet<string> SingleRoles = new(
        [
            "altup_correct_scale", "attn_res_score", "attn_sinks", "channel_mix_lerp_k", "channel_mix_lerp_r", "exp_probs_b", "exp_probs_b_vl",
            "ffn_norm_exps", "ffn_res_score",
            "hc_attn_base", "hc_attn_scale", "hc_ffn_base", "hc_ffn_scale", "layer_output_scale",
            "output_hc_base", "output_hc_scale", "output_res_score", "ple_conv1d",
            "rope_factors_long", "rope_factors_short", "rope_freqs", "shortconv.conv", "ssm_a",
            "ssm_conv1d", "ssm_conv1d_k", "ssm_conv1d_q", "ssm_conv1d_v", "ssm_d",
            "time_mix_a0", "time_mix_decay", "time_mix_first", "time_mix_k_a", "time_mix_k_k", "time_mix_lerp_fused", "time_mix_lerp_x", "time_mix_ln", "time_mix_r_k", "time_mix_v0", "time_mix_w0",
            "token_types",
        ],
        StringComparer.Ordinal);

    // Tables of token and expert numbers.
    private static readonly HashSet<string> IntegerRoles = new(
        ["d2t", "ffn_gate_tid2eid", "masked_embd_centroids", "masked_embd_ordering", "selector_predecessor", "selector_successor"],
        StringComparer.Ordinal);

    public static void Check(GgufModelKeys keys, IReadOnlyList<GgufFile> parts)
    {
        bool hasEmbeddings = false;
        bool hasQuantisedOutput = false;
        foreach (GgufFile part in parts)
        {
            hasEmbeddings |= part.TryGetTensor("token_embd.weight", out _);
            hasQuantisedOutput |= part.TryGetTensor("output.weight", out GgufTensorInfo? output) && GgmlTypes.IsQuantised(output.Type);
            foreach (GgufTensorInfo tensor in part.Tensors)
                CheckType(tensor);
        }

        // Its embeddings are then read from the output matrix, which may have been rearranged for multiplication by then.
        if (keys.Architecture == "codeshell" && !hasEmbeddings && hasQuantisedOutput)
            throw new GgufFormatException(0, "the tensor 'token_embd.weight' is missing");
    }

    private static void CheckType(GgufTensorInfo tensor)
    {
        ReadOnlySpan<char> role = Role(tensor.Name, out _, out bool isBias);
        if (isBias || IsNorm(role) || SingleRoles.GetAlternateLookup<ReadOnlySpan<char>>().Contains(role))
        {
            if (tensor.Type != GgmlType.F32)
                throw new GgufFormatException(0, $"the tensor '{tensor.Name}' is of type {tensor.Type}, not {GgmlType.F32}");
        }
        else if (tensor.Type is GgmlType.Q8_1 or GgmlType.Q8_K or GgmlType.F64 or GgmlType.I8 or GgmlType.I16
            || (tensor.Type is GgmlType.I32 or GgmlType.I64 && !IntegerRoles.GetAlternateLookup<ReadOnlySpan<char>>().Contains(role)))
        {
            throw new GgufFormatException(0, $"the tensor '{tensor.Name}' is of type {tensor.Type}, which is not for weights");
        }
    }

    // post_attention_norm, attn_norm_2, norm1: with a number or without.
    private static bool IsNorm(ReadOnlySpan<char> role) => role.TrimEnd("_0123456789").EndsWith("norm");

    /// <summary>What a tensor is for: its name without layer (<c>blk.7.</c>, -1 where there is none) and ending (<c>.weight</c>).</summary>
    internal static ReadOnlySpan<char> Role(ReadOnlySpan<char> name, out int layer, out bool isBias)
    {
        layer = -1;
        isBias = name.EndsWith(".bias");
        if (isBias || name.EndsWith(".weight"))
            name = name[..name.LastIndexOf('.')];

        int dot = name.IndexOfAnyInRange('0', '9') - 1;
        if (dot < 0 || name[dot] != '.')
            return name;

        ReadOnlySpan<char> rest = name[(dot + 1)..];
        int digits = rest.IndexOfAnyExceptInRange('0', '9');
        if (digits <= 0 || rest[digits] != '.' || !int.TryParse(rest[..digits], NumberStyles.None, CultureInfo.InvariantCulture, out layer))
            return name;

        return rest[(digits + 1)..];
    }
}
