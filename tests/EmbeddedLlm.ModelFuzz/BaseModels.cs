using System.Text;
using EmbeddedLlm.Gguf;
using EmbeddedLlm.SyntheticModels;

namespace EmbeddedLlm.ModelFuzz;

/// <summary>Healthy models to be damaged: the starter, small synthetic ones of each kind of memory, and one for each kind of tokenizer.</summary>
internal static class BaseModels
{
    /// <summary>The names of the files of <see cref="Split"/>.</summary>
    public const string FirstPart = "model-00001-of-00002.gguf", SecondPart = "model-00002-of-00002.gguf";

    /// <summary>The models and what they are. Each loads and answers.</summary>
    public static IReadOnlyList<(string Name, RawModel Model)> Create()
    {
        RawModel llama = WithHeads(SyntheticShape.Tiny.HeadSize);
        return
        [
            ("starter", RawModel.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "models", "starter.gguf")))),
            ("llama", llama),
            ("llama Q4_K_M", Synthetic(SyntheticShape.Small with { Layers = 1, FeedForward = 256 })),
            ("qwen2", Synthetic(SyntheticShape.Tiny)),
            ("qwen3 Q8_0", Synthetic(SyntheticShape.Tiny with { Architecture = "qwen3", Mix = SyntheticMix.Q8_0 })),
            ("gemma2", Synthetic(SyntheticShape.TinyWindow)),
            ("mamba2", Synthetic(SyntheticShape.TinyRecurrent)),
            ("granitehybrid", Synthetic(SyntheticShape.TinyHybrid)),
            ("lfm2", Synthetic(SyntheticShape.TinyConvolution)),
            ("bert", Encoder(SyntheticEncoder.Mean, hasHead: false)),
            ("bert reranker", Encoder(SyntheticEncoder.Rank, hasHead: true)),
            ("experts", WithExperts(llama)),
            ("tokenizer llama", WithTokenizer(llama, Tokenizers.SentencePiece())),
            ("tokenizer t5", WithTokenizer(llama, Tokenizers.Unigram())),
            ("tokenizer rwkv", WithTokenizer(llama, Tokenizers.Rwkv())),
            ("tokenizer plamo2", WithTokenizer(llama, Tokenizers.Plamo())),
        ];
    }

    /// <summary>The one named <c>llama</c>, with heads of so many numbers.</summary>
    public static RawModel WithHeads(int size) =>
        Synthetic(SyntheticShape.Tiny with { Architecture = "llama", Mix = SyntheticMix.F16, RopeFactors = true, HeadSize = size, Heads = SyntheticShape.Tiny.Width / size });

    /// <summary>Another tokenizer, and as many embeddings as it has tokens.</summary>
    public static RawModel WithTokenizer(RawModel model, IReadOnlyList<RawKey> tokenizer)
    {
        RawModel copy = model.Clone();
        copy.Keys.RemoveAll(key => key.Name.AsSpan().StartsWith("tokenizer."u8));
        copy.Keys.AddRange(tokenizer.Select(key => key.Clone()));
        ulong tokens = (ulong)tokenizer.Single(key => key.NameText == "tokenizer.ggml.tokens").Strings!.Count;
        copy.Set(RawKey.Of(copy.Architecture + ".vocab_size", (uint)tokens));
        foreach (string name in (string[])["token_embd.weight", "output.weight"])
        {
            if (copy.FindTensor(name) is { } tensor)
                tensor.Dimensions = [tensor.Dimensions[0], tokens];
        }

        return copy;
    }

    /// <summary>An adapter for a model: a pair of matrices of rank 4 for each of the model's in its first layer, and for its embeddings where they are not its output as well.</summary>
    public static RawModel AdapterFor(RawModel model)
    {
        const uint Rank = 4;
        RawModel adapter = new()
        {
            Keys =
            [
                RawKey.Of("general.architecture", model.Architecture), RawKey.Of("general.type", "adapter"), RawKey.Of("adapter.type", "lora"), RawKey.Of("adapter.lora.alpha", 8f),
                RawKey.Of("adapter.lora.task_name", "task"), RawKey.Of("adapter.lora.prompt_prefix", "prefix"),
            ],
        };
        foreach (RawTensor tensor in model.Tensors.Where(tensor => tensor.Dimensions is [_, > 1]))
        {
            string name = Encoding.UTF8.GetString(tensor.Name);
            bool isEmbeddings = name == "token_embd.weight";
            if (!name.StartsWith("blk.0.", StringComparison.Ordinal) && !(isEmbeddings && model.FindTensor("output.weight") is not null))
                continue;
            Add(name + ".lora_a", isEmbeddings ? [Rank, tensor.Dimensions[1]] : [tensor.Dimensions[0], Rank]);
            Add(name + ".lora_b", [Rank, tensor.Dimensions[isEmbeddings ? 0 : 1]]);
        }

        return adapter;

        void Add(string name, ulong[] dimensions)
        {
            RawTensor tensor = new() { Name = Encoding.UTF8.GetBytes(name), Dimensions = dimensions, Type = (uint)GgmlType.F32, Data = BitConverter.GetBytes(0.01f) };
            tensor.FitData(1 << 20);
            adapter.Tensors.Add(tensor);
        }
    }

    /// <summary>A model in two files: the keys and half of the tensors, and the other half.</summary>
    public static (RawModel First, RawModel Second) Split(RawModel model)
    {
        RawModel first = model.Clone();
        RawModel second = new();
        int half = model.Tensors.Count / 2;
        second.Tensors.AddRange(first.Tensors[half..]);
        first.Tensors.RemoveRange(half, model.Tensors.Count - half);
        foreach ((RawModel part, ushort number) in (ReadOnlySpan<(RawModel, ushort)>)[(first, 0), (second, 1)])
        {
            part.Keys.Add(Short("split.no", number));
            part.Keys.Add(Short("split.count", 2));
            part.Keys.Add(new RawKey { Name = "split.tensors.count"u8.ToArray(), Type = (uint)GgufValueType.Int32, Data = BitConverter.GetBytes(model.Tensors.Count) });
        }

        return (first, second);

        static RawKey Short(string name, ushort value) => new() { Name = Encoding.UTF8.GetBytes(name), Type = (uint)GgufValueType.UInt16, Data = BitConverter.GetBytes(value) };
    }

    // Four experts of which two are used, each as large as the network that they replace.
    private static RawModel WithExperts(RawModel model)
    {
        const uint Experts = 4;
        RawModel copy = model.Clone();
        copy.Set(RawKey.Of(copy.Architecture + ".expert_count", Experts));
        copy.Set(RawKey.Of(copy.Architecture + ".expert_used_count", Experts / 2));
        for (int layer = 0; copy.FindTensor($"blk.{layer}.ffn_gate.weight") is { } gate; layer++)
        {
            foreach (string role in (string[])["ffn_gate", "ffn_up", "ffn_down"])
            {
                RawTensor tensor = copy.FindTensor($"blk.{layer}.{role}.weight")!;
                tensor.Name = Encoding.UTF8.GetBytes($"blk.{layer}.{role}_exps.weight");
                tensor.Dimensions = [.. tensor.Dimensions, Experts];
            }

            copy.Tensors.Add(new RawTensor
            {
                Name = Encoding.UTF8.GetBytes($"blk.{layer}.ffn_gate_inp.weight"),
                Dimensions = [gate.Dimensions[0], Experts],
                Type = (uint)GgmlType.F32,
                Data = new byte[(int)gate.Dimensions[0] * Experts * sizeof(float)],
            });
        }

        return copy;
    }

    private static RawModel Synthetic(SyntheticShape shape)
    {
        using MemoryStream stream = new();
        SyntheticModel.Describe(shape, SyntheticVocabulary.ByteLevel(300)).Write(stream);
        return RawModel.Parse(stream.ToArray());
    }

    private static RawModel Encoder(uint pooling, bool hasHead)
    {
        string path = Path.GetTempFileName();
        try
        {
            SyntheticEncoder.Write(path, pooling, hasHead);
            return RawModel.Parse(File.ReadAllBytes(path));
        }
        finally
        {
            File.Delete(path);
        }
    }
}
