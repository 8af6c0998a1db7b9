namespace EmbeddedLlm.Gguf;

/// <summary>What the compute graph of an architecture takes for granted about its hyperparameters.</summary>
[Flags]
internal enum GgufArchitecture
{
    /// <summary>Nothing that is checked here.</summary>
    None = 0,

    /// <summary>All layers have the same number of heads.</summary>
    UniformHeads = 1,

    /// <summary>The projections to queries, keys and values have a row for each element of each head.</summary>
    SizedProjections = 16,

    /// <summary>The heads of keys and values have one size.</summary>
    EqualKeysAndValues = 2,

    /// <summary>Rotary position encoding is used, in pairs and within a head.</summary>
    Rotary = 4,

    /// <summary>Rotary position encoding covers the whole head.</summary>
    FullRotary = 8 | Rotary,
}

/// <summary>The architectures of llama.cpp v0.4.0, and what their compute graphs (src/models) assert about heads.</summary>
internal static class GgufArchitectures
{
    private static readonly Dictionary<string, GgufArchitecture> Known = Build();

    /// <summary>The names of all.</summary>
    public static IEnumerable<string> Names => Known.Keys;

    /// <summary>Finds what is known of an architecture. llama.cpp refuses by itself what is not in the table.</summary>
    public static bool TryFind(string name, out GgufArchitecture architecture) => Known.TryGetValue(name, out architecture);

    /// <summary>Whether the architecture makes vectors only, and no text: llama.cpp gives it no KV cache, or no decoder.</summary>
    public static bool IsEncoder(string name) => name is "bert" or "eurobert" or "gemma-embedding" or "jina-bert-v2" or "jina-bert-v3" or "modern-bert" or "neo-bert"
        or "nomic-bert" or "nomic-bert-moe" or "t5encoder";

    /// <summary>Whether llama.cpp lets some layers of the architecture look back a window only, where the file has its length: those that set <c>swa_type</c>.</summary>
    public static bool HasWindow(string name) => name is "afmoe" or "cohere2" or "cohere2moe" or "exaone-moe" or "exaone4" or "gemma2" or "gemma3" or "gemma3n" or "gemma4" or "gpt-oss"
        or "granite_swa" or "laguna" or "lfm2" or "llama4" or "mellum" or "mimo2" or "muse-glimmer" or "olmo2" or "plamo3" or "smallthinker" or "step35";

    /// <summary>Whether layers of the architecture keep a state: llama.cpp's recurrent and hybrid ones (src/llama-arch.cpp).</summary>
    public static bool HasStates(string name) => name is "mamba" or "mamba2" or "rwkv6" or "rwkv6qwen2" or "rwkv7" or "arwkv7" or "jamba" or "falcon-h1" or "plamo2" or "granitehybrid" or "lfm2"
        or "lfm2moe" or "nemotron_h" or "nemotron_h_moe" or "qwen3next" or "kimi-linear" or "bailingmoe3" or "kimi-k3" or "qwen35" or "qwen35moe" or "qwen4exp" or "deepseek4" or "minimax-01";

    /// <summary>
    /// Whether the architecture's graph is right for one sequence of a step only: with several, llama.cpp mixes their states, and where each has more than a token it asserts.
    /// </summary>
    public static bool ComputesOneSequence(string name) => name is "plamo2";

    private static Dictionary<string, GgufArchitecture> Build()
    {
        Dictionary<string, GgufArchitecture> known = new(StringComparer.Ordinal);
        const GgufArchitecture Sized = GgufArchitecture.UniformHeads | GgufArchitecture.SizedProjections;
        const GgufArchitecture Plain = Sized | GgufArchitecture.EqualKeysAndValues;
        Add(known, Plain | GgufArchitecture.FullRotary,
            "apertus arcee arctic baichuan chameleon codeshell cogvlm cohere2moe dbrx deepseek dots1 dream ernie4_5 ernie4_5-moe exaone " +
            "exaone-moe exaone4 falcon granite granite_swa granitemoe graniteswitch grok grovemoe hunyuan-dense hunyuan-moe " +
            "hunyuan_vl hy_v3 internlm2 " +
            "jais2 llada llada-moe llama llama-embed llama4 maincoder mellum minicpm mistral3 olmo olmo2 olmoe orion " +
            "paddleocr pangu-embedded " +
            "plamo pockettts qwen2 qwen2moe qwen2vl qwen3 qwen3moe qwen3tts qwen3vl qwen3vlmoe rnd1 seed_oss smallthinker " +
            "smollm3 starcoder2 " +
            "talkie xverse");
        Add(known, Plain | GgufArchitecture.Rotary,
            "afmoe bailingmoe2 bert bitnet chatglm cohere2 command-r dflash eagle3 eurobert glm4 glm4moe gptneox jina-bert-v3 " +
            "minimax-m2 minimax-m3 modern-bert muse-glimmer nanbeige nemotron neo-bert nomic-bert nomic-bert-moe " +
            "phi2 phi3 phimoe qwen stablelm starcoder");
        Add(known, Plain, "bloom gpt2 jais jina-bert-v2 mpt refact t5 t5encoder");
        Add(known, Sized | GgufArchitecture.Rotary, "bailingmoe gemma gemma-embedding gemma2 gemma3 gemma3n gpt-oss");
        Add(known, GgufArchitecture.UniformHeads | GgufArchitecture.EqualKeysAndValues | GgufArchitecture.Rotary,
            "deepseek2-ocr deepseek4 minimax-01 qwen35 qwen35moe qwen3next qwen4exp");
        Add(known, GgufArchitecture.SizedProjections | GgufArchitecture.EqualKeysAndValues | GgufArchitecture.FullRotary, "deci");
        Add(known, GgufArchitecture.SizedProjections | GgufArchitecture.EqualKeysAndValues | GgufArchitecture.Rotary,
            "granitehybrid lfm2 lfm2moe openelm");
        Add(known, GgufArchitecture.EqualKeysAndValues, "nemotron_h nemotron_h_moe");
        Add(known, GgufArchitecture.UniformHeads | GgufArchitecture.Rotary, "falcon-h1");
        Add(known, GgufArchitecture.EqualKeysAndValues | GgufArchitecture.Rotary, "gemma4 laguna");
        Add(known, GgufArchitecture.Rotary, "gemma4-assistant mimo2 plamo2 plamo3");
        Add(known, GgufArchitecture.UniformHeads, "deepseek2 deepseek32 glm-dsa minicpm3 mistral4 plm");
        Add(known, GgufArchitecture.SizedProjections, "jamba");
        Add(known, GgufArchitecture.None,
            "arwkv7 bailingmoe3 clip dots3note kimi-k3 kimi-linear mamba mamba2 rwkv6 rwkv6qwen2 rwkv7 step35 wavtokenizer-dec");
        return known;
    }

    private static void Add(Dictionary<string, GgufArchitecture> known, GgufArchitecture architecture, string names)
    {
        foreach (string name in names.Split(' '))
            known.Add(name, architecture);
    }
}
