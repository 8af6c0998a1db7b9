namespace EmbeddedLlm.Gguf;

/// <summary>
/// Tensors that the loader of an architecture takes for optional, although its compute graph does not do without them: one form or
/// another of a projection has to be there, and nothing looks whether any is.
/// </summary>
internal static class GgufTensorSetChecks
{
    private static readonly Dictionary<string, Rule[]> Rules = Build();

    public static void Check(GgufModelKeys keys, int layers, IReadOnlyList<GgufFile> parts)
    {
        if (keys.Architecture is "t5" or "t5encoder")
            CheckRelativePositions(keys, parts);
        if (keys.Architecture == "rwkv6qwen2" && parts.SelectMany(part => part.Tensors).FirstOrDefault(tensor => GgufTensorChecks.Role(tensor.Name, out _, out _) is "time_mix_first") is { } first)
            throw new GgufFormatException(0, $"there is a tensor '{first.Name}', which goes with norms that this architecture does not load");
        if (keys.Architecture is "kimi-linear" or "kimi-k3")
            CheckLatentForm(keys, FindRoles(layers, parts));
        if (keys.Architecture is "laguna" or "jina-bert-v2")
            CheckWidths(keys, layers, parts);
        if (!Rules.TryGetValue(keys.Architecture, out Rule[]? rules))
            return;

        HashSet<string>[] rolesByLayer = FindRoles(layers, parts);
        for (int layer = 0; layer < layers; layer++)
        {
            foreach (Rule rule in rules)
            {
                HashSet<string> roles = rolesByLayer[layer];
                if (roles.Contains(rule.Where) && !rule.Forms.Any(form => form.All(roles.Contains)))
                    throw new GgufFormatException(0,
                        $"layer {layer} has '{rule.Where}', but not '{string.Join("' and '", rule.Forms[0])}'");
            }
        }

        if (keys.Architecture is "rwkv7" or "arwkv7")
            CheckGating(rolesByLayer, parts);
    }

    // The cache is made for one form of the projection, and the layers' tensors choose between both.
    private static void CheckLatentForm(GgufModelKeys keys, HashSet<string>[] rolesByLayer)
    {
        bool isLatent = keys.UInt32(keys.Key("attention.key_length_mla")) > 0 && keys.UInt32(keys.Key("attention.value_length_mla")) > 0;
        for (int layer = 0; layer < rolesByLayer.Length; layer++)
        {
            HashSet<string> roles = rolesByLayer[layer];
            bool isSplit = roles.Contains("attn_k_b") && roles.Contains("attn_v_b");
            if (roles.Contains("attn_kv_a_mqa") && (isSplit != isLatent || (!isSplit && !roles.Contains("attn_kv_b"))))
                throw new GgufFormatException(0, $"layer {layer} has projections that do not go with 'attention.key_length_mla'");
        }
    }

    // Matrices that may be as wide as one number or another, and of which any other width is asserted.
    private static void CheckWidths(GgufModelKeys keys, int layers, IReadOnlyList<GgufFile> parts)
    {
        uint[] heads = keys.PerLayer(keys.Key("attention.head_count"), layers) ?? new uint[layers];
        uint[] feedForward = keys.PerLayer(keys.Key("feed_forward_length"), layers) ?? new uint[layers];
        long head = keys.UInt32(keys.Key("attention.key_length")) ?? (heads[0] == 0 ? 0 : keys.UInt32(keys.Key("embedding_length")) / heads[0]) ?? 0;
        foreach (GgufTensorInfo tensor in parts.SelectMany(part => part.Tensors))
        {
            ReadOnlySpan<char> role = GgufTensorChecks.Role(tensor.Name, out int layer, out bool isBias);
            if (isBias || layer < 0 || layer >= layers)
                continue;

            long narrow = role switch
            {
                "attn_gate" when keys.Architecture == "laguna" => heads[layer],
                "ffn_up" when keys.Architecture == "jina-bert-v2" => feedForward[layer],
                _ => -1,
            };
            long wide = narrow * (role is "attn_gate" ? head : 2);
            long rows = tensor.DimensionOrOne(1);
            if (narrow >= 0 && rows != narrow && rows != wide)
                throw new GgufFormatException(0, $"the tensor '{tensor.Name}' has {rows:N0} rows, neither {narrow:N0} nor {wide:N0}");
        }
    }

    // Names without layer and ending, but for biases.
    private static HashSet<string>[] FindRoles(int layers, IReadOnlyList<GgufFile> parts)
    {
        HashSet<string>[] roles = [.. Enumerable.Range(0, layers).Select(_ => new HashSet<string>(StringComparer.Ordinal))];
        foreach (GgufTensorInfo tensor in parts.SelectMany(part => part.Tensors))
        {
            ReadOnlySpan<char> role = GgufTensorChecks.Role(tensor.Name, out int layer, out bool isBias);
            if (layer >= 0 && layer < layers)
                roles[layer].Add(isBias ? $"{role}.bias" : role.ToString());
        }

        return roles;
    }

    // Only the first layer has the table of relative positions, and all others use it.
    private static void CheckRelativePositions(GgufModelKeys keys, IReadOnlyList<GgufFile> parts)
    {
        foreach (string side in keys.Architecture == "t5" ? ["enc", "dec"] : new[] { "enc" })
        {
            string name = $"{side}.blk.0.attn_rel_b.weight";
            if (!parts.Any(part => part.TryGetTensor(name, out _)))
                throw new GgufFormatException(0, $"the tensor '{name}' is missing");
        }
    }

    // Six mixtures of a token and the one before it where there is a gate, five where there is none.
    private static void CheckGating(HashSet<string>[] rolesByLayer, IReadOnlyList<GgufFile> parts)
    {
        foreach (GgufTensorInfo tensor in parts.SelectMany(part => part.Tensors))
        {
            ReadOnlySpan<char> role = GgufTensorChecks.Role(tensor.Name, out int layer, out _);
            if (role is not "time_mix_lerp_fused" || layer < 0 || layer >= rolesByLayer.Length)
                continue;

            bool hasGate = rolesByLayer[layer].Contains("time_mix_g1") && rolesByLayer[layer].Contains("time_mix_g2");
            if (tensor.DimensionOrOne(3) != (hasGate ? 6 : 5))
                throw new GgufFormatException(0,
                    $"the tensor '{tensor.Name}' has {tensor.DimensionOrOne(3)} mixtures {(hasGate ? "with" : "without")} a gate");
        }
    }

    private static Dictionary<string, Rule[]> Build()
    {
        Rule attention = new("attn_output", [["attn_qkv"], ["attn_q", "attn_k", "attn_v"]]);
        Rule convolution = new("ssm_conv1d", [["ssm_conv1d.bias"]]);
        Rule linear = new("ssm_out", [["attn_qkv", "attn_gate"]]);
        string[] mixtures = ["time_mix_lerp_w", "time_mix_lerp_k", "time_mix_lerp_v", "time_mix_lerp_r", "time_mix_lerp_g"];
        Dictionary<string, Rule[]> rules = new(StringComparer.Ordinal)
        {
            ["phi3"] = [attention],
            ["phimoe"] = [attention],
            ["pockettts"] = [attention],
            ["falcon-h1"] = [convolution],
            ["granitehybrid"] = [convolution],
            ["nemotron_h"] = [convolution],
            ["nemotron_h_moe"] = [convolution],
            ["qwen35"] = [linear],
            ["qwen35moe"] = [linear],
            ["qwen3next"] = [new("ssm_out", [["ssm_in"], ["attn_qkv", "attn_gate"]])],
            ["rwkv6"] = [new("attn_norm", [["time_mix_lerp_fused"], mixtures])],
            ["rwkv7"] = [],
            ["arwkv7"] = [],
        };

        return rules;
    }

    /// <param name="Where">The tensor that a layer has of which more is asked.</param>
    /// <param name="Forms">Sets of tensors, of which one has to be complete.</param>
    private sealed record Rule(string Where, string[][] Forms);
}
