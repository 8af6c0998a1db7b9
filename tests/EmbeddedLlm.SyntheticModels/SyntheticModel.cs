using System.Globalization;
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

    /// <summary>The length of the file that a description gives, in bytes.</summary>
    public static long LengthOf(GgufWriter writer)
    {
        if (!GgufFile.TryReadPrefix(writer.LayOutHeader(), fileLength: null, out GgufFile? file))
            throw new InvalidOperationException("The header is not whole.");
        GgufTensorInfo last = file.Tensors[^1];
        long end = file.DataOffset + last.Offset + last.ByteSize;
        return end + (-end & (file.Alignment - 1));
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
        writer.Add($"{prefix}.feed_forward_length", (uint)(shape.DenseFeedForward > 0 ? shape.DenseFeedForward : shape.FeedForward));
        writer.Add($"{prefix}.attention.head_count", (uint)shape.Heads);
        if (Enumerable.Range(0, shape.Layers).Any(shape.IsRecurrent))
            writer.AddArray<uint>($"{prefix}.attention.head_count_kv", [.. Enumerable.Range(0, shape.Layers).Select(layer => shape.IsRecurrent(layer) ? 0 : (uint)shape.KvHeads)]);
        else
            writer.Add($"{prefix}.attention.head_count_kv", (uint)shape.KvHeads);
        bool isLatent = shape.LatentRank > 0;
        writer.Add($"{prefix}.attention.key_length", (uint)(isLatent ? shape.LatentRank + shape.RotarySize : shape.HeadSize));
        writer.Add($"{prefix}.attention.value_length", (uint)(isLatent ? shape.LatentRank : shape.HeadSize));
        writer.Add($"{prefix}.rope.dimension_count", (uint)(isLatent ? shape.RotarySize : shape.HeadSize));
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

        if (isLatent)
        {
            writer.Add($"{prefix}.attention.kv_lora_rank", (uint)shape.LatentRank);
            writer.Add($"{prefix}.attention.q_lora_rank", (uint)shape.LatentRank);
            writer.Add($"{prefix}.attention.key_length_mla", (uint)(shape.HeadSize + shape.RotarySize));
            writer.Add($"{prefix}.attention.value_length_mla", (uint)shape.HeadSize);
            writer.Add($"{prefix}.leading_dense_block_count", 0u);
            writer.Add($"{prefix}.expert_shared_count", 1u);
            writer.Add($"{prefix}.expert_weights_scale", 1f);
            writer.Add($"{prefix}.expert_gating_func", 1u);
        }

        if (shape.Experts > 0)
        {
            writer.Add($"{prefix}.expert_count", (uint)shape.Experts);
            writer.Add($"{prefix}.expert_used_count", (uint)shape.ExpertsUsed);
            if (prefix is not ("llama" or "olmoe" or "granitemoe"))
                writer.Add($"{prefix}.expert_feed_forward_length", (uint)shape.FeedForward);
            if (prefix == "qwen2moe")
                writer.Add($"{prefix}.expert_shared_feed_forward_length", (uint)shape.FeedForward);
        }

        if (shape.Scales is { } scales)
        {
            writer.Add($"{prefix}.embedding_scale", scales.Embedding);
            writer.Add($"{prefix}.attention.scale", scales.Attention);
            writer.Add($"{prefix}.residual_scale", scales.Residual);
            writer.Add($"{prefix}.logit_scale", scales.Logits);
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

        private readonly List<(int Layer, string Name, GgmlType Type, long[] Dimensions, SyntheticWeights Weights)> _tensors = [];

        /// <summary>In the order in which llama.cpp's quantiser writes them, and which real files have from it: layer by layer, and by name within one; first those outside all.</summary>
        public void AddAll(int tokenCount)
        {
            CollectAll(tokenCount);
            foreach ((_, string name, GgmlType type, long[] dimensions, SyntheticWeights weights) in _tensors.OrderBy(tensor => tensor.Layer).ThenBy(tensor => tensor.Name, StringComparer.Ordinal))
                writer.AddTensor(name, type, dimensions, weights.Fill);
        }

        private void CollectAll(int tokenCount)
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
                AddAnyAttention(prefix, layer);
            else if (shape.Architecture == "lfm2")
                AddShortConvolution(prefix, layer);
            else
                AddStateSpace(prefix, layer);
            if (shape.Architecture == "mamba2")
                return;

            AddVector(prefix + (shape.Architecture == "gpt-oss" ? "post_attention_norm.weight" : "ffn_norm.weight"), shape.Width, mean: 1);
            if (shape.Experts > 0)
                AddExperts(prefix, layer);
            else if (shape.Architecture == "phi3")
                AddMatrix(prefix + "ffn_up.weight", shape.Width, 2 * shape.FeedForward, layer);
            else
                AddGated(prefix, layer, "");
            if (shape.Architecture == "phi3")
                AddMatrix(prefix + "ffn_down.weight", shape.FeedForward, shape.Width, layer);
            if (shape.Architecture is "gemma2" or "gemma3")
                AddVector(prefix + "post_ffw_norm.weight", shape.Width, mean: 1);
        }

        private void AddGated(string prefix, int layer, string kind)
        {
            AddMatrix($"{prefix}ffn_gate{kind}.weight", shape.Width, shape.FeedForward, layer);
            AddMatrix($"{prefix}ffn_up{kind}.weight", shape.Width, shape.FeedForward, layer);
            AddMatrix($"{prefix}ffn_down{kind}.weight", shape.FeedForward, shape.Width, layer);
        }

        private void AddExperts(string prefix, int layer)
        {
            AddNumbers(prefix + "ffn_gate_inp.weight", [shape.Width, shape.Experts], deviation: 1 / MathF.Sqrt(shape.Width));
            AddMatrix(prefix + "ffn_gate_exps.weight", shape.Width, shape.FeedForward, layer, matrices: shape.Experts);
            AddMatrix(prefix + "ffn_up_exps.weight", shape.Width, shape.FeedForward, layer, matrices: shape.Experts);
            AddMatrix(prefix + "ffn_down_exps.weight", shape.FeedForward, shape.Width, layer, matrices: shape.Experts);
            if (shape.Architecture is "qwen2moe" or "deepseek2")
                AddGated(prefix, layer, "_shexp");
            if (shape.Architecture == "qwen2moe")
                AddVector(prefix + "ffn_gate_inp_shexp.weight", shape.Width, mean: 0);
            if (shape.Architecture != "gpt-oss")
                return;
            AddVector(prefix + "ffn_gate_inp.bias", shape.Experts, mean: 0);
            AddNumbers(prefix + "ffn_gate_exps.bias", [shape.FeedForward, shape.Experts], deviation: 0.05f);
            AddNumbers(prefix + "ffn_up_exps.bias", [shape.FeedForward, shape.Experts], deviation: 0.05f);
            AddNumbers(prefix + "ffn_down_exps.bias", [shape.Width, shape.Experts], deviation: 0.05f);
        }

        private void AddAnyAttention(string prefix, int layer)
        {
            if (shape.LatentRank > 0)
                AddLatentAttention(prefix, layer);
            else if (shape.Architecture == "phi3")
                AddJointAttention(prefix, layer);
            else
                AddAttention(prefix, layer);
        }

        private void AddLatentAttention(string prefix, int layer)
        {
            int headWidth = shape.HeadSize + shape.RotarySize;
            AddVector(prefix + "attn_q_a_norm.weight", shape.LatentRank, mean: 1);
            AddVector(prefix + "attn_kv_a_norm.weight", shape.LatentRank, mean: 1);
            AddMatrix(prefix + "attn_q_a.weight", shape.Width, shape.LatentRank, layer);
            AddMatrix(prefix + "attn_q_b.weight", shape.LatentRank, shape.Heads * headWidth, layer);
            AddMatrix(prefix + "attn_kv_a_mqa.weight", shape.Width, shape.LatentRank + shape.RotarySize, layer);
            AddMatrix(prefix + "attn_k_b.weight", shape.HeadSize, shape.LatentRank, layer, matrices: shape.Heads);
            AddMatrix(prefix + "attn_v_b.weight", shape.LatentRank, shape.HeadSize, layer, matrices: shape.Heads);
            AddMatrix(prefix + "attn_output.weight", shape.Heads * shape.HeadSize, shape.Width, layer);
        }

        private void AddJointAttention(string prefix, int layer)
        {
            AddMatrix(prefix + "attn_qkv.weight", shape.Width, (shape.Heads + (2 * shape.KvHeads)) * shape.HeadSize, layer);
            AddMatrix(prefix + "attn_output.weight", shape.Heads * shape.HeadSize, shape.Width, layer);
        }

        private void AddAttention(string prefix, int layer)
        {
            int queryWidth = shape.Heads * shape.HeadSize;
            int kvWidth = shape.KvHeads * shape.HeadSize;
            AddMatrix(prefix + "attn_q.weight", shape.Width, queryWidth, layer);
            AddMatrix(prefix + "attn_k.weight", shape.Width, kvWidth, layer);
            AddMatrix(prefix + "attn_v.weight", shape.Width, kvWidth, layer);
            AddMatrix(prefix + "attn_output.weight", queryWidth, shape.Width, layer);
            if (shape.Architecture is "qwen2" or "qwen2moe" or "gpt-oss")
            {
                AddVector(prefix + "attn_q.bias", queryWidth, mean: 0);
                AddVector(prefix + "attn_k.bias", kvWidth, mean: 0);
                AddVector(prefix + "attn_v.bias", kvWidth, mean: 0);
            }
            else if (shape.Architecture == "olmoe")
            {
                AddVector(prefix + "attn_q_norm.weight", queryWidth, mean: 1);
                AddVector(prefix + "attn_k_norm.weight", kvWidth, mean: 1);
            }
            else if (shape.Architecture is "qwen3" or "qwen3moe" or "lfm2" or "gemma3")
            {
                AddVector(prefix + "attn_q_norm.weight", shape.HeadSize, mean: 1);
                AddVector(prefix + "attn_k_norm.weight", shape.HeadSize, mean: 1);
            }

            if (shape.Architecture == "gpt-oss")
            {
                AddVector(prefix + "attn_output.bias", shape.Width, mean: 0);
                AddVector(prefix + "attn_sinks.weight", shape.Heads, mean: 0);
            }
            else if (shape.Architecture is "gemma2" or "gemma3")
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
        private void AddMatrix(string name, int columns, int rows, int layer, float gain = 1, int matrices = 1)
        {
            GgmlType type = SyntheticMixes.TypeOf(shape, name, columns, layer);
            Collect(name, type, matrices == 1 ? [columns, rows] : [columns, rows, matrices], gain / MathF.Sqrt(columns), mean: 0);
        }

        private void AddVector(string name, int length, float mean) => AddNumbers(name, [length], deviation: 0.05f, mean);

        private void AddNumbers(string name, long[] dimensions, float deviation, float mean = 0) => Collect(name, GgmlType.F32, dimensions, deviation, mean);

        private void Collect(string name, GgmlType type, long[] dimensions, float deviation, float mean)
        {
            SyntheticWeights weights = new(type, seed, (ulong)_tensors.Count, deviation, mean);
            int layer = name.StartsWith("blk.", StringComparison.Ordinal) ? int.Parse(name.AsSpan(4, name.IndexOf('.', 4) - 4), CultureInfo.InvariantCulture) : -1;
            _tensors.Add((layer, name, type, dimensions, weights));
        }
    }
}
