namespace EmbeddedLlm.Gguf;

/// <content>The state of recurrent layers.</content>
public sealed partial class GgufModelInfo
{
    /// <summary>
    /// The bytes of state that one sequence has in all recurrent layers, however long it is; 0 where there are none, or they are of an unknown kind. An upper bound for architectures that do not
    /// say which of their layers are recurrent. The formulas are those of llama.cpp's src/llama-hparams.cpp, <c>n_embd_r</c> and <c>n_embd_s</c>; states are 32-bit floats.
    /// </summary>
    internal long RecurrentStateBytes { get; }

    /// <summary>The elements of the state that one layer's scan carries on for one sequence; 0 where there is no such layer.</summary>
    internal long StateSpaceElements { get; }

    /// <summary>Whether some layers look back a window of tokens only, and have a cache and a mask of their own.</summary>
    internal bool HasWindowedLayers => SlidingWindow > 0 && GgufArchitectures.HasWindow(Architecture);

    /// <summary>Whether the model makes vectors only.</summary>
    internal bool IsEncoder => GgufArchitectures.IsEncoder(Architecture);

    /// <summary>Whether sequences have a state that cannot be cut, in all layers or in some.</summary>
    internal bool HasStates => GgufArchitectures.HasStates(Architecture);

    /// <summary>Whether a step may have tokens of one sequence only.</summary>
    internal bool ComputesOneSequence => GgufArchitectures.ComputesOneSequence(Architecture);

    private long StateBytes(GgufMetadata metadata) => MemoryParts.Saturate(StateElements(metadata) * RecurrentLayers(metadata) * sizeof(float));

    private Int128 StateElements(GgufMetadata metadata)
    {
        Int128 width = EmbeddingLength;
        if (Hyperparameter(metadata, "wkv.head_size") is > 0 and int head)
            return width * ((Int128)Hyperparameter(metadata, "token_shift_count", missing: 2) + head);
        if (Hyperparameter(metadata, "shortconv.l_cache") is > 0 and int cached)
            return width * (cached - 1);

        Int128 convolution = Math.Max(0, Hyperparameter(metadata, "ssm.conv_kernel") - 1);
        if (Hyperparameter(metadata, "kda.head_dim") is > 0 and int delta)
            return HeadCounts.DefaultIfEmpty().Max() * (Int128)delta * ((3 * convolution) + delta);

        Int128 inner = Hyperparameter(metadata, "ssm.inner_size");
        Int128 state = Hyperparameter(metadata, "ssm.state_size");
        return (convolution * (inner + (2 * Hyperparameter(metadata, "ssm.group_count") * state))) + (state * inner);
    }

    private int RecurrentLayers(GgufMetadata metadata)
    {
        if (Hyperparameter(metadata, "full_attention_interval") is > 1 and int interval)
            return BlockCount - (BlockCount / interval);
        int attention = KvHeadCounts.Count(count => count > 0);
        // Where each layer has heads, each may have a state as well.
        return attention < BlockCount ? BlockCount - attention : BlockCount;
    }
}
