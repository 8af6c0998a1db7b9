namespace EmbeddedLlm.Scheduling;

/// <summary>
/// What a kernel of attention that computes many tokens at once asks for: with fewer it falls back to one token after the other, and over a long history a few tokens then take longer than a whole tile of them.
/// The default is a kernel without tiles. Pure.
/// </summary>
/// <param name="Length">The fewest tokens in a step that are computed at once; 0 where there are no tiles.</param>
/// <param name="CellCost">What a cell of history costs a token that is computed alone, as a share of all the rest of its computation.</param>
internal readonly record struct AttentionTile(int Length, double CellCost)
{
    /// <summary>How much less a cell costs in a tile. Measured with AVX-512 on heads of 64 numbers: 4.1; other processors may gain less.</summary>
    private const double Gain = 3.5;

    /// <summary>Worth some cells that are then held twice.</summary>
    private const double LeastGain = 1.15;

    /// <summary>Worth that others wait for a whole tile.</summary>
    private const double LeastRateGain = 1.25;

    /// <summary>How many of a prompt's last tokens to compute where some are new: a tile, with tokens that were computed before, where that is faster, else the new ones.</summary>
    /// <param name="fresh">The new ones, at least one.</param>
    /// <param name="total">The prompt's tokens.</param>
    public int Fill(int fresh, int total)
    {
        if (fresh >= Length || total <= Length)
            return fresh;
        double alone = fresh * (1 + (CellCost * total));
        double together = Length * (1 + (CellCost * total / Gain));
        return alone > together * LeastGain ? Length : fresh;
    }

    /// <summary>Whether a prompt of so many tokens is computed notably faster in whole tiles than in fewer tokens at once.</summary>
    public bool Pays(int total) => Length > 0 && 1 + (CellCost * total) > (1 + (CellCost * total / Gain)) * LeastRateGain;

    /// <summary>How many tokens of a prompt to compute in a step: a few less than there may be, where those that are left would be no tile.</summary>
    /// <param name="pending">The tokens to come.</param>
    /// <param name="most">How many the step takes.</param>
    public int Divide(int pending, int most)
    {
        int rest = pending - most;
        return rest > 0 && rest < Length && most - (Length - rest) >= Length ? most - (Length - rest) : most;
    }
}
