namespace EmbeddedLlm.Runtime;

/// <summary>The control tokens between which a model fills a gap (Bavarian et al., arXiv:2207.14255), and those of whole repositories (Hui et al., arXiv:2409.12186); -1 where there is none.</summary>
/// <param name="Prefix">Begins what is before the gap.</param>
/// <param name="Suffix">Begins what is behind the gap.</param>
/// <param name="Middle">Begins what is in it.</param>
/// <param name="Repository">Begins a repository's name.</param>
/// <param name="File">Begins a file's name, which a line's end ends.</param>
internal sealed record InfillTokens(int Prefix, int Suffix, int Middle, int Repository, int File)
{
    /// <summary>Whether the model has what it takes to fill a gap.</summary>
    public bool CanInfill => Prefix >= 0 && Suffix >= 0 && Middle >= 0;
}
