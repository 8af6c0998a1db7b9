namespace EmbeddedLlm.Attention;

/// <summary>
/// How an operation is divided into units that threads take one after the other: some tokens with all heads that share one of keys and values, and where there are few such groups, a part of the cells. The
/// division does not depend on the number of threads, so that results do not either. Pure.
/// </summary>
/// <param name="TokensPerGroup">The tokens of a group; the last may have fewer.</param>
/// <param name="TokenGroups">The groups of one head of keys and values.</param>
/// <param name="Groups">All groups.</param>
/// <param name="CellsPerPart">The cells of a part; the last may have fewer.</param>
/// <param name="Parts">The parts of each group's cells.</param>
internal readonly record struct AttentionWork(int TokensPerGroup, int TokenGroups, int Groups, int CellsPerPart, int Parts)
{
    /// <summary>The most rows, which are one token's query of one head each, of a group. Enough that unpacking keys and values does not count, few enough that scores and sums stay in a core's cache.</summary>
    public const int MostRows = 128;

    /// <summary>With so many groups, the cells are not divided.</summary>
    public const int MostDividedGroups = 16;

    // Four blocks. Many threads need many parts, and one thread was seen to lose nothing by them: with AVX-512, a token of a model of 0.5B parameters took 42 µs a layer with 1,024 cells in one part, and the same in four.
    private const int FewestCellsPerPart = 256;

    public int Units => Groups * Parts;

    /// <param name="inputs">What is computed.</param>
    /// <param name="partialCapacity">How many numbers there is room for between the parts and their sum.</param>
    public static AttentionWork Divide(in AttentionInputs inputs, int partialCapacity)
    {
        int tokens = Math.Min(inputs.Tokens, Math.Max(1, MostRows / inputs.HeadsPerKv));
        int tokenGroups = (inputs.Tokens + tokens - 1) / tokens;
        int groups = tokenGroups * inputs.KvHeads;
        if (groups > MostDividedGroups)
            return new AttentionWork(tokens, tokenGroups, groups, inputs.Cells, 1);
        long partial = (long)groups * tokens * inputs.HeadsPerKv * PartialLength(inputs.ValueLength);
        long cells = FewestCellsPerPart;
        while (cells < inputs.Cells && partial * ((inputs.Cells + cells - 1) / cells) > partialCapacity)
            cells *= 2;
        cells = Math.Min(cells, inputs.Cells);
        return new AttentionWork(tokens, tokenGroups, groups, (int)cells, (int)((inputs.Cells + cells - 1) / cells));
    }

    /// <summary>What a part says of a row: the sum of values, the highest score, and the sum of weights.</summary>
    public static int PartialLength(int valueLength) => valueLength + 2;
}
