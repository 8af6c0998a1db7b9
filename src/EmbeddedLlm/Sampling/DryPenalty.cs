using System.Runtime.InteropServices;
using EmbeddedLlm.Tokens;

namespace EmbeddedLlm.Sampling;

/// <summary>
/// "Don't repeat yourself": a token that would make the end of the text longer which is there already once, is less likely by a penalty that grows exponentially with that end's
/// length (Philipp Emanuel Weidmann, github.com/oobabooga/text-generation-webui/pull/5677). Belongs to one sequence.
/// </summary>
/// <remarks>
/// For all places of the window together the longest match with the window's end is found in linear time by the Z-algorithm (Gusfield, "Algorithms on Strings, Trees and
/// Sequences", 1997, chapter 1), read backwards.
/// </remarks>
internal sealed class DryPenalty
{
    private readonly SamplingOptions _options;
    private readonly StopString[] _breakers;
    private readonly int _mostExponent;

    // Twice the window: what falls out of it is moved away only when the end is reached.
    private readonly int[] _tokens;
    private readonly int[] _matches;

    // As large as it can become, so that no token makes it grow; but where a window is so large that it hardly ever will.
    private readonly Dictionary<int, int> _longest;
    private int _count;
    private int _sinceBreak;

    public DryPenalty(SamplingOptions options)
    {
        _options = options;
        _breakers = options.DryBreakers?.Begin() ?? [];
        _tokens = new int[2 * options.DryPenaltyLastN];
        _matches = new int[options.DryPenaltyLastN];
        _longest = new Dictionary<int, int>(Math.Min(options.DryPenaltyLastN, 1024));
        // The power stays below the greatest single-precision number, whose natural logarithm is 88.72.
        _mostExponent = options.DryBase > 1.000001f ? (int)(88.7228391f / MathF.Log(options.DryBase)) : 0;
    }

    /// <summary>How many tokens one row's penalties can touch.</summary>
    public int Count => _longest.Count;

    /// <summary>The tokens that <see cref="Match"/> has found, with the length of the longest repetition each would continue.</summary>
    public Dictionary<int, int> Repetitions => _longest;

    public void Accept(int token)
    {
        int window = _matches.Length;
        if (_count == _tokens.Length)
        {
            _tokens.AsSpan(_count - window + 1).CopyTo(_tokens);
            _count = window - 1;
        }

        _tokens[_count++] = token;
        _sinceBreak = _options.DryBreakers?.Advance(_breakers, token) ?? false ? 0 : Math.Min(_sinceBreak + 1, int.MaxValue - 1);
    }

    /// <summary>Finds the tokens that would continue a repetition, and how long it is.</summary>
    public void Match()
    {
        _longest.Clear();
        int window = Math.Min(_count, _matches.Length);
        int limit = Math.Min(_sinceBreak, window);
        int least = _options.DryAllowedLength;
        if (window <= least || limit < least)
            return;

        ReadOnlySpan<int> tokens = _tokens.AsSpan(_count - window, window);
        int last = window - 1;
        Span<int> matches = _matches.AsSpan(0, window);

        // The match that reaches furthest back: [left, right) counted from the end.
        int left = 0;
        int right = 0;
        for (int k = 1; k < window; k++)
        {
            int match = k < right ? Math.Min(right - k, matches[k - left]) : 0;
            while (match < limit && k + match < window && tokens[last - match] == tokens[last - k - match])
                match++;
            matches[k] = match;
            if (k + match > right)
                (left, right) = (k, k + match);
            if (match < least)
                continue;
            ref int longest = ref CollectionsMarshal.GetValueRefOrAddDefault(_longest, tokens[last - k + 1], out _);
            longest = Math.Max(longest, match);
        }
    }

    /// <summary>What is subtracted from a token's logit; 0 for one that continues no repetition or is a breaker itself.</summary>
    public float PenaltyOf(int token) => _longest.TryGetValue(token, out int length) && !(_options.DryBreakers?.IsIn(token) ?? false) ? PenaltyFor(length) : 0f;

    public void CopyFrom(DryPenalty source)
    {
        source._tokens.AsSpan(0, source._count).CopyTo(_tokens);
        source._breakers.AsSpan().CopyTo(_breakers);
        (_count, _sinceBreak) = (source._count, source._sinceBreak);
    }

    private float PenaltyFor(int length)
    {
        int exponent = length - _options.DryAllowedLength;
        if (_mostExponent > 0)
            exponent = Math.Min(exponent, _mostExponent);
        return _options.DryMultiplier * MathF.Pow(_options.DryBase, exponent);
    }
}
