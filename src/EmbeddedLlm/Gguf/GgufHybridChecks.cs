namespace EmbeddedLlm.Gguf;

/// <summary>
/// Models of recurrent layers and layers with attention: their graphs make inputs for both kinds, and where no layer uses those of one, llama.cpp asserts that it has memory for them.
/// </summary>
internal static class GgufHybridChecks
{
    public static void Check(GgufModelKeys keys, int layers)
    {
        int main = layers - (int)(keys.UInt32(keys.Key("nextn_predict_layers")) ?? 0);
        switch (keys.Architecture)
        {
            case "jamba" or "granitehybrid" or "plamo2" or "lfm2" or "lfm2moe" or "kimi-linear" or "kimi-k3" or "bailingmoe3":
                CheckBoth(keys, main, keys.Key("attention.head_count_kv"), [.. KvHeads(keys, layers).Select(heads => (heads == 0, heads != 0))]);
                break;
            case "nemotron_h" or "nemotron_h_moe":
                uint[] feedForward = keys.PerLayer(keys.Key("feed_forward_length"), layers) ?? new uint[layers];
                CheckBoth(keys, main, keys.Key("attention.head_count_kv"), [.. KvHeads(keys, layers).Zip(feedForward, (heads, length) => (heads == 0 && length == 0, heads != 0 && length == 0))]);
                break;
            case "qwen3next" or "qwen35" or "qwen35moe" or "qwen4exp":
                CheckInterval(keys, layers, main, otherwise: 4);
                break;
            case "minimax-01":
                CheckInterval(keys, layers, main, otherwise: 8);
                break;
        }
    }

    private static uint[] KvHeads(GgufModelKeys keys, int layers) =>
        keys.PerLayer(keys.Key("attention.head_count_kv"), layers) ?? keys.PerLayer(keys.Key("attention.head_count"), layers) ?? new uint[layers];

    // Every so many layers there is one with attention, unless a list says which are recurrent.
    private static void CheckInterval(GgufModelKeys keys, int layers, int main, uint otherwise)
    {
        string listKey = keys.Key("attention.recurrent_layers");
        if (keys.PerLayer(listKey, layers) is { } list)
        {
            CheckBoth(keys, main, listKey, [.. list.Select(value => (value != 0, value == 0))]);
            return;
        }

        string key = keys.Key("full_attention_interval");
        uint interval = keys.UInt32(key) ?? otherwise;
        if (interval == 0)
            throw keys.Bad(key, "is 0");

        CheckBoth(keys, main, key, [.. Enumerable.Range(1, layers).Select(number => (number % interval != 0, number % interval == 0))]);
    }

    private static void CheckBoth(GgufModelKeys keys, int main, string key, (bool IsRecurrent, bool HasAttention)[] layers)
    {
        if (!layers.Take(main).Any(layer => layer.IsRecurrent) || !layers.Take(main).Any(layer => layer.HasAttention))
            throw keys.Bad(key, "leaves no recurrent layer, or none with attention");
    }
}
