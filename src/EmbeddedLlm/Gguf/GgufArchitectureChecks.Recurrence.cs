namespace EmbeddedLlm.Gguf;

/// <content>Layers that keep a state: state spaces, the delta rule, RWKV, short convolutions.</content>
internal static partial class GgufArchitectureChecks
{
    private static void CheckRecurrence(GgufModelKeys keys, int layers)
    {
        switch (keys.Architecture)
        {
            case "jamba" or "granitehybrid":
                uint width = Value(keys, "embedding_length");
                Require(keys, "ssm.inner_size", value => value == 2L * width, "is not twice the embedding's length");
                CheckStateSpace(keys);
                break;
            case "mamba2" or "falcon-h1" or "nemotron_h" or "nemotron_h_moe":
                CheckStateSpace(keys);
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
            case "bailingmoe3":
                if (keys.Boolean(keys.Key("kda.safe_gate")) == false)
                    throw keys.Bad(keys.Key("kda.safe_gate"), "is false");
                if (keys.Single(keys.Key("kda.gate_lower_bound")) >= 0)
                    throw keys.Bad(keys.Key("kda.gate_lower_bound"), "is not negative");
                break;
            case "lfm2" or "lfm2moe":
                Require(keys, "shortconv.l_cache", value => value > 1, "is not above 1");
                // Where attention looks both ways, so does the convolution, around the middle of its window.
                if (keys.Boolean(keys.Key("attention.causal")) == false)
                    Require(keys, "shortconv.l_cache", value => value % 2 != 0, "has no middle, and attention is not causal");
                break;
            case "rwkv6" or "rwkv7" or "rwkv6qwen2" or "arwkv7":
                CheckRwkv(keys, layers);
                break;
        }
    }

    // Inner elements are spread evenly over heads and groups.
    private static void CheckStateSpace(GgufModelKeys keys)
    {
        if (keys.Architecture == "jamba")
            return;

        RequireDivisor(keys, "ssm.time_step_rank", "ssm.inner_size");
        RequireDivisor(keys, "ssm.group_count", "ssm.inner_size");
    }

    private static void CheckRwkv(GgufModelKeys keys, int layers)
    {
        RequireDivisor(keys, "wkv.head_size", "embedding_length");
        uint shifts = keys.Architecture is "rwkv6" or "rwkv7" ? 2u : 1u;
        if ((keys.UInt32(keys.Key("token_shift_count")) ?? 2) != shifts)
            throw keys.Bad(keys.Key("token_shift_count"), $"is not {shifts}");
        if (keys.Architecture is not ("rwkv6" or "rwkv6qwen2"))
            return;

        // Every layer reads its own number, and its state is laid out for the first.
        if (keys.PerLayer(keys.Key("attention.head_count_kv"), layers)?.Distinct().Count() > 1)
            throw keys.Bad(keys.Key("attention.head_count_kv"), "differs between layers");
        if (Value(keys, "wkv.head_size") is not (> 0 and uint size) || KvHeads(keys, layers) is not (> 0 and uint kv))
            return;
        uint heads = Value(keys, "embedding_length") / size;
        if (keys.Architecture == "rwkv6" ? heads != kv : heads % kv != 0)
            throw keys.Bad(keys.Key("attention.head_count_kv"), $"is {kv:N0} for {heads:N0} heads");
    }
}
