using System.Collections.Frozen;

namespace EmbeddedLlm.Gguf;

/// <summary>What the compute graph of an architecture takes for granted about its hyperparameters.</summary>
[Flags]
internal enum GgufArchitecture
{
    /// <summary>Nothing that is known here.</summary>
    None = 0,

    /// <summary>The heads of keys and values have one size.</summary>
    EqualKeysAndValues = 1,

    /// <summary>Rotary position encoding is used, in pairs and within a head.</summary>
    Rotary = 2,

    /// <summary>Rotary position encoding covers the whole head.</summary>
    FullRotary = 4 | Rotary,
}

/// <summary>The architectures of llama.cpp v0.4.0 whose compute graphs (src/models) assert something about head sizes.</summary>
internal static class GgufArchitectures
{
    private static readonly FrozenDictionary<string, GgufArchitecture> Known = Build();

    /// <summary>What is known of an architecture; nothing where it is not in the table, as with one that is newer than it.</summary>
    public static GgufArchitecture Find(string name) => Known.GetValueOrDefault(name);

    private static FrozenDictionary<string, GgufArchitecture> Build()
    {
        Dictionary<string, GgufArchitecture> known = new(StringComparer.Ordinal);
        Add(known, GgufArchitecture.EqualKeysAndValues | GgufArchitecture.FullRotary,
            "apertus arcee arctic baichuan chameleon codeshell cogvlm cohere2moe dbrx deci deepseek dots1 dream ernie4_5 ernie4_5-moe exaone " +
            "exaone-moe exaone4 falcon granite granite_swa granitemoe graniteswitch grok grovemoe hunyuan-dense hunyuan-moe hunyuan_vl hy_v3 internlm2 " +
            "jais2 llada llada-moe llama llama-embed llama4 maincoder mellum minicpm mistral3 olmo olmo2 olmoe orion paddleocr pangu-embedded " +
            "plamo pockettts qwen2 qwen2moe qwen2vl qwen3 qwen3moe qwen3tts qwen3vl qwen3vlmoe rnd1 seed_oss smallthinker smollm3 starcoder2 " +
            "talkie xverse");
        Add(known, GgufArchitecture.EqualKeysAndValues | GgufArchitecture.Rotary,
            "afmoe bailingmoe2 bert bitnet chatglm cohere2 command-r dflash eagle3 eurobert glm4 glm4moe gptneox granitehybrid jina-bert-v3 " +
            "laguna minimax-01 minimax-m2 minimax-m3 modern-bert muse-glimmer nanbeige nemotron neo-bert nomic-bert nomic-bert-moe openelm " +
            "phi2 phi3 phimoe qwen qwen35 qwen35moe qwen3next qwen4exp stablelm starcoder");
        Add(known, GgufArchitecture.EqualKeysAndValues, "bloom gpt2 jais jina-bert-v2 mpt nemotron_h nemotron_h_moe refact t5 t5encoder");
        Add(known, GgufArchitecture.Rotary,
            "bailingmoe falcon-h1 gemma gemma-embedding gemma2 gemma3 gemma3n gemma4 gpt-oss lfm2 lfm2moe plamo2 plamo3");
        return known.ToFrozenDictionary(StringComparer.Ordinal);
    }

    private static void Add(Dictionary<string, GgufArchitecture> known, GgufArchitecture architecture, string names)
    {
        foreach (string name in names.Split(' '))
            known.Add(name, architecture);
    }
}
