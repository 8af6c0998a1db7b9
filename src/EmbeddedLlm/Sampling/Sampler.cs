namespace EmbeddedLlm.Sampling;

/// <summary>
/// Chooses the tokens of one sequence: its options, its place in the stream of random numbers and the tokens that penalties look at.
/// Calls allocate nothing and never throw for what is in the logits or the mask. Not thread-safe.
/// </summary>
/// <remarks>
/// Top-k, top-p and min-p all keep the first few tokens of the descending order of logits, so the kept set is found without ordering
/// the vocabulary: the maxima of 64-token blocks give a bound below the k-th logit, and only blocks above it are looked at again.
/// Tokens that a bias or a penalty touches are taken out of the mask and carried beside the row with their new logits, so the logits
/// are neither copied nor written to.
/// </remarks>
internal sealed partial class Sampler
{
    private readonly Dictionary<int, float>? _bias;
    private readonly PenaltyWindow? _window;
    private readonly DryPenalty? _dry;
    private readonly float _scale;
    private readonly bool _greedy;
    private readonly bool _cuts;
    private readonly bool _isRare;
    private readonly float _minPDistance;
    private RandomStream _random;
    private float _mostSurprise;

    /// <exception cref="ArgumentOutOfRangeException">An option is outside its range.</exception>
    public Sampler(SamplingOptions options)
    {
        options.Validate();
        Options = options;
        _bias = options.LogitBias is { Count: > 0 } bias ? new Dictionary<int, float>(bias) : null;
        _window = options.HasPenalties ? new PenaltyWindow(options.PenaltyLastN) : null;
        _dry = options.HasDry ? new DryPenalty(options) : null;
        _random = new RandomStream(options.Seed ?? Random.Shared.NextInt64(long.MinValue, long.MaxValue));
        _scale = Exponential.Log2E / options.Temperature;

        // So small a temperature that the scale is infinite leaves no other token a chance.
        _greedy = !float.IsFinite(_scale) || (options.TopK == 1 && options.Mirostat == MirostatVersion.Off);
        _isRare = options.Mirostat != MirostatVersion.Off ? !_greedy : options.HasRareCuts && options.TopK != 1;
        _mostSurprise = 2f * options.MirostatTau;
        _cuts = options.TopK > 0 || options.TopP < 1f || options.MinP > 0f;
        _minPDistance = options.MinP > 0f ? MathF.Log(options.MinP) : float.NegativeInfinity;
    }

    private Sampler(Sampler source)
    {
        Options = source.Options;
        _bias = source._bias;
        _window = source._window is { } window ? new PenaltyWindow(window.Capacity) : null;
        _dry = source._dry is null ? null : new DryPenalty(source.Options);
        _scale = source._scale;
        _greedy = source._greedy;
        _cuts = source._cuts;
        _isRare = source._isRare;
        _minPDistance = source._minPDistance;
        CopyFrom(source);
    }

    public SamplingOptions Options { get; }

    /// <summary>A sampler that goes on just as this one would, and independently of it.</summary>
    public Sampler Clone() => new(this);

    /// <summary>Takes over the state of a sampler with the same options; allocates nothing.</summary>
    public void CopyFrom(Sampler source)
    {
        if (!ReferenceEquals(source.Options, Options))
            throw new ArgumentException("The samplers have different options.", nameof(source));
        _random = source._random;
        _mostSurprise = source._mostSurprise;
        _window?.CopyFrom(source._window!);
        _dry?.CopyFrom(source._dry!);
    }

    /// <summary>Makes a token of the sequence, from the prompt or sampled, count for the penalties.</summary>
    public void Accept(int token)
    {
        _window?.Add(token);
        _dry?.Accept(token);
    }

    /// <inheritdoc cref="Accept(int)"/>
    public void Accept(ReadOnlySpan<int> tokens)
    {
        if (_window is not null)
        {
            foreach (int token in tokens[Math.Max(0, tokens.Length - _window.Capacity)..])
                _window.Add(token);
        }

        if (_dry is not null)
        {
            // A breaker may have begun before the window.
            foreach (int token in tokens)
                _dry.Accept(token);
        }
    }

    /// <summary>Chooses a token. Every call takes one random number, with XTC two, unless the choice is greedy.</summary>
    /// <param name="logits">One number per token of the vocabulary. NaN counts as negative infinity, which excludes a token.</param>
    /// <param name="allowed">One bit per token, lowest first; empty allows all.</param>
    /// <param name="scratch">Working memory.</param>
    /// <returns>The token, or -1 where none is allowed.</returns>
    public int Sample(ReadOnlySpan<float> logits, ReadOnlySpan<ulong> allowed, SamplerScratch scratch)
    {
        LogitBlocks blocks = Adjust(logits, allowed, scratch, out ReadOnlySpan<ulong> adjusted);
        float greatest = Maxima(blocks, adjusted, scratch.Maxima);
        if (_isRare)
            return SampleRarely(blocks, adjusted, greatest, scratch);
        if (_greedy)
            return Greatest(blocks, adjusted, greatest, scratch.Maxima);

        double random = _random.NextDouble();
        if (float.IsNegativeInfinity(greatest))
            return -1;

        float origin = Origin(greatest);
        if (!_cuts)
            return DrawFromAll(blocks, adjusted, origin, random, scratch);

        int kept = Cut(blocks, adjusted, origin, scratch);
        Span<ulong> candidates = scratch.Candidates.AsSpan(0, kept);
        return Candidate.Token(candidates[Draw(candidates, scratch.Weights.AsSpan(0, kept), origin, _scale, random)]);
    }

    /// <summary>What <see cref="Sample"/> would draw from; changes nothing in the sampler.</summary>
    public TokenDistribution Distribution(ReadOnlySpan<float> logits, ReadOnlySpan<ulong> allowed, SamplerScratch scratch)
    {
        LogitBlocks blocks = Adjust(logits, allowed, scratch, out ReadOnlySpan<ulong> adjusted);
        float greatest = Maxima(blocks, adjusted, scratch.Maxima);
        if (float.IsNegativeInfinity(greatest))
            return default;

        float origin = Origin(greatest);
        float scale = _greedy ? 1f : _scale;
        int kept = 1;
        if (_isRare)
            (kept, origin, scale) = CutRarely(blocks, adjusted, origin, ExcludesTop(_random), scratch);
        else if (_greedy)
            scratch.Candidates[0] = Candidate.Create(greatest, Greatest(blocks, adjusted, greatest, scratch.Maxima));
        else
            kept = _cuts ? Cut(blocks, adjusted, origin, scratch) : Collect(blocks, adjusted, float.MinValue, float.NaN, scratch.Candidates, scratch.Maxima);

        Span<ulong> candidates = scratch.Candidates.AsSpan(0, kept);
        Span<float> weights = scratch.Weights.AsSpan(0, kept);
        candidates.Sort();
        double total = Weigh(candidates, origin, scale, weights);
        int[] tokens = scratch.EnsureTokens(kept);
        for (int i = 0; i < kept; i++)
        {
            tokens[i] = Candidate.Token(candidates[i]);
            weights[i] = (float)(weights[i] / total);
        }

        return new TokenDistribution(tokens.AsSpan(0, kept), weights);
    }

    private static float Maxima(LogitBlocks blocks, ReadOnlySpan<ulong> adjusted, Span<float> maxima)
    {
        float greatest = blocks.Maxima(maxima);
        for (int i = 0; i < adjusted.Length; i++)
        {
            maxima[blocks.Count + i] = Candidate.Logit(adjusted[i]);
            greatest = MathF.Max(greatest, maxima[blocks.Count + i]);
        }

        return greatest;
    }

    /// <summary>What logits are measured from. An infinite logit has the same weight as the greatest finite one.</summary>
    private static float Origin(float greatest) => MathF.Min(greatest, float.MaxValue);

    private static int Greatest(LogitBlocks blocks, ReadOnlySpan<ulong> adjusted, float greatest, ReadOnlySpan<float> maxima)
    {
        if (float.IsNegativeInfinity(greatest))
            return -1;
        int token = blocks.IndexOf(greatest, maxima);
        ulong best = token < 0 ? ulong.MaxValue : Candidate.Create(greatest, token);
        foreach (ulong candidate in adjusted)
            best = Math.Min(best, candidate);
        return Candidate.Token(best);
    }

    /// <summary>Writes the candidates' weights and returns their sum.</summary>
    private static double Weigh(ReadOnlySpan<ulong> candidates, float origin, float scale, Span<float> weights)
    {
        for (int i = 0; i < candidates.Length; i++)
            weights[i] = Candidate.Logit(candidates[i]);
        Exponential.Weigh(weights[..candidates.Length], origin, scale, weights);
        return Exponential.Sum(weights[..candidates.Length]);
    }

    private static double WeighAll(LogitBlocks blocks, ReadOnlySpan<ulong> adjusted, float origin, float scale, SamplerScratch scratch)
        => blocks.Weigh(origin, scale, scratch.Maxima, scratch.Sums) + Weigh(adjusted, origin, scale, scratch.Weights);

    /// <summary>Draws one of the candidates, leaves their weights, and returns its place among them.</summary>
    private static int Draw(ReadOnlySpan<ulong> candidates, Span<float> weights, float origin, float scale, double random)
    {
        double target = random * Weigh(candidates, origin, scale, weights);
        int last = 0;
        double sum = 0;
        for (int i = 0; i < candidates.Length; i++)
        {
            if (weights[i] == 0f)
                continue;
            last = i;
            sum += weights[i];
            if (sum > target)
                break;
        }

        return last;
    }

    /// <summary>Draws without a kept set: the blocks' weights lead to the block, the weights in it to the token.</summary>
    private int DrawFromAll(LogitBlocks blocks, ReadOnlySpan<ulong> adjusted, float origin, double random, SamplerScratch scratch)
    {
        double target = random * WeighAll(blocks, adjusted, origin, _scale, scratch);
        double sum = 0;
        int last = -1;
        for (int i = 0; i < adjusted.Length; i++)
        {
            if (scratch.Weights[i] == 0f)
                continue;
            last = Candidate.Token(adjusted[i]);
            sum += scratch.Weights[i];
            if (sum > target)
                return last;
        }

        ReadOnlySpan<float> sums = scratch.Sums.AsSpan(0, blocks.Count);
        int chosen = -1;
        double before = sum;
        for (int block = 0; block < sums.Length; block++)
        {
            if (sums[block] == 0f)
                continue;
            chosen = block;
            before = sum;
            sum += sums[block];
            if (sum > target)
                break;
        }

        if (chosen < 0)
            return last;

        // The weights of a block, added one by one, may fall short of their sum by a rounding; then its last token is meant.
        Span<float> weights = stackalloc float[LogitBlocks.BlockSize];
        blocks.WeighBlock(chosen, origin, _scale, weights);
        for (int i = 0; i < weights.Length; i++)
        {
            if (weights[i] == 0f)
                continue;
            last = chosen * LogitBlocks.BlockSize + i;
            before += weights[i];
            if (before > target)
                break;
        }

        return last;
    }
}
