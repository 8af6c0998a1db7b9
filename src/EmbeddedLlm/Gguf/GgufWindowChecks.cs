namespace EmbeddedLlm.Gguf;

/// <summary>
/// Sliding windows and shared caches: llama.cpp asserts that a model with a window has a layer that slides, that layers share the cache of one that has any, and that attention's temperature has a length.
/// </summary>
internal static class GgufWindowChecks
{
    private const string PatternKey = "attention.sliding_window_pattern";
    private const string WindowKey = "attention.sliding_window";

    public static void Check(GgufModelKeys keys, int layers)
    {
        int main = layers - (int)(keys.UInt32(keys.Key("nextn_predict_layers")) ?? 0);
        bool[]? slides = FindSliding(keys, main);
        if (slides is not null && !slides.Contains(true))
            throw keys.Bad(keys.Key(PatternKey), "leaves no layer with the window that the architecture has");
        // Without a cache there are masks for both kinds of layers, and where one is not used there is an assertion for it too.
        if (keys.Architecture is "gemma-embedding" or "modern-bert" && slides is not null && !slides.Contains(false))
            throw keys.Bad(keys.Key(PatternKey), "leaves no layer without the window");
        // Its graph takes a cache of two kinds for granted.
        if (keys.Architecture == "afmoe" && slides is null)
            throw keys.Bad(keys.Key(WindowKey), "is missing or 0");
        // Every fourth layer has no rotation, and the scale that it has instead is asserted to be used.
        if (keys.Architecture == "llama4" && slides is not null && main < 4)
            throw keys.Bad(keys.Key("block_count"), $"is {main:N0} where a layer of four has no rotation");
        if (keys.Architecture == "gemma4")
            CheckSharing(keys, layers, slides ?? new bool[main]);
        if (keys.Architecture is "deepseek2" or "mistral4" && keys.Single(keys.Key("attention.temperature_scale")) is float scale and not 0
            && keys.UInt32(keys.Key("attention.temperature_length")) is null or 0)
        {
            throw keys.Bad(keys.Key("attention.temperature_scale"), $"is {scale}, and 'attention.temperature_length' is missing or 0");
        }
    }

    // The layers that slide, or null where the architecture, or the model, has no window.
    private static bool[]? FindSliding(GgufModelKeys keys, int main)
    {
        uint? window = keys.UInt32(keys.Key(WindowKey));
        return keys.Architecture switch
        {
            "cohere2" or "exaone-moe" => Every(keys, main, 4, isDenseFirst: false),
            "gemma2" or "gpt-oss" => Every(keys, main, 2, isDenseFirst: false),
            "gemma3n" => Every(keys, main, 5, isDenseFirst: false),
            "exaone4" when main == 64 => Every(keys, main, 4, isDenseFirst: false),
            "gemma3" when window > 0 => Every(keys, main, 6, isDenseFirst: false),
            "plamo3" when window > 0 => Every(keys, main, 8, isDenseFirst: false),
            "afmoe" or "olmo2" when window > 0 => Every(keys, main, 4, isDenseFirst: false),
            "llama4" when window != 0 => Every(keys, main, 4, isDenseFirst: false),
            "smallthinker" or "laguna" when window > 0 => Every(keys, main, 4, isDenseFirst: true),
            "gemma-embedding" => Every(keys, main, 6, isDenseFirst: false),
            "modern-bert" when window > 0 => Every(keys, main, 3, isDenseFirst: true),
            "cohere2moe" => Listed(keys, main) ?? Every(keys, main, 4, isDenseFirst: true),
            "muse-glimmer" => Listed(keys, main) ?? Every(keys, main, 4, isDenseFirst: false),
            "mellum" when window > 0 => Listed(keys, main) ?? Every(keys, main, 4, isDenseFirst: false),
            "gemma4" or "mimo2" or "step35" or "granite_swa" => Listed(keys, main) ?? All(keys, main),
            _ => null,
        };
    }

    // One layer of so many looks at everything, the last of them or the first; with 0 none does.
    private static bool[] Every(GgufModelKeys keys, int main, uint period, bool isDenseFirst)
    {
        if (keys.TryGetValue(keys.Key(PatternKey), out GgufValue value) && value.Type != GgufValueType.Array)
            period = keys.UInt32(keys.Key(PatternKey))!.Value;

        bool[] slides = new bool[main];
        for (int layer = 0; layer < main; layer++)
            slides[layer] = period == 0 || (isDenseFirst ? layer % period != 0 : layer % period < period - 1);
        return slides;
    }

    // A truth value for each layer; there may be more of them than layers that count.
    private static bool[]? Listed(GgufModelKeys keys, int main)
    {
        if (!keys.TryGetValue(keys.Key(PatternKey), out GgufValue value) || value.Type != GgufValueType.Array)
            return null;

        GgufArray array = value.GetArray();
        if (array.ElementType is not (GgufValueType.UInt32 or GgufValueType.Int32 or GgufValueType.Boolean))
            throw keys.Bad(keys.Key(PatternKey), $"is an array of {array.ElementType}");

        bool[] slides = new bool[main];
        for (int layer = 0; layer < Math.Min(main, array.Count); layer++)
            slides[layer] = array.ElementType == GgufValueType.Boolean ? array.GetBoolean(layer) : array.GetInteger(layer) != 0;
        return slides;
    }

    // One value for all layers; where it is missing llama.cpp says so.
    private static bool[]? All(GgufModelKeys keys, int main) =>
        keys.UInt32(keys.Key(PatternKey)) is uint value ? [.. Enumerable.Repeat(value != 0, main)] : null;

    // The last layers use the caches of the last ones before them: of the very last where they look at everything, and of the one before it where they slide.
    private static void CheckSharing(GgufModelKeys keys, int layers, bool[] slides)
    {
        uint shared = keys.UInt32(keys.Key("attention.shared_kv_layers")) ?? 0;
        if (shared == 0)
            return;

        string key = keys.Key("attention.shared_kv_layers");
        if (shared > layers - 2)
            throw keys.Bad(key, $"is {shared:N0} of {layers} layers, of which two need caches of their own");

        int own = layers - (int)shared;
        for (int layer = own; layer < slides.Length; layer++)
        {
            int source = own - (slides[layer] ? 2 : 1);
            if (slides[source] != slides[layer])
                throw keys.Bad(key, $"has layer {layer} use the cache of layer {source}, which is not of its kind");
        }
    }
}
