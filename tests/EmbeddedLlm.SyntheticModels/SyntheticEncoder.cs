using EmbeddedLlm.Gguf;

namespace EmbeddedLlm.SyntheticModels;

/// <summary>Writes small BERT models with random weights: bidirectional attention, learned positions, WordPiece, and a ranking head where one is wanted.</summary>
internal static class SyntheticEncoder
{
    /// <summary>The most tokens of an input of the tiny one.</summary>
    public const int ContextLength = 128;

    /// <summary>Two layers of width 64: written and loaded in milliseconds.</summary>
    public static SyntheticEncoderShape Tiny { get; } = new(Layers: 2, Width: 64, FeedForward: 128, Heads: 4, ContextLength, IsHalf: false);

    /// <summary>The shape of sentence-transformers' all-MiniLM-L6-v2, as its <c>config.json</c> has it, but for the vocabulary, whose matrix is looked up in and never multiplied.</summary>
    public static SyntheticEncoderShape AllMiniLmL6 { get; } = new(Layers: 6, Width: 384, FeedForward: 1536, Heads: 12, ContextLength: 512, IsHalf: true);

    /// <summary>llama.cpp's pooling type for the mean, the first token, and ranks.</summary>
    public const uint Mean = 1, Cls = 2, Rank = 4;

    private static readonly string[] Special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"];

    /// <summary>Writes a model file. The same arguments always give the same bytes.</summary>
    /// <param name="path">The file to write; replaced where it exists.</param>
    /// <param name="pooling">llama.cpp's pooling type.</param>
    /// <param name="hasHead">Whether there is a ranking head.</param>
    /// <param name="shape">The sizes; <see cref="Tiny"/> where left out.</param>
    public static void Write(string path, uint pooling, bool hasHead = false, SyntheticEncoderShape? shape = null)
    {
        GgufWriter writer = new();
        shape ??= Tiny;
        AddMetadata(writer, pooling, shape);
        new Tensors(writer, shape).AddAll(hasHead);
        using FileStream stream = new(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        writer.Write(stream);
    }

    private static void AddMetadata(GgufWriter writer, uint pooling, SyntheticEncoderShape shape)
    {
        writer.Add("general.architecture", "bert");
        writer.Add("general.name", "synthetic bert");
        writer.Add("bert.block_count", (uint)shape.Layers);
        writer.Add("bert.context_length", (uint)shape.ContextLength);
        writer.Add("bert.embedding_length", (uint)shape.Width);
        writer.Add("bert.feed_forward_length", (uint)shape.FeedForward);
        writer.Add("bert.attention.head_count", (uint)shape.Heads);
        writer.Add("bert.attention.layer_norm_epsilon", 1e-12f);
        writer.Add("bert.attention.causal", false);
        writer.Add("bert.pooling_type", pooling);
        writer.Add("tokenizer.ggml.model", "bert");
        writer.Add("tokenizer.ggml.pre", "default");
        writer.Add("tokenizer.ggml.token_type_count", 2u);
        string[] tokens = Tokens();
        writer.AddStrings("tokenizer.ggml.tokens", tokens);
        const int Normal = 1, Unknown = 2, Control = 3;
        writer.AddArray<int>("tokenizer.ggml.token_type", [.. tokens.Select((token, id) => token == "[UNK]" ? Unknown : id < Special.Length ? Control : Normal)]);
        writer.Add("tokenizer.ggml.padding_token_id", 0u);
        writer.Add("tokenizer.ggml.unknown_token_id", 1u);
        writer.Add("tokenizer.ggml.cls_token_id", 2u);
        writer.Add("tokenizer.ggml.bos_token_id", 2u);
        writer.Add("tokenizer.ggml.seperator_token_id", 3u);
    }

    /// <summary>Letters and digits, at the beginning of a word (▁ as the converter writes it) and within one, and a few words.</summary>
    private static string[] Tokens()
    {
        string[] letters = [.. Enumerable.Range('a', 26).Concat(Enumerable.Range('0', 10)).Select(letter => ((char)letter).ToString())];
        string[] words = ["the", "cat", "dog", "sat", "ran", "mat", "fast", "slow"];
        return [.. Special, .. letters.Select(letter => "▁" + letter), .. letters, .. words.Select(word => "▁" + word), "▁.", "▁,", "▁?"];
    }

    private sealed class Tensors(GgufWriter writer, SyntheticEncoderShape shape)
    {
        private ulong _index;

        private GgmlType MatrixType => shape.IsHalf ? GgmlType.F16 : GgmlType.F32;

        public void AddAll(bool hasHead)
        {
            AddMatrix("token_embd.weight", MatrixType, shape.Width, Tokens().Length, gain: 2);
            // llama.cpp adds these as they are.
            AddMatrix("token_types.weight", GgmlType.F32, shape.Width, 2);
            AddMatrix("position_embd.weight", GgmlType.F32, shape.Width, shape.ContextLength);
            AddNorm("token_embd_norm");
            for (int layer = 0; layer < shape.Layers; layer++)
                AddLayer($"blk.{layer}.");
            if (!hasHead)
                return;
            AddProjection("cls", shape.Width, shape.Width);
            AddProjection("cls.output", shape.Width, 1);
        }

        private void AddLayer(string prefix)
        {
            AddProjection(prefix + "attn_q", shape.Width, shape.Width);
            AddProjection(prefix + "attn_k", shape.Width, shape.Width);
            AddProjection(prefix + "attn_v", shape.Width, shape.Width);
            AddProjection(prefix + "attn_output", shape.Width, shape.Width);
            AddNorm(prefix + "attn_output_norm");
            AddProjection(prefix + "ffn_up", shape.Width, shape.FeedForward);
            AddProjection(prefix + "ffn_down", shape.FeedForward, shape.Width);
            AddNorm(prefix + "layer_output_norm");
        }

        private void AddProjection(string name, int columns, int rows)
        {
            AddMatrix(name + ".weight", MatrixType, columns, rows);
            AddVector(name + ".bias", rows, mean: 0);
        }

        private void AddNorm(string name)
        {
            AddVector(name + ".weight", shape.Width, mean: 1);
            AddVector(name + ".bias", shape.Width, mean: 0);
        }

        private void AddMatrix(string name, GgmlType type, int columns, int rows, float gain = 1)
        {
            SyntheticWeights weights = new(type, seed: 1, _index++, gain / MathF.Sqrt(columns));
            writer.AddTensor(name, type, [columns, rows], weights.Fill);
        }

        private void AddVector(string name, int length, float mean)
        {
            SyntheticWeights weights = new(GgmlType.F32, seed: 1, _index++, deviation: 0.05f, mean);
            writer.AddTensor(name, GgmlType.F32, [length], weights.Fill);
        }
    }
}

/// <summary>The sizes of a synthetic encoder.</summary>
/// <param name="Layers">Transformer blocks.</param>
/// <param name="Width">Elements of an embedding.</param>
/// <param name="FeedForward">Elements of the hidden layer of the feed-forward network.</param>
/// <param name="Heads">Heads of attention.</param>
/// <param name="ContextLength">The most tokens of an input.</param>
/// <param name="IsHalf">Whether matrices are F16 in place of F32.</param>
internal sealed record SyntheticEncoderShape(int Layers, int Width, int FeedForward, int Heads, int ContextLength, bool IsHalf);
