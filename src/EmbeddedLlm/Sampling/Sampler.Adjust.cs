namespace EmbeddedLlm.Sampling;

/// <content>Bias and penalties.</content>
internal sealed partial class Sampler
{
    /// <summary>Applies bias and penalties to the tokens they touch, and takes these out of the mask.</summary>
    private LogitBlocks Adjust(ReadOnlySpan<float> logits, ReadOnlySpan<ulong> allowed, SamplerScratch scratch, out ReadOnlySpan<ulong> adjusted)
    {
        ReadOnlySpan<int> tokens = _window is null ? default : _window.Tokens;
        ReadOnlySpan<int> counts = _window is null ? default : _window.Counts;
        _dry?.Match();
        int most = tokens.Length + (_bias?.Count ?? 0) + (_dry?.Count ?? 0);
        scratch.Ensure(logits.Length, most);
        adjusted = default;
        if (most == 0)
            return new LogitBlocks(logits, allowed, scratch.Tail);

        Span<ulong> mask = scratch.Mask.AsSpan(0, LogitBlocks.BlocksFor(logits.Length));
        if (allowed.IsEmpty)
        {
            mask.Fill(ulong.MaxValue);
        }
        else
        {
            ReadOnlySpan<ulong> given = allowed[..Math.Min(allowed.Length, mask.Length)];
            given.CopyTo(mask);
            mask[given.Length..].Clear();
        }

        int count = 0;
        for (int i = 0; i < tokens.Length; i++)
        {
            if (!TryTake(mask, tokens[i], logits.Length))
                continue;
            float logit = logits[tokens[i]];
            if (_bias is not null && _bias.TryGetValue(tokens[i], out float bias))
                logit += bias;
            Keep(Penalise(logit, counts[i]) - Repetition(tokens[i]), tokens[i], scratch.Adjusted, ref count);
        }

        if (_bias is not null)
        {
            foreach ((int token, float bias) in _bias)
            {
                if (TryTake(mask, token, logits.Length))
                    Keep(logits[token] + bias - Repetition(token), token, scratch.Adjusted, ref count);
            }
        }

        if (_dry is { Count: > 0 })
        {
            foreach (int token in _dry.Repetitions.Keys)
            {
                if (TryTake(mask, token, logits.Length))
                    Keep(logits[token] - Repetition(token), token, scratch.Adjusted, ref count);
            }
        }

        adjusted = scratch.Adjusted.AsSpan(0, count);
        return new LogitBlocks(logits, mask, scratch.Tail);

        static bool TryTake(Span<ulong> mask, int token, int vocabulary)
        {
            if ((uint)token >= (uint)vocabulary)
                return false;
            ulong bit = 1UL << (token & 63);
            bool there = (mask[token >> 6] & bit) != 0;
            mask[token >> 6] &= ~bit;
            return there;
        }

        static void Keep(float logit, int token, ulong[] adjusted, ref int count)
        {
            if (logit > float.NegativeInfinity)
                adjusted[count++] = Candidate.Create(logit, token);
        }
    }

    private float Repetition(int token) => _dry is { Count: > 0 } ? _dry.PenaltyOf(token) : 0f;

    /// <summary>llama.cpp's formula. A negative logit is multiplied, since dividing would make the token more likely.</summary>
    private float Penalise(float logit, int count)
    {
        logit = logit <= 0f ? logit * Options.RepeatPenalty : logit / Options.RepeatPenalty;
        return logit - (count * Options.FrequencyPenalty + Options.PresencePenalty);
    }
}
