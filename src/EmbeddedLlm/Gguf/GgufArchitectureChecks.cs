namespace EmbeddedLlm.Gguf;

/// <summary>
/// What the loaders and compute graphs of single architectures assert about their hyperparameters (llama.cpp v0.4.0, src/models), or
/// divide by. A key that is missing is left to llama.cpp, which names it.
/// </summary>
internal static partial class GgufArchitectureChecks
{
    public static void Check(GgufModelKeys keys, int layers)
    {
        if (keys.Architecture == "plm")
            throw keys.Bad("general.architecture", "is 'plm', with which llama.cpp ends the process");
        CheckRecurrence(keys, layers);
        CheckLayers(keys, layers);
        CheckWidths(keys, layers);
        CheckVocabulary(keys);
        CheckExperts(keys);
        CheckAttention(keys, layers);
    }

    private static void CheckExperts(GgufModelKeys keys)
    {
        switch (keys.Architecture)
        {
            // The layers that predict further tokens have experts, whose length is divided by the number of those that are used.
            case "nemotron_h" or "nemotron_h_moe" when Value(keys, "nextn_predict_layers") > 0 && Value(keys, "expert_used_count") == 0:
                throw keys.Bad(keys.Key("expert_used_count"), "is missing or 0");
            case "grovemoe":
                Require(keys, "experts_per_group", value => value > 0, "is 0");
                break;
            case "ernie4_5-moe":
                Require(keys, "interleave_moe_layer_step", value => value > 0, "is 0");
                break;
        }

        if (HasExpertsOnly(keys.Architecture) && Value(keys, "expert_count") == 0)
            throw keys.Bad(keys.Key("expert_count"), "is missing or 0");
    }

    // Loaders that assert that there are experts, or divide by the number of those that are used.
    private static bool HasExpertsOnly(string architecture) =>
        architecture is "bailingmoe2" or "glm4moe" or "grovemoe" or "lfm2moe" or "llada-moe" or "qwen35moe" or "qwen4exp" or "smallthinker";

    // How many layers there are beside those that are counted.
    private static void CheckLayers(GgufModelKeys keys, int layers)
    {
        switch (keys.Architecture)
        {
            case "nanbeige":
                uint most = (uint)(GgufHyperparameterChecks.MaximumLayers / layers);
                Require(keys, "num_loops", value => value > 0 && value <= most, "is 0 or makes too many layers");
                break;
            case "qwen3vl" or "qwen3vlmoe" or "qwen3tts":
                Require(keys, "n_deepstack_layers", value => value < layers, "leaves no layer after them");
                break;
        }
    }

    private static void CheckWidths(GgufModelKeys keys, int layers)
    {
        switch (keys.Architecture)
        {
            case "gemma-embedding":
                uint width = Value(keys, "embedding_length");
                Require(keys, "dense_2_feat_in", value => value == 0 || value == width, "is not the embedding's length");
                Require(keys, "dense_3_feat_out", value => value == 0 || value == width, "is not the embedding's length");
                break;
            case "deepseek2-ocr":
                uint head = Value(keys, "embedding_length") / Math.Max(1, keys.PerLayer(keys.Key("attention.head_count"), layers)?[0] ?? 1);
                Require(keys, "attention.key_length", value => value == head, $"is not {head:N0}");
                Require(keys, "attention.value_length", value => value == head, $"is not {head:N0}");
                if (keys.Single(keys.Key("rope.freq_base")) is float frequency && MathF.Abs(frequency - 10_000) >= 1e-4f)
                    throw keys.Bad(keys.Key("rope.freq_base"), "is not 10,000");
                break;
        }
    }

    // The logits of Chameleon's image tokens, which always are the same ones, are overwritten.
    private static void CheckVocabulary(GgufModelKeys keys)
    {
        const int Tokens = 8196;
        if (keys.Architecture == "chameleon" && keys.Strings("tokenizer.ggml.tokens") is not { Count: >= Tokens })
            throw keys.Bad("tokenizer.ggml.tokens", $"has fewer than the {Tokens:N0} tokens of this architecture");
    }

    private static uint KvHeads(GgufModelKeys keys, int layers) =>
        (keys.PerLayer(keys.Key("attention.head_count_kv"), layers) ?? keys.PerLayer(keys.Key("attention.head_count"), layers))?[0] ?? 0;

    private static uint Value(GgufModelKeys keys, string name) => keys.UInt32(keys.Key(name)) ?? 0;

    private static void Require(GgufModelKeys keys, string name, Func<uint, bool> isFine, string fault)
    {
        if (keys.UInt32(keys.Key(name)) is uint value && !isFine(value))
            throw keys.Bad(keys.Key(name), $"is {value:N0}, which {fault}");
    }

    private static void RequireDivisor(GgufModelKeys keys, string name, string dividedName)
    {
        uint divided = Value(keys, dividedName);
        Require(keys, name, value => value > 0 && divided % value == 0, $"does not divide '{dividedName}'");
    }
}
