namespace EmbeddedLlm.Gguf;

/// <summary>
/// The hyperparameters that every architecture has, checked for what llama.cpp asserts when it reads them (llama-model.cpp, load_hparams) and for
/// what its compute graphs take for granted.
/// </summary>
internal static class GgufHyperparameterChecks
{
    // llama-hparams.h: LLAMA_MAX_LAYERS and LLAMA_MAX_EXPERTS.
    public const int MaximumLayers = 512;
    private const int MaximumExperts = 1024;

    private static readonly string[] RopeScalingTypes = ["none", "linear", "yarn", "longrope"];

    public static void Check(GgufModelKeys keys, GgufArchitecture architecture, IReadOnlyList<GgufFile> parts)
    {
        if (keys.Architecture == "clip")
            throw keys.Bad("general.architecture", "is 'clip', which is part of a multi-modal model, not a language model");

        int layers = CheckLayers(keys);
        CheckExperts(keys, layers);
        GgufHeadChecks.Check(keys, architecture, layers, parts);
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
        if (predicting > layers)
            throw keys.Bad(keys.Key("nextn_predict_layers"), $"is {predicting:N0} of {layers} layers");

        keys.PerLayer(keys.Key("feed_forward_length"), (int)layers);
        string? scaling = keys.String(keys.Key("rope.scaling.type"));
        if (scaling is not null && !RopeScalingTypes.Contains(scaling))
            throw keys.Bad(keys.Key("rope.scaling.type"), "is none of none, linear, yarn and longrope");

        return (int)layers;
    }

    private static void CheckExperts(GgufModelKeys keys, int layers)
    {
        uint experts = keys.UInt32(keys.Key("expert_count")) ?? 0;
        uint used = keys.PerLayer(keys.Key("expert_used_count"), layers)?.Max() ?? 0;
        uint groups = keys.UInt32(keys.Key("expert_group_count")) ?? 0;
        uint groupsUsed = keys.UInt32(keys.Key("expert_group_used_count")) ?? 0;

        // Single experts of these are dense models that say so in an odd way.
        if (keys.Architecture is "hunyuan-dense" or "hunyuan_vl" && experts <= 1)
            (experts, used) = (0, 0);

        if (experts > MaximumExperts)
            throw keys.Bad(keys.Key("expert_count"), $"is {experts:N0}, the most is {MaximumExperts}");
        if (used > experts || (experts > 0 && used == 0))
            throw keys.Bad(keys.Key("expert_used_count"), $"is {used:N0} of {experts:N0} experts");
        if (experts == 0 ? groups > 0 : groups >= experts)
            throw keys.Bad(keys.Key("expert_group_count"), $"is {groups:N0} for {experts:N0} experts");
        if (groups > 1 && experts % groups != 0)
            throw keys.Bad(keys.Key("expert_group_count"), $"is {groups:N0}, which does not divide {experts:N0} experts");
        if (groups > 1 && (groupsUsed == 0 || groupsUsed >= groups))
            throw keys.Bad(keys.Key("expert_group_used_count"), $"is {groupsUsed:N0} of {groups:N0} groups");
    }

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
