namespace EmbeddedLlm.Gguf;

/// <content>Attention beyond the usual: indexers, latent attention, sections of rotation.</content>
internal static partial class GgufArchitectureChecks
{
    private const string SectionsKey = "rope.dimension_sections";

    private static void CheckAttention(GgufModelKeys keys, int layers)
    {
        switch (keys.Architecture)
        {
            case "deepseek4":
                CheckHyperConnections(keys, layers);
                break;
            case "glm-dsa":
                if (keys.PerLayer(keys.Key("attention.indexer.types"), layers - (int)Value(keys, "nextn_predict_layers")) is [0, ..])
                    throw keys.Bad(keys.Key("attention.indexer.types"), "has the first layer use the choice of one before it");
                break;
            case "step35":
                CheckHalfRotation(keys, layers);
                break;
            case "minimax-m3":
                Require(keys, "attention.indexer.block_size", value => value > 0, "is 0");
                uint kvHeads = KvHeads(keys, layers);
                Require(keys, "attention.indexer.head_count", value => value == kvHeads, "is not the number of key and value heads");
                break;
        }

        CheckLatentAttention(keys, layers);
        CheckRotarySections(keys);
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
}
