using EmbeddedLlm.Gguf;

namespace EmbeddedLlm.SyntheticModels;

/// <summary>
/// Writes models with random weights that load and decode like real ones, for tests of what weights do not matter to: layout, speed,
/// memory.
/// </summary>
internal static class SyntheticModel
{
    /// <summary>Writes a model file. The same arguments always give the same bytes.</summary>
    /// <param name="path">The file to write; replaced where it exists.</param>
    /// <param name="shape">The hyperparameters.</param>
    /// <param name="vocabulary">The tokenizer.</param>
    /// <param name="seed">Of the weights.</param>
    public static void Write(string path, SyntheticShape shape, SyntheticVocabulary vocabulary, ulong seed = 1)
    {
        using FileStream stream = new(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        Describe(shape, vocabulary, seed).Write(stream);
    }

    /// <summary>Describes a model, to be changed or written elsewhere.</summary>
    public static GgufWriter Describe(SyntheticShape shape, SyntheticVocabulary vocabulary, ulong seed = 1)
    {
        ArgumentNullException.ThrowIfNull(shape);
        ArgumentNullException.ThrowIfNull(vocabulary);
        GgufWriter writer = new();
        AddMetadata(writer, shape, vocabulary);
        new Tensors(writer, shape, seed).AddAll(vocabulary.TokenCount);
        return writer;
    }

    private static void AddMetadata(GgufWriter writer, SyntheticShape shape, SyntheticVocabulary vocabulary)
    {
        string prefix = shape.Architecture;
        writer.Add("general.architecture", prefix);
        writer.Add("general.type", "model");
        writer.Add("general.name", $"synthetic {prefix} {shape.Layers}x{shape.Width}");
        writer.Add($"{prefix}.block_count", (uint)shape.Layers);
        writer.Add($"{prefix}.context_length", (uint)shape.ContextLength);
        writer.Add($"{prefix}.embedding_length", (uint)shape.Width);
        writer.Add($"{prefix}.feed_forward_length", (uint)shape.FeedForward);
        writer.Add($"{prefix}.attention.head_count", (uint)shape.Heads);
        if (Enumerable.Range(0, shape.Layers).Any(shape.IsRecurrent))
            writer.AddArray<uint>($"{prefix}.attention.head_count_kv", [.. Enumerable.Range(0, shape.Layers).Select(layer => shape.IsRecurrent(layer) ? 0 : (uint)shape.KvHeads)]);
        else
            writer.Add($"{prefix}.attention.head_count_kv", (uint)shape.KvHeads);
        writer.Add($"{prefix}.attention.key_length", (uint)shape.HeadSize);
        writer.Add($"{prefix}.attention.value_length", (uint)shape.HeadSize);
        writer.Add($"{prefix}.rope.dimension_count", (uint)shape.HeadSize);
        writer.Add($"{prefix}.rope.freq_base", shape.RopeBase);
        writer.Add($"{prefix}.attention.layer_norm_rms_epsilon", shape.Epsilon);
        if (shape.Window > 0)
            writer.Add($"{prefix}.attention.sliding_window", (uint)shape.Window);
        if (shape.StateSize > 0)
        {
            writer.Add($"{prefix}.ssm.conv_kernel", (uint)Tensors.Convolution);
            writer.Add($"{prefix}.ssm.inner_size", (uint)shape.Width * 2);
            writer.Add($"{prefix}.ssm.state_size", (uint)shape.StateSize);
            writer.Add($"{prefix}.ssm.time_step_rank", (uint)shape.Heads);
            writer.Add($"{prefix}.ssm.group_count", 1u);
        }

        if (prefix == "lfm2")
            writer.Add($"{prefix}.shortconv.l_cache", (uint)Tensors.Convolution);
        writer.Add($"{prefix}.vocab_size", (uint)vocabulary.TokenCount);
        writer.Add("general.quantization_version", 2u);
        writer.Add("general.file_type", SyntheticMixes.FileType(shape.Mix));
        vocabulary.AddTo(writer);
    }

    private sealed class Tensors(GgufWriter writer, SyntheticShape shape, ulong seed)
    {
        /// <summary>The tokens that a convolution looks at.</summary>
        public const int Convolution = 4;

        private ulong _index;

        public void AddAll(int tokenCount)
        {
            AddMatrix("token_embd.weight", shape.Width, tokenCount, layer: 0, gain: 2);
            AddVector(shape.Architecture == "lfm2" ? "token_embd_norm.weight" : "output_norm.weight", shape.Width, mean: 1);
            if (!shape.TiedEmbeddings)
                AddMatrix("output.weight", shape.Width, tokenCount, layer: 0, gain: 2);
            if (shape.RopeFactors)
                AddVector("rope_freqs.weight", shape.HeadSize / 2, mean: 1);

            for (int layer = 0; layer < shape.Layers; layer++)
                AddLayer(layer);
        }

        private void AddLayer(int layer)
        {
            string prefix = $"blk.{layer}.";
            AddVector(prefix + "attn_norm.weight", shape.Width, mean: 1);
            if (!shape.IsRecurrent(layer))
                AddAttention(prefix, layer);
            else if (shape.Architecture == "lfm2")
                AddShortConvolution(prefix, layer);
            else
                AddStateSpace(prefix, layer);
            if (shape.Architecture == "mamba2")
                return;

            AddVector(prefix + "ffn_norm.weight", shape.Width, mean: 1);
            AddMatrix(prefix + "ffn_gate.weight", shape.Width, shape.FeedForward, layer);
            AddMatrix(prefix + "ffn_up.weight", shape.Width, shape.FeedForward, layer);
            AddMatrix(prefix + "ffn_down.weight", shape.FeedForward, shape.Width, layer);
            if (shape.Architecture == "gemma2")
                AddVector(prefix + "post_ffw_norm.weight", shape.Width, mean: 1);
        }

        private void AddAttention(string prefix, int layer)
        {
            int queryWidth = shape.Heads * shape.HeadSize;
            int kvWidth = shape.KvHeads * shape.HeadSize;
            AddMatrix(prefix + "attn_q.weight", shape.Width, queryWidth, layer);
            AddMatrix(prefix + "attn_k.weight", shape.Width, kvWidth, layer);
            AddMatrix(prefix + "attn_v.weight", shape.Width, kvWidth, layer);
            AddMatrix(prefix + "attn_output.weight", queryWidth, shape.Width, layer);
            if (shape.Architecture == "qwen2")
            {
                AddVector(prefix + "attn_q.bias", queryWidth, mean: 0);
                AddVector(prefix + "attn_k.bias", kvWidth, mean: 0);
                AddVector(prefix + "attn_v.bias", kvWidth, mean: 0);
            }
            else if (shape.Architecture is "qwen3" or "lfm2")
            {
                AddVector(prefix + "attn_q_norm.weight", shape.HeadSize, mean: 1);
                AddVector(prefix + "attn_k_norm.weight", shape.HeadSize, mean: 1);
            }
            else if (shape.Architecture == "gemma2")
            {
                AddVector(prefix + "post_attention_norm.weight", shape.Width, mean: 1);
            }
        }

        private void AddShortConvolution(string prefix, int layer)
        {
            AddNumbers(prefix + "shortconv.conv.weight", [Convolution, shape.Width], deviation: 0.5f);
            AddMatrix(prefix + "shortconv.in_proj.weight", shape.Width, 3 * shape.Width, layer);
            AddMatrix(prefix + "shortconv.out_proj.weight", shape.Width, shape.Width, layer);
        }

        private void AddStateSpace(string prefix, int layer)
        {
            int inner = 2 * shape.Width;
            int convolved = inner + (2 * shape.StateSize);
            AddMatrix(prefix + "ssm_in.weight", shape.Width, inner + convolved + shape.Heads, layer);
            AddNumbers(prefix + "ssm_conv1d.weight", [Convolution, convolved], deviation: 0.5f);
            AddVector(prefix + "ssm_conv1d.bias", convolved, mean: 0);
            AddVector(prefix + "ssm_dt.bias", shape.Heads, mean: 0);
            // What is forgotten of the state from token to token: little, so that early tokens tell.
            AddNumbers(prefix + "ssm_a", [1, shape.Heads], deviation: 0.01f, mean: -0.05f);
            AddNumbers(prefix + "ssm_d", [1, shape.Heads], deviation: 0.05f, mean: 1);
            AddNumbers(prefix + "ssm_norm.weight", [inner, 1], deviation: 0.05f, mean: 1);
            AddMatrix(prefix + "ssm_out.weight", inner, shape.Width, layer);
        }

        // A deviation of gain / √columns keeps activations, and with them logits, near 1 whatever the width.
        private void AddMatrix(string name, int columns, int rows, int layer, float gain = 1)
        {
            GgmlType type = SyntheticMixes.TypeOf(shape.Mix, name, columns, layer, shape.Layers, shape.TiedEmbeddings);
            SyntheticWeights weights = new(type, seed, _index++, gain / MathF.Sqrt(columns));
            writer.AddTensor(name, type, [columns, rows], weights.Fill);
        }

        private void AddVector(string name, int length, float mean) => AddNumbers(name, [length], deviation: 0.05f, mean);

        private void AddNumbers(string name, ReadOnlySpan<long> dimensions, float deviation, float mean = 0)
        {
            SyntheticWeights weights = new(GgmlType.F32, seed, _index++, deviation, mean);
            writer.AddTensor(name, GgmlType.F32, dimensions, weights.Fill);
        }
    }
}
