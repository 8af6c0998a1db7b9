namespace EmbeddedLlm.Gguf;

/// <summary>
/// What the loaders and compute graphs of single architectures assert about their hyperparameters (llama.cpp v0.4.0, src/models), or
/// divide by. A key that is missing is left to llama.cpp, which names it.
/// </summary>
internal static class GgufArchitectureChecks
{
    private const string SectionsKey = "rope.dimension_sections";

    public static void Check(GgufModelKeys keys, int layers)
    {
        switch (keys.Architecture)
        {
            case "jamba" or "granitehybrid":
                Require(keys, "ssm.inner_size", value => value == 2L * Width(), "is not twice the embedding's length");
                CheckStateSpace(keys);
                break;
            case "mamba2" or "falcon-h1" or "nemotron_h" or "nemotron_h_moe":
                CheckStateSpace(keys);
                // The layers that predict further tokens have experts, whose length is divided by the number of those that are used.
                if (keys.Architecture is "nemotron_h" or "nemotron_h_moe" && Value(keys, "nextn_predict_layers") > 0 && Value(keys, "expert_used_count") == 0)
                    throw keys.Bad(keys.Key("expert_used_count"), "is missing or 0");
                break;
            case "plamo2":
                Require(keys, "ssm.group_count", value => value == 0, "is not 0");
                RequireDivisor(keys, "ssm.time_step_rank", "ssm.inner_size");
                // Rotation is sized for the first layer's heads, and without any llama.cpp's loop over them does not end.
                if (keys.PerLayer(keys.Key("attention.head_count"), layers) is [0, ..])
                    throw keys.Bad(keys.Key("attention.head_count"), "is 0 for the first layer");
                break;
            case "qwen3next" or "qwen35" or "qwen35moe" or "qwen4exp":
                RequireDivisor(keys, "ssm.group_count", "ssm.time_step_rank");
                RequireDivisor(keys, "ssm.time_step_rank", "ssm.inner_size");
                // Keys and values of the delta rule are of one size.
                Require(keys, "ssm.inner_size", value => value == (long)Value(keys, "ssm.state_size") * Value(keys, "ssm.time_step_rank"), "is not the size of the state for each time step's head");
                break;
            case "chameleon":
                // The logits of its image tokens, which always are the same ones, are overwritten.
                const int Tokens = 8196;
                if (keys.Strings("tokenizer.ggml.tokens") is not { Count: >= Tokens })
                    throw keys.Bad("tokenizer.ggml.tokens", $"has fewer than the {Tokens:N0} tokens of this architecture");
                break;
            case "plm":
                throw keys.Bad("general.architecture", "is 'plm', with which llama.cpp ends the process");
            case "rwkv6" or "rwkv7" or "rwkv6qwen2" or "arwkv7":
                RequireDivisor(keys, "wkv.head_size", "embedding_length");
                uint shifts = keys.Architecture is "rwkv6" or "rwkv7" ? 2u : 1u;
                if ((keys.UInt32(keys.Key("token_shift_count")) ?? 2) != shifts)
                    throw keys.Bad(keys.Key("token_shift_count"), $"is not {shifts}");
                break;
            case "grovemoe":
                Require(keys, "experts_per_group", value => value > 0, "is 0");
                break;
            case "deepseek4":
                CheckHyperConnections(keys, layers);
                break;
            case "glm-dsa":
                if (keys.PerLayer(keys.Key("attention.indexer.types"), layers - (int)Value(keys, "nextn_predict_layers")) is [0, ..])
                    throw keys.Bad(keys.Key("attention.indexer.types"), "has the first layer use the choice of one before it");
                break;
            case "lfm2" or "lfm2moe":
                Require(keys, "shortconv.l_cache", value => value > 1, "is not above 1");
                // Where attention looks both ways, so does the convolution, around the middle of its window.
                if (keys.Boolean(keys.Key("attention.causal")) == false)
                    Require(keys, "shortconv.l_cache", value => value % 2 != 0, "has no middle, and attention is not causal");
                break;
            case "step35":
                CheckHalfRotation(keys, layers);
                break;
            case "ernie4_5-moe":
                Require(keys, "interleave_moe_layer_step", value => value > 0, "is 0");
                break;
            case "nanbeige":
                uint most = (uint)(GgufHyperparameterChecks.MaximumLayers / layers);
                Require(keys, "num_loops", value => value > 0 && value <= most, "is 0 or makes too many layers");
                break;
            case "qwen3vl" or "qwen3vlmoe" or "qwen3tts":
                Require(keys, "n_deepstack_layers", value => value < layers, "leaves no layer after them");
                break;
            case "gemma-embedding":
                Require(keys, "dense_2_feat_in", IsWidthOrNone, "is not the embedding's length");
                Require(keys, "dense_3_feat_out", IsWidthOrNone, "is not the embedding's length");
                break;
            case "deepseek2-ocr":
                uint ocrHead = Width() / Math.Max(1, keys.PerLayer(keys.Key("attention.head_count"), layers)?[0] ?? 1);
                Require(keys, "attention.key_length", value => value == ocrHead, $"is not {ocrHead:N0}");
                Require(keys, "attention.value_length", value => value == ocrHead, $"is not {ocrHead:N0}");
                if (keys.Single(keys.Key("rope.freq_base")) is float frequency && MathF.Abs(frequency - 10_000) >= 1e-4f)
                    throw keys.Bad(keys.Key("rope.freq_base"), "is not 10,000");
                break;
            case "minimax-m3":
                Require(keys, "attention.indexer.block_size", value => value > 0, "is 0");
                uint kvHeads = KvHeads(keys, layers);
                Require(keys, "attention.indexer.head_count", value => value == kvHeads, "is not the number of key and value heads");
                break;
            case "bailingmoe3":
                if (keys.Boolean(keys.Key("kda.safe_gate")) == false)
                    throw keys.Bad(keys.Key("kda.safe_gate"), "is false");
                if (keys.Single(keys.Key("kda.gate_lower_bound")) >= 0)
                    throw keys.Bad(keys.Key("kda.gate_lower_bound"), "is not negative");
                break;
        }

        // Every layer reads its own number, and its state is laid out for the first.
        if (keys.Architecture is "rwkv6" or "rwkv6qwen2" && keys.PerLayer(keys.Key("attention.head_count_kv"), layers)?.Distinct().Count() > 1)
            throw keys.Bad(keys.Key("attention.head_count_kv"), "differs between layers");
        if (Value(keys, "wkv.head_size") is > 0 and uint size && KvHeads(keys, layers) is > 0 and uint kv
            && (keys.Architecture == "rwkv6" ? Width() / size != kv : keys.Architecture == "rwkv6qwen2" && Width() / size % kv != 0))
        {
            throw keys.Bad(keys.Key("attention.head_count_kv"), $"is {kv:N0} for {Width() / size:N0} heads");
        }

        if (HasExpertsOnly(keys.Architecture) && Value(keys, "expert_count") == 0)
            throw keys.Bad(keys.Key("expert_count"), "is missing or 0");

        CheckLatentAttention(keys, layers);
        CheckRotarySections(keys);

        uint Width() => Value(keys, "embedding_length");
        bool IsWidthOrNone(uint value) => value == 0 || value == Width();
    }

    // Layers without a window rotate half of the elements that the key says.
    private static void CheckHalfRotation(GgufModelKeys keys, int layers)
    {
        uint heads = keys.PerLayer(keys.Key("attention.head_count"), layers)?.FirstOrDefault() ?? 0;
        uint key = keys.UInt32(keys.Key("attention.key_length")) ?? (heads == 0 ? 0 : Value(keys, "embedding_length") / heads);
        uint rope = keys.UInt32(keys.Key("rope.dimension_count")) ?? key;
        uint slidingKey = keys.UInt32(keys.Key("attention.key_length_swa")) ?? key;
        uint slidingRope = keys.UInt32(keys.Key("rope.dimension_count_swa")) ?? rope;
        if (rope == 0 || rope % 4 != 0 || rope / 2 > key)
            throw keys.Bad(keys.Key("rope.dimension_count"), $"is {rope:N0} in heads of {key:N0}: half of it is even, not 0, and not larger than a head");
        if (slidingRope == 0 || slidingRope % 2 != 0 || slidingRope > slidingKey)
            throw keys.Bad(keys.Key("rope.dimension_count_swa"), $"is {slidingRope:N0} in heads of {slidingKey:N0}: it is even, not 0, and not larger than a head");
    }

    // Loaders that assert that there are experts, or divide by the number of those that are used.
    private static bool HasExpertsOnly(string architecture) =>
        architecture is "bailingmoe2" or "glm4moe" or "grovemoe" or "lfm2moe" or "llada-moe" or "qwen35moe" or "qwen4exp" or "smallthinker";

    // DeepSeek 4: its graph is written for four streams, and spreads heads evenly over groups.
    private static void CheckHyperConnections(GgufModelKeys keys, int layers)
    {
        const uint Streams = 4;
        Require(keys, "hyper_connection.count", value => value == Streams, $"is not {Streams}");
        uint heads = keys.PerLayer(keys.Key("attention.head_count"), layers)?.FirstOrDefault() ?? 0;
        Require(keys, "attention.output_group_count", value => value > 0 && heads % value == 0, $"does not divide {heads:N0} heads");
        uint key = Value(keys, "attention.key_length");
        uint rope = keys.UInt32(keys.Key("rope.dimension_count")) ?? key;
        if (rope > key || rope % 2 != 0 || key != Value(keys, "attention.value_length"))
            throw keys.Bad(keys.Key("attention.key_length"), "is not that of values, or smaller than its rotated part");
        Require(keys, "attention.indexer.key_length", value => value >= rope, "is smaller than the rotated part of a key");
        if (keys.TryGetValue(keys.Key("attention.compress_ratios"), out GgufValue ratios) && ratios.Type == GgufValueType.Array
            && ratios.GetArray().Count > GgufHyperparameterChecks.MaximumLayers)
        {
            throw keys.Bad(keys.Key("attention.compress_ratios"), $"has {ratios.GetArray().Count:N0} elements");
        }
    }

    // Multi-head latent attention: a cached row is the compressed one and the rotary part beside it.
    private static void CheckLatentAttention(GgufModelKeys keys, int layers)
    {
        CheckLatentHeads(keys, layers);
        bool isOfThisKind = keys.Architecture is "bailingmoe3" or "deepseek2" or "deepseek32" or "dots3note" or "glm-dsa"
            or "kimi-k3" or "kimi-linear" or "mistral4" or "plm";
        if (!isOfThisKind)
            return;

        uint heads = keys.PerLayer(keys.Key("attention.head_count"), layers)?.FirstOrDefault() ?? 0;
        uint key = keys.UInt32(keys.Key("attention.key_length")) ?? (heads == 0 ? 0 : Value(keys, "embedding_length") / heads);
        uint rope = keys.UInt32(keys.Key("rope.dimension_count")) ?? key;
        uint mlaKey = Value(keys, "attention.key_length_mla");
        bool isLatent = keys.Architecture != "plm" && mlaKey > 0 && Value(keys, "attention.value_length_mla") > 0;
        uint rank = Value(keys, "attention.kv_lora_rank");

        bool isAlwaysLatent = keys.Architecture is "bailingmoe3" or "deepseek32" or "dots3note" or "glm-dsa";
        if (!isLatent && isAlwaysLatent)
            throw keys.Bad(keys.Key("attention.key_length_mla"), "is missing or 0");
        if ((isLatent ? mlaKey : key) <= rope)
            throw keys.Bad(keys.Key("rope.dimension_count"), $"is {rope:N0}, which leaves nothing of a key without rotation");
        if (rope % 2 != 0 || rope == 0)
            throw keys.Bad(keys.Key("rope.dimension_count"), $"is {rope:N0}, not even or 0");
        if (isLatent && rank > 0 && key != (long)rank + rope)
            throw keys.Bad(keys.Key("attention.key_length"),
                $"is {key:N0}, not the sum of a rank of {rank:N0} and {rope:N0} rotated elements");
        if (isLatent && rank > 0 && Value(keys, "attention.value_length") != rank)
            throw keys.Bad(keys.Key("attention.value_length"), $"is not the rank of {rank:N0}");
        if (isAlwaysLatent)
            Require(keys, "attention.indexer.key_length", value => value >= rope, "is smaller than the rotated part of a key");
    }

    // All heads share one compressed key; where it is not kept compressed, each has its own. Layers without any are recurrent.
    private static void CheckLatentHeads(GgufModelKeys keys, int layers)
    {
        bool isLatentKind = keys.Architecture is "bailingmoe3" or "deepseek2" or "deepseek32" or "glm-dsa" or "kimi-k3" or "kimi-linear" or "mistral4";
        if (!isLatentKind && keys.Architecture is not ("deepseek2-ocr" or "minicpm3" or "olmoe"))
            return;

        bool isLatent = isLatentKind && Value(keys, "attention.key_length_mla") > 0 && Value(keys, "attention.value_length_mla") > 0;
        uint[] heads = keys.PerLayer(keys.Key("attention.head_count"), layers) ?? new uint[layers];
        uint[] kvHeads = keys.PerLayer(keys.Key("attention.head_count_kv"), layers) ?? heads;
        for (int layer = 0; layer < layers; layer++)
        {
            uint expected = isLatent ? 1 : heads[layer];
            bool isRecurrent = kvHeads[layer] == 0 && keys.Architecture is "bailingmoe3" or "kimi-k3" or "kimi-linear";
            if (!isRecurrent && kvHeads[layer] != expected)
                throw keys.Bad(keys.Key("attention.head_count_kv"), $"is {kvHeads[layer]:N0} in layer {layer}, in this architecture always {expected:N0}");
        }
    }

    // Positions of several axes, as models that see images have them: the rotated elements are dealt out to sections.
    private static void CheckRotarySections(GgufModelKeys keys)
    {
        const int Sections = 4;
        string key = keys.Key(SectionsKey);
        bool isOptional = keys.Architecture is "deepseek32" or "dflash" or "ernie4_5" or "glm-dsa" or "glm4" or "glm4moe" or "hunyuan_vl";
        bool isRequired = keys.Architecture is "paddleocr" or "qwen2vl" or "qwen3vl" or "qwen3vlmoe" or "qwen3tts"
            or "qwen35" or "qwen35moe" or "qwen4exp";
        if (!isOptional && !isRequired)
            return;

        uint[]? sections = keys.PerLayer(key, Sections);
        if (sections is null && isRequired)
            throw GgufModelKeys.Missing(key);
        if (sections is null || (!isRequired && sections.All(section => section == 0)))
            return;

        uint head = keys.UInt32(keys.Key("attention.key_length")) is uint size ? size : uint.MaxValue;
        if (sections.Any(section => section > int.MaxValue) || sections.Sum(section => (long)section) > head)
            throw keys.Bad(key, "has more elements than a head");
        if (sections.Take(Sections - 1).All(section => section == 0))
            throw keys.Bad(key, "is 0");
    }

    // Inner elements are spread evenly over heads and groups.
    private static void CheckStateSpace(GgufModelKeys keys)
    {
        if (keys.Architecture == "jamba")
            return;

        RequireDivisor(keys, "ssm.time_step_rank", "ssm.inner_size");
        RequireDivisor(keys, "ssm.group_count", "ssm.inner_size");
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
