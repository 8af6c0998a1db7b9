namespace EmbeddedLlm.Gguf;

/// <summary>
/// The memory that a step's intermediate results take: the graph that llama.cpp v0.4.0 builds for the largest step (src/llama-graph.cpp and src/models), replayed with the sizes of its tensors. Which
/// operations a layer has is read from the names of its weights, so an architecture that puts known pieces together needs no code of its own.
/// </summary>
internal sealed partial class ComputeGraph
{
    private const int Float = sizeof(float);

    private readonly GgufModelInfo _info;
    private readonly ModelTensors _tensors;
    private readonly MemorySettings _settings;
    private readonly TensorTape _tape = new();
    private readonly int[] _masks;
    // A header can claim any number, so products of them may not fit 64 bits.
    private readonly Int128 _tokens;
    private readonly Int128 _width;
    private readonly Int128 _outputs;
    private readonly int _outputIds;
    private readonly int _keyRotation;
    private readonly int _valueRotation;
    private readonly int _keyIndices;
    private readonly int _valueIndices;
    private readonly int _stateCopies;

    private ComputeGraph(GgufModelInfo info, ModelTensors tensors, MemorySettings settings)
    {
        _info = info;
        _tensors = tensors;
        _settings = settings;
        _tokens = settings.GraphTokens;
        _width = info.EmbeddingLength;
        _outputs = Math.Min(settings.GraphTokens, settings.Outputs);

        int tokenIds = _tape.Input(_tokens * sizeof(int));
        // Vectors in place of tokens could be given, and there is room for them in any case.
        _tape.Input(_tokens * _width * Float);
        _tape.Input(_tokens * sizeof(int));
        _outputIds = _tape.Input(_outputs * sizeof(int));
        Embeddings = _tape.Compute(_tokens * _width * Float, tokenIds);
        _stateCopies = HasStates ? _tape.Input((long)settings.Sequences * sizeof(int)) : TensorTape.Elsewhere;
        _keyIndices = _valueIndices = _keyRotation = _valueRotation = TensorTape.Elsewhere;
        _masks = [TensorTape.Elsewhere];
        if (!info.KvHeadCounts.Any(heads => heads > 0))
            return;

        // Layers with a window have a mask of their own.
        int caches = info.HasWindowedLayers ? 2 : 1;
        _masks = new int[caches];
        for (int i = 0; i < caches; i++)
        {
            _keyIndices = _tape.Input(_tokens * sizeof(long));
            if (!info.HasLatentAttention)
                _valueIndices = _tape.Input(_tokens * sizeof(long) * (settings.FlashAttention ? 1 : MostValueElements));
            _masks[i] = _tape.Input(_tokens * settings.Cells * (settings.FlashAttention ? sizeof(ushort) : Float));
        }

        _keyRotation = RotationFor(settings.KeyType, info.KeyLength, LargestRotation(info.KeyLength));
        _valueRotation = info.HasLatentAttention ? TensorTape.Elsewhere : RotationFor(settings.ValueType, info.ValueLength, SmallestRotation);
    }

    private int Embeddings { get; }

    private bool HasStates => _info.RecurrentStateBytes > 0 || _info.HasStates;

    private long MostValueElements => (long)_info.KvHeadCounts.Max() * _info.ValueLength;

    /// <summary>The bytes of the largest step's intermediate results.</summary>
    public static long Measure(GgufModelInfo info, ModelTensors tensors, MemorySettings settings)
    {
        ComputeGraph graph = new(info, tensors, settings);
        graph.AddLayers();
        return graph._tape.PeakBytes();
    }

    /// <summary>The bytes of what a step begins with: the part that stays in main memory where all layers are elsewhere.</summary>
    public static long MeasureInputs(GgufModelInfo info, ModelTensors tensors, MemorySettings settings) => new ComputeGraph(info, tensors, settings)._tape.PeakBytes();

    private void AddLayers()
    {
        int current = Embeddings;
        for (int layer = 0; layer < _info.BlockCount; layer++)
            current = AddLayer(layer, current);
        if (SelectsOutputsAtEnd)
            current = _tape.Compute(_outputs * _width * Float, current, _outputIds);
        int norm = _tape.Overwrite(_outputs * _width * Float, current);
        _tape.Compute(_outputs * _info.VocabularySize * Float, norm);
    }

    private bool SelectsOutputsAtEnd => _info.Architecture is "gpt-oss";

    private int AddLayer(int layer, int input)
    {
        bool isLast = layer == _info.BlockCount - 1;
        int norm = _tensors.Has(layer, "attn_norm") ? _tape.Overwrite(_tokens * _width * Float, input) : input;
        int mixed = AddMixing(layer, norm);
        int residual = input;
        Int128 tokens = _tokens;
        if (isLast && !SelectsOutputsAtEnd)
        {
            tokens = _outputs;
            mixed = _tape.Compute(tokens * _width * Float, mixed, _outputIds);
            residual = _tape.Compute(tokens * _width * Float, residual, _outputIds);
        }

        int sum = _tape.Overwrite(tokens * _width * Float, mixed, residual);
        if (!HasFeedForward(layer))
            return sum;
        int forwardNorm = _tape.Overwrite(tokens * _width * Float, sum);
        int forward = AddFeedForward(layer, forwardNorm, tokens);
        return _tape.Overwrite(tokens * _width * Float, forward, sum);
    }

    /// <summary>What looks at other tokens: attention, a state, or both side by side.</summary>
    private int AddMixing(int layer, int norm)
    {
        int state = _tensors.Has(layer, "ssm_in") || _tensors.Has(layer, "ssm_conv1d") ? AddStateSpace(layer, norm)
            : _tensors.Has(layer, "shortconv.in_proj") ? AddShortConvolution(layer, norm)
            : TensorTape.Elsewhere;
        if (_tensors.Has(layer, "attn_kv_a_mqa"))
            return AddLatentAttention(layer, norm);
        if (!_tensors.Has(layer, "attn_q") && (!_tensors.Has(layer, "attn_qkv") || state != TensorTape.Elsewhere))
            return state != TensorTape.Elsewhere ? state : AddUnknownMixing(layer, norm);
        int attention = AddAttention(layer, norm);
        return state == TensorTape.Elsewhere ? attention : _tape.Overwrite(_tokens * _width * Float, attention, state);
    }

    /// <summary>An architecture whose operations are not replayed: as much as a feed-forward network of the layer's widest matrix.</summary>
    private int AddUnknownMixing(int layer, int norm)
    {
        long widest = Math.Max(_info.EmbeddingLength, _tensors.WidestRows(layer));
        int first = _tape.Compute(_tokens * widest * Float, norm);
        int second = _tape.Compute(_tokens * widest * Float, norm);
        int both = _tape.Compute(_tokens * widest * Float, first, second);
        return _tape.Compute(_tokens * _width * Float, both);
    }
}
