namespace EmbeddedLlm.Gguf;

/// <summary>Bytes of one device, by what they are for.</summary>
internal readonly record struct MemoryParts(long Weights, long KvCache, long States, long Compute, long Output)
{
    public long Total => Saturate((Int128)Weights + KvCache + States + Compute + Output);

    // A header can claim any size.
    public static long Saturate(Int128 bytes) => bytes > long.MaxValue ? long.MaxValue : (long)bytes;
}

/// <summary>The memory of a model that is not loaded, from its header alone. Immutable and thread-safe.</summary>
/// <remarks>The weights are counted as they are stored. llama.cpp rearranges some for the CPU at load, which leaves their number of bytes the same, but for <see cref="AmxLayout"/>.</remarks>
internal sealed class ModelMemory
{
    private readonly ModelTensors _tensors;
    private readonly int _firstLayerWithoutCache;

    /// <param name="parts">The headers of the model's files.</param>
    public ModelMemory(IReadOnlyList<GgufFile> parts)
    {
        Info = GgufModelInfo.From(parts);
        _tensors = new ModelTensors(parts, Info.BlockCount);
        _firstLayerWithoutCache = Info.BlockCount - (int)Math.Clamp(
            parts[0].Metadata.TryGetInteger($"{Info.Architecture}.attention.shared_kv_layers", out long shared) ? shared : 0, 0, Info.BlockCount);
    }

    public GgufModelInfo Info { get; }

    /// <summary>The layers that can be on a GPU: the model's, and the output.</summary>
    public int OffloadableLayers => Info.BlockCount + 1;

    /// <summary>
    /// Whether the model can be computed in <see cref="AmxLayout"/>. Its kernel takes activations for one matrix (ggml/src/ggml-cpu/amx/mmq.cpp, <c>ggml_backend_amx_mul_mat</c>), and graphs with states have one for
    /// each sequence: those of all sequences but the first of a step would be left as the memory was before, which no assertion tells.
    /// </summary>
    public bool AllowsAmx => !_tensors.AmxBreaks && !Info.HasStates;

    /// <summary>
    /// Whether the CPU backend may bring weights into the orders that its kernels like better than the file's. Beside that for AMX there are others, whose kernels assert that activations have no fourth
    /// dimension (ggml/src/ggml-cpu/repack.cpp, <c>forward_mul_mat</c>); in one architecture the sequences of a step are the fourth.
    /// </summary>
    /// <param name="hasAmx">Whether the processor has AMX.</param>
    public bool AllowsRearranging(bool hasAmx) => Info.Architecture != "minimax-01" && (AllowsAmx || !hasAmx);

    /// <summary>The weights that are read for each token, in bytes: all but the embeddings of other tokens and the experts that are not chosen.</summary>
    public long BytesPerToken
    {
        get
        {
            double active = _tensors.OutputBytes;
            if (_tensors.Find("output.weight") is null)
                active += _tensors.Find("token_embd.weight")?.ByteSize ?? 0;
            double share = Info.ExpertCount > 0 ? Math.Min(1, Info.ExpertUsedCount / (double)Info.ExpertCount) : 1;
            for (int layer = 0; layer < Info.BlockCount; layer++)
                active += _tensors.LayerBytes[layer] - _tensors.ExpertBytes[layer] + (_tensors.ExpertBytes[layer] * share);
            return (long)active;
        }
    }

    /// <summary>The memory on each device.</summary>
    /// <param name="settings">What the context is made with.</param>
    /// <param name="gpuOfLayer">For each layer and, last, the output: the number of its GPU from 1, or 0 for main memory. [<see cref="OffloadableLayers"/>]</param>
    /// <param name="devices">The GPUs and main memory together.</param>
    /// <returns>Main memory first, then the GPUs.</returns>
    public MemoryParts[] Measure(MemorySettings settings, ReadOnlySpan<int> gpuOfLayer, int devices)
    {
        var weights = new Int128[devices];
        var caches = new Int128[devices];
        var states = new Int128[devices];
        bool[] computes = new bool[devices];
        weights[0] = _tensors.InputBytes;
        int stateLayers = Enumerable.Range(0, Info.BlockCount).Count(_tensors.HasState);
        for (int layer = 0; layer < Info.BlockCount; layer++)
        {
            int device = gpuOfLayer[layer];
            computes[device] = true;
            weights[device] += _tensors.LayerBytes[layer];
            if (device == 0 && settings.Amx)
                weights[device] += _tensors.AmxGrowth(layer);
            if (HasCache(layer))
                caches[device] += (Int128)settings.Cells * Info.KvBytesPerToken(layer, settings.KeyType, settings.ValueType);
            if (stateLayers == 0)
                states[device] += (Int128)Info.RecurrentStateBytes * settings.Sequences / Info.BlockCount;
            else if (_tensors.HasState(layer))
                states[device] += (Int128)Info.RecurrentStateBytes * settings.Sequences / stateLayers;
        }

        int output = gpuOfLayer[Info.BlockCount];
        computes[output] = true;
        weights[output] += _tensors.OutputBytes;
        if (output == 0 && settings.Amx)
            weights[output] += _tensors.AmxGrowth(Info.BlockCount);
        // A matrix that serves both ends has to be at both.
        if (output != 0 && _tensors.Find("output.weight") is null)
            weights[output] += _tensors.Find("token_embd.weight")?.ByteSize ?? 0;

        long compute = ComputeGraph.Measure(Info, _tensors, settings);
        MemoryParts[] parts = new MemoryParts[devices];
        for (int device = 0; device < devices; device++)
        {
            long buffer = computes[device] ? compute : device == 0 ? ComputeGraph.MeasureInputs(Info, _tensors, settings) : 0;
            long logits = device > 0 ? 0 : (long)Info.VocabularySize * Math.Max(settings.Outputs, settings.Sequences) * sizeof(float);
            parts[device] = new MemoryParts(MemoryParts.Saturate(weights[device]), MemoryParts.Saturate(caches[device]), MemoryParts.Saturate(states[device]), buffer, logits);
        }

        return parts;
    }

    private bool HasCache(int layer) => layer < _firstLayerWithoutCache && !Info.IsEncoder && (!_tensors.HasState(layer) || _tensors.Has(layer, "attn_k"));
}
