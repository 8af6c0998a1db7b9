namespace EmbeddedLlm.Gguf;

/// <summary>What a model's header says about it: shape, size, and chat templates.</summary>
/// <remarks>
/// Nothing here is checked; use <see cref="GgufModelValidator"/> for that. A key that is missing or of an unexpected type is zero or null.
/// Thread-safe.
/// </remarks>
public sealed partial class GgufModelInfo
{
    private const string TemplateKey = "tokenizer.chat_template";

    private GgufModelInfo(IReadOnlyList<GgufFile> parts)
    {
        GgufMetadata metadata = parts[0].Metadata;
        Architecture = GgufModelKeys.ArchitectureOf(metadata) ?? "";
        Name = Text(metadata, "general.name");
        FileType = metadata.TryGetInteger("general.file_type", out long fileType) ? (int)fileType : null;

        ContextLength = Hyperparameter(metadata, "context_length");
        EmbeddingLength = Hyperparameter(metadata, "embedding_length");
        BlockCount = Math.Min(Hyperparameter(metadata, "block_count"), GgufHyperparameterChecks.MaximumLayers);
        SlidingWindow = Hyperparameter(metadata, "attention.sliding_window");
        ExpertCount = Hyperparameter(metadata, "expert_count");
        ExpertUsedCount = PerLayer(metadata, "expert_used_count").DefaultIfEmpty().Max();
        HeadCounts = PerLayer(metadata, "attention.head_count");
        KvHeadCounts = metadata.ContainsKey($"{Architecture}.attention.head_count_kv")
            ? PerLayer(metadata, "attention.head_count_kv")
            : HeadCounts;

        int heads = HeadCounts.FirstOrDefault(count => count > 0);
        int headSize = heads == 0 ? 0 : EmbeddingLength / heads;
        KeyLength = Hyperparameter(metadata, "attention.key_length", headSize);
        ValueLength = Hyperparameter(metadata, "attention.value_length", headSize);
        CachedKeyLengths = [KeyLength, Hyperparameter(metadata, "attention.key_length_swa", KeyLength), Hyperparameter(metadata, "attention.indexer.key_length", KeyLength)];
        CachedValueLengths = [ValueLength, Hyperparameter(metadata, "attention.value_length_swa", ValueLength)];
        RecurrentStateBytes = StateBytes(metadata);
        StateSpaceElements = (long)Hyperparameter(metadata, "ssm.state_size") * Hyperparameter(metadata, "ssm.inner_size");
        HasLatentAttention = Hyperparameter(metadata, "attention.key_length_mla") > 0
            && Hyperparameter(metadata, "attention.value_length_mla") > 0;

        TokenizerModel = Text(metadata, "tokenizer.ggml.model");
        PreTokenizer = Text(metadata, "tokenizer.ggml.pre");
        HasTokenizer = metadata.TryGetStrings("tokenizer.ggml.tokens", out GgufArray? tokens);
        VocabularySize = tokens?.Count ?? Hyperparameter(metadata, "vocab_size");
        ChatTemplate = Text(metadata, TemplateKey);
        NamedChatTemplates = FindNamedTemplates(metadata);

        (Int128 parameters, Int128 bytes) = (0, 0);
        foreach (GgufTensorInfo tensor in parts.SelectMany(part => part.Tensors))
        {
            TensorCount++;
            parameters += tensor.ElementCount;
            bytes += tensor.ByteSize;
        }

        (ParameterCount, TensorBytes) = (MemoryParts.Saturate(parameters), MemoryParts.Saturate(bytes));
    }

    /// <summary>The architecture, such as <c>qwen2</c>; empty where the file names none.</summary>
    public string Architecture { get; }

    /// <summary>The model's name, where it has one.</summary>
    public string? Name { get; }

    /// <summary>llama.cpp's number of the quantisation mix, <c>llama_ftype</c>: 15 is Q4_K_M.</summary>
    public int? FileType { get; }

    /// <summary>The tokens of the longest context that the model was trained for.</summary>
    public int ContextLength { get; }

    /// <summary>The elements of an embedding.</summary>
    public int EmbeddingLength { get; }

    /// <summary>The layers of the model, those included that only predict tokens ahead.</summary>
    public int BlockCount { get; }

    /// <summary>The tokens that layers with a sliding window look back; 0 where there are none.</summary>
    public int SlidingWindow { get; }

    /// <summary>The experts of each feed-forward network; 0 in a dense model.</summary>
    public int ExpertCount { get; }

    /// <summary>The experts that are used for one token, the most of any layer.</summary>
    public int ExpertUsedCount { get; }

    /// <summary>The query heads of each layer, [<see cref="BlockCount"/>].</summary>
    public IReadOnlyList<int> HeadCounts { get; }

    /// <summary>The heads of keys and values of each layer, [<see cref="BlockCount"/>]; 0 in a layer that caches none.</summary>
    public IReadOnlyList<int> KvHeadCounts { get; }

    /// <summary>The elements of one key.</summary>
    public int KeyLength { get; }

    /// <summary>The elements of one value.</summary>
    public int ValueLength { get; }

    /// <summary>The elements of each kind of key that is cached: of most layers, of those with a sliding window, and of those that choose the tokens that attention looks at.</summary>
    internal IReadOnlyList<int> CachedKeyLengths { get; }

    /// <summary>The elements of each kind of value that is cached.</summary>
    internal IReadOnlyList<int> CachedValueLengths { get; }

    /// <summary>
    /// Whether keys and values are made from one compressed row (multi-head latent attention), of which the cache holds only the keys'
    /// part.
    /// </summary>
    public bool HasLatentAttention { get; }

    /// <summary>The kind of tokenizer, such as <c>gpt2</c> (byte-level BPE) or <c>llama</c> (SentencePiece).</summary>
    public string? TokenizerModel { get; }

    /// <summary>How a BPE tokenizer splits text before it merges bytes, such as <c>qwen2</c> or <c>tekken</c>.</summary>
    public string? PreTokenizer { get; }

    /// <summary>Whether the file has a tokenizer with tokens.</summary>
    public bool HasTokenizer { get; }

    /// <summary>The number of tokens.</summary>
    public int VocabularySize { get; }

    /// <summary>The number of tensors, of all parts together.</summary>
    public int TensorCount { get; }

    /// <summary>The number of weights, of all parts together.</summary>
    public long ParameterCount { get; }

    /// <summary>The bytes of tensor data, of all parts together, without padding.</summary>
    public long TensorBytes { get; }

    /// <summary>The model's chat template in the Jinja dialect, where it has one.</summary>
    public string? ChatTemplate { get; }

    /// <summary>Chat templates for special uses by their name, such as <c>tool_use</c> or <c>rag</c>.</summary>
    public IReadOnlyDictionary<string, string> NamedChatTemplates { get; }

    /// <summary>Reads what a model's header says.</summary>
    /// <param name="file">The header of a model that is one file.</param>
    public static GgufModelInfo From(GgufFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        return new GgufModelInfo([file]);
    }

    /// <summary>Reads what the headers of a model say that is split over several files.</summary>
    /// <param name="parts">The headers of the files in their order, as <see cref="GgufFile.OpenParts"/> gives them.</param>
    /// <exception cref="ArgumentException">There is no file.</exception>
    public static GgufModelInfo From(IReadOnlyList<GgufFile> parts)
    {
        ArgumentNullException.ThrowIfNull(parts);
        return parts.Count > 0 ? new GgufModelInfo(parts) : throw new ArgumentException("A model has at least one file.", nameof(parts));
    }

    /// <summary>
    /// The bytes of cache that one token takes in all layers that have keys and values. An upper bound for layers with a sliding window,
    /// which keep only the last <see cref="SlidingWindow"/> tokens; state of recurrent layers, which does not grow with tokens, is not
    /// counted. <see cref="long.MaxValue"/> where a damaged file claims more than 64 bits can count.
    /// </summary>
    /// <param name="keys">How keys are stored, such as <see cref="GgmlType.F16"/>.</param>
    /// <param name="values">How values are stored.</param>
    /// <exception cref="ArgumentOutOfRangeException">A type is not defined.</exception>
    public long KvBytesPerToken(GgmlType keys, GgmlType values)
    {
        Int128 bytes = 0;
        for (int layer = 0; layer < KvHeadCounts.Count; layer++)
            bytes += KvBytesPerToken(layer, keys, values);
        return MemoryParts.Saturate(bytes);
    }

    /// <summary>The same for one layer.</summary>
    internal Int128 KvBytesPerToken(int layer, GgmlType keys, GgmlType values)
    {
        long heads = KvHeadCounts[layer];
        return RowBytes(keys, heads * KeyLength) + (HasLatentAttention ? 0 : RowBytes(values, heads * ValueLength));
    }

    private static Int128 RowBytes(GgmlType type, Int128 elements)
    {
        int block = GgmlTypes.BlockElements(type);
        return (elements + block - 1) / block * GgmlTypes.BlockBytes(type);
    }

    private static string? Text(GgufMetadata metadata, string key) => metadata.TryGetString(key, out string? text) ? text : null;

    // A template of another name has its own key, and an array names them all: "tool_use" is "tokenizer.chat_template.tool_use".
    private static Dictionary<string, string> FindNamedTemplates(GgufMetadata metadata)
    {
        Dictionary<string, string> templates = new(StringComparer.Ordinal);
        foreach ((string key, GgufValue value) in metadata)
        {
            if (key.StartsWith(TemplateKey + ".", StringComparison.Ordinal) && value.Type == GgufValueType.String)
                templates[key[(TemplateKey.Length + 1)..]] = value.GetString();
        }

        return templates;
    }

    private int Hyperparameter(GgufMetadata metadata, string name, int missing = 0) =>
        metadata.TryGetInteger($"{Architecture}.{name}", out long value) && value is >= 0 and <= int.MaxValue ? (int)value : missing;

    private int[] PerLayer(GgufMetadata metadata, string name)
    {
        int[] values = new int[BlockCount];
        if (!metadata.TryGetArray($"{Architecture}.{name}", out GgufArray? array))
        {
            values.AsSpan().Fill(Hyperparameter(metadata, name));
            return values;
        }

        if (array.ElementType is GgufValueType.UInt32 or GgufValueType.Int32)
        {
            for (int i = 0; i < Math.Min(values.Length, array.Count); i++)
                values[i] = (int)Math.Clamp(array.GetInteger(i), 0, int.MaxValue);
        }

        return values;
    }
}
