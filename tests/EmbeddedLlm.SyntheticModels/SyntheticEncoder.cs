using EmbeddedLlm.Gguf;

namespace EmbeddedLlm.SyntheticModels;

/// <summary>Writes small BERT models with random weights: bidirectional attention, learned positions, WordPiece, and a ranking head where one is wanted.</summary>
internal static class SyntheticEncoder
{
    private const int Layers = 2;
    private const int Width = 64;
    private const int FeedForward = 128;
    private const int Heads = 4;

    /// <summary>The most tokens of an input.</summary>
    public const int ContextLength = 128;

    /// <summary>llama.cpp's pooling type for the mean, the first token, and ranks.</summary>
    public const uint Mean = 1, Cls = 2, Rank = 4;

    private static readonly string[] Special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"];

    /// <summary>Writes a model file. The same arguments always give the same bytes.</summary>
    /// <param name="path">The file to write; replaced where it exists.</param>
    /// <param name="pooling">llama.cpp's pooling type.</param>
    /// <param name="hasHead">Whether there is a ranking head.</param>
    public static void Write(string path, uint pooling, bool hasHead = false)
    {
        GgufWriter writer = new();
        AddMetadata(writer, pooling);
        new Tensors(writer).AddAll(hasHead);
        using FileStream stream = new(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        writer.Write(stream);
    }

    private static void AddMetadata(GgufWriter writer, uint pooling)
    {
        writer.Add("general.architecture", "bert");
        writer.Add("general.name", "synthetic bert");
        writer.Add("bert.block_count", (uint)Layers);
        writer.Add("bert.context_length", (uint)ContextLength);
        writer.Add("bert.embedding_length", (uint)Width);
        writer.Add("bert.feed_forward_length", (uint)FeedForward);
        writer.Add("bert.attention.head_count", (uint)Heads);
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

    private sealed class Tensors(GgufWriter writer)
    {
        private ulong _index;

        public void AddAll(bool hasHead)
        {
            AddMatrix("token_embd.weight", Width, Tokens().Length, gain: 2);
            AddMatrix("token_types.weight", Width, 2);
            AddMatrix("position_embd.weight", Width, ContextLength);
            AddNorm("token_embd_norm");
            for (int layer = 0; layer < Layers; layer++)
                AddLayer($"blk.{layer}.");
            if (!hasHead)
                return;
            AddProjection("cls", Width, Width);
            AddProjection("cls.output", Width, 1);
        }

        private void AddLayer(string prefix)
        {
            AddProjection(prefix + "attn_q", Width, Width);
            AddProjection(prefix + "attn_k", Width, Width);
            AddProjection(prefix + "attn_v", Width, Width);
            AddProjection(prefix + "attn_output", Width, Width);
            AddNorm(prefix + "attn_output_norm");
            AddProjection(prefix + "ffn_up", Width, FeedForward);
            AddProjection(prefix + "ffn_down", FeedForward, Width);
            AddNorm(prefix + "layer_output_norm");
        }

        private void AddProjection(string name, int columns, int rows)
        {
            AddMatrix(name + ".weight", columns, rows);
            AddVector(name + ".bias", rows, mean: 0);
        }

        private void AddNorm(string name)
        {
            AddVector(name + ".weight", Width, mean: 1);
            AddVector(name + ".bias", Width, mean: 0);
        }

        private void AddMatrix(string name, int columns, int rows, float gain = 1)
        {
            SyntheticWeights weights = new(GgmlType.F32, seed: 1, _index++, gain / MathF.Sqrt(columns));
            writer.AddTensor(name, GgmlType.F32, [columns, rows], weights.Fill);
        }

        private void AddVector(string name, int length, float mean)
        {
            SyntheticWeights weights = new(GgmlType.F32, seed: 1, _index++, deviation: 0.05f, mean);
            writer.AddTensor(name, GgmlType.F32, [length], weights.Fill);
        }
    }
}
