namespace EmbeddedLlm.Sampling;

/// <summary>
/// The working memory of samplers, about 13 bytes per token of the vocabulary. It holds nothing from one call to the next, so all
/// sequences of an engine thread share one. Not for use from two threads at once.
/// </summary>
internal sealed class SamplerScratch
{
    private int _vocabulary = -1;
    private int _adjustments = -1;

    /// <param name="vocabularySize">Tokens per row of logits. A longer row later makes the scratch grow.</param>
    public SamplerScratch(int vocabularySize)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(vocabularySize);
        Ensure(vocabularySize, 0);
    }

    /// <summary>Candidates, see <see cref="Candidate"/>: room for every token.</summary>
    internal ulong[] Candidates { get; private set; } = [];

    /// <summary>The candidates' weights.</summary>
    internal float[] Weights { get; private set; } = [];

    /// <summary>The greatest logit of each block, then those of the adjusted tokens.</summary>
    internal float[] Maxima { get; private set; } = [];

    /// <summary>The weight of each block.</summary>
    internal float[] Sums { get; private set; } = [];

    /// <summary>The allowed tokens without the adjusted ones.</summary>
    internal ulong[] Mask { get; private set; } = [];

    /// <summary>The tokens whose logits a bias or a penalty has changed, as candidates with the changed logits.</summary>
    internal ulong[] Adjusted { get; private set; } = [];

    private ulong[] Keys { get; set; } = [];

    internal float[] Tail { get; } = new float[LogitBlocks.BlockSize];

    internal double[] Buckets { get; } = new double[Selection.BucketCount];

    /// <summary>The tokens of the last <see cref="Sampler.Distribution"/>.</summary>
    internal int[] Tokens { get; private set; } = [];

    internal void Ensure(int vocabulary, int adjustments)
    {
        if (vocabulary <= _vocabulary && adjustments <= _adjustments)
            return;

        _vocabulary = Math.Max(vocabulary, _vocabulary);
        _adjustments = Math.Max(adjustments, _adjustments);
        int blocks = LogitBlocks.BlocksFor(_vocabulary);
        Candidates = new ulong[_vocabulary];
        Weights = new float[_vocabulary];
        Sums = new float[blocks];
        Mask = new ulong[blocks];
        Maxima = new float[blocks + _adjustments];
        Adjusted = new ulong[_adjustments];
    }

    /// <summary>Room to order so many candidates by something else than their logits; there only for samplers that need it.</summary>
    internal ulong[] EnsureKeys(int count) => Keys.Length >= count ? Keys : Keys = new ulong[Math.Max(count, Candidates.Length)];

    internal int[] EnsureTokens(int count) => Tokens.Length >= count ? Tokens : Tokens = new int[count];
}
