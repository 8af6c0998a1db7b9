namespace EmbeddedLlm.Gguf;

/// <summary>
/// The hyperparameters that every architecture has, checked for what llama.cpp asserts when it reads them (llama-model.cpp, load_hparams)
/// and for what its compute graphs take for granted.
/// </summary>
internal static class GgufHyperparameterChecks
{
    // llama-hparams.h: LLAMA_MAX_LAYERS and LLAMA_MAX_EXPERTS.
    public const int MaximumLayers = 512;
    private const int MaximumExperts = 1024;

    // llama.h: LLAMA_POOLING_TYPE_RANK. llama-hparams.h: LLAMA_EXPERT_GATING_FUNC_TYPE_SQRT_SOFTPLUS, and 0 for none.
    private const uint LastPoolingType = 4;
    private const uint LastGatingFunction = 4;

    // Windows are added to positions in 32 bits.
    private const uint MaximumWindow = 1 << 30;

    private static readonly string[] RopeScalingTypes = ["none", "linear", "yarn", "longrope"];

    public static void Check(GgufModelKeys keys, GgufArchitecture architecture, IReadOnlyList<GgufFile> parts)
    {
        if (keys.Architecture == "clip")
            throw keys.Bad("general.architecture", "is 'clip', which is part of a multi-modal model, not a language model");
        // Their graphs take the context of another model for granted, or make sounds.
        if (keys.Architecture is "dflash" or "eagle3" or "gemma4-assistant" or "wavtokenizer-dec")
            throw keys.Bad("general.architecture", $"is '{keys.Architecture}', which works as a part of another model only");

        int layers = CheckLayers(keys);
        CheckOutputLength(keys, parts);
        CheckExperts(keys, layers);
        GgufHeadChecks.Check(keys, architecture, layers, parts);
        GgufArchitectureChecks.Check(keys, layers);
        GgufWindowChecks.Check(keys, layers);
        GgufHybridChecks.Check(keys, layers);
        GgufTensorSetChecks.Check(keys, layers, parts);
        CheckNumbers(keys);
    }

    private static int CheckLayers(GgufModelKeys keys)
    {
        Positive(keys, "context_length", required: true);
        Positive(keys, "embedding_length", required: true);

        uint layers = Positive(keys, "block_count", required: true);
        if (layers > MaximumLayers)
            throw keys.Bad(keys.Key("block_count"), $"is {layers:N0}, the most is {MaximumLayers}");

        uint predicting = keys.UInt32(keys.Key("nextn_predict_layers")) ?? 0;
        if (predicting >= layers)
            throw keys.Bad(keys.Key("nextn_predict_layers"), $"is {predicting:N0} of {layers} layers");

        uint pooling = keys.UInt32(keys.Key("pooling_type")) ?? 0;
        if (pooling > LastPoolingType && pooling != uint.MaxValue)
            throw keys.Bad(keys.Key("pooling_type"), $"is {pooling:N0}, the last is {LastPoolingType}");

        uint window = keys.UInt32(keys.Key("attention.sliding_window")) ?? 0;
        if (window > MaximumWindow)
            throw keys.Bad(keys.Key("attention.sliding_window"), $"is {window:N0}, the most is {MaximumWindow:N0}");

        keys.PerLayer(keys.Key("feed_forward_length"), (int)layers);
        string? scaling = keys.String(keys.Key("rope.scaling.type"));
        if (scaling is not null && !RopeScalingTypes.Contains(scaling))
            throw keys.Bad(keys.Key("rope.scaling.type"), "is none of none, linear, yarn and longrope");

        return (int)layers;
    }

    // So many elements of each vector are copied out of a tensor that has the embedding's length, where no matrix makes it another.
    private static void CheckOutputLength(GgufModelKeys keys, IReadOnlyList<GgufFile> parts)
    {
        string key = keys.Key("embedding_length_out");
        bool isProjected = keys.Architecture is "lfm2" or "lfm2moe" && parts.Any(part => part.TryGetTensor("dense_2.weight", out _));
        if (!isProjected && keys.UInt32(key) is uint length && length > keys.UInt32(keys.Key("embedding_length")))
            throw keys.Bad(key, $"is {length:N0}, more than the embedding's length");
    }

    private static void CheckExperts(GgufModelKeys keys, int layers)
    {
        uint experts = keys.UInt32(keys.Key("expert_count")) ?? 0;
        uint[]? usedByLayer = keys.PerLayer(keys.Key("expert_used_count"), layers);
        uint used = usedByLayer?.Max() ?? 0;
        uint groups = keys.UInt32(keys.Key("expert_group_count")) ?? 0;
        uint groupsUsed = keys.UInt32(keys.Key("expert_group_used_count")) ?? 0;

        // Single experts of these are dense models that say so in an odd way.
        if (keys.Architecture is "hunyuan-dense" or "hunyuan_vl" && experts <= 1)
            (experts, used) = (0, 0);

        // Only this family's graphs look at each layer's own number.
        if (usedByLayer?.Min() != usedByLayer?.Max() && keys.Architecture is not ("nemotron_h" or "nemotron_h_moe"))
            throw keys.Bad(keys.Key("expert_used_count"), "differs between layers, which this architecture has no use for");
        if (experts > MaximumExperts)
            throw keys.Bad(keys.Key("expert_count"), $"is {experts:N0}, the most is {MaximumExperts}");
        if (used > experts || (experts > 0 && used == 0))
            throw keys.Bad(keys.Key("expert_used_count"), $"is {used:N0} of {experts:N0} experts");
        if (experts == 0 ? groups > 0 : groups >= experts)
            throw keys.Bad(keys.Key("expert_group_count"), $"is {groups:N0} for {experts:N0} experts");
        if (groups > 1 && experts % groups != 0)
            throw keys.Bad(keys.Key("expert_group_count"), $"is {groups:N0}, which does not divide {experts:N0} experts");
        uint gating = keys.UInt32(keys.Key("expert_gating_func")) ?? 0;
        if (experts > 0 && IsNoGating(keys.Architecture, gating))
            throw keys.Bad(keys.Key("expert_gating_func"), $"is {gating:N0}");
        if (groups > 1 && (groupsUsed == 0 || groupsUsed >= groups))
            throw keys.Bad(keys.Key("expert_group_used_count"), $"is {groupsUsed:N0} of {groups:N0} groups");
    }

    // Some take 0 for their default, others abort on it.
    private static bool IsNoGating(string architecture, uint gating) => gating > LastGatingFunction
        || (gating == 0 && architecture is "bailingmoe2" or "bailingmoe3" or "deepseek32" or "dots1" or "dots3note"
            or "exaone-moe" or "kimi-k3" or "kimi-linear" or "lfm2moe" or "minimax-m2" or "minimax-m3" or "smallthinker");

    // Norms assert that their ε is not negative, which not-a-number is not either.
    private static void CheckNumbers(GgufModelKeys keys)
    {
        string prefix = keys.Architecture + ".";
        foreach ((string key, GgufValue value) in keys.File.Metadata)
        {
            if (!key.StartsWith(prefix, StringComparison.Ordinal))
                continue;

            bool isEpsilon = key.EndsWith("epsilon", StringComparison.Ordinal);
            if (value.Type == GgufValueType.Float32)
                CheckNumber(keys, key, value.GetSingle(), isEpsilon);
            else if (value.Type == GgufValueType.Array && value.GetArray() is { ElementType: GgufValueType.Float32 } array)
            {
                for (int i = 0; i < array.Count; i++)
                    CheckNumber(keys, key, array.GetNumber(i), isEpsilon);
            }
        }
    }

    private static void CheckNumber(GgufModelKeys keys, string key, double number, bool isEpsilon)
    {
        if (double.IsNaN(number) || (isEpsilon && number is < 0 or double.PositiveInfinity))
            throw keys.Bad(key, $"is {number}");
    }

    private static uint Positive(GgufModelKeys keys, string name, bool required)
    {
        string key = keys.Key(name);
        uint? value = keys.UInt32(key);
        if (value is null && required)
            throw GgufModelKeys.Missing(key);
        if (value is 0 or > int.MaxValue)
            throw keys.Bad(key, $"is {value:N0}");

        return value.GetValueOrDefault();
    }
}
