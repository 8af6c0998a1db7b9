namespace EmbeddedLlm;

/// <summary>Which algorithm of Mirostat chooses the tokens.</summary>
public enum MirostatVersion
{
    /// <summary>None.</summary>
    Off,

    /// <summary>Mirostat: the number of tokens to choose from, estimated by Zipf's law, follows the surprise (Basu et al., arXiv:2007.14966, algorithm 1).</summary>
    V1,

    /// <summary>Mirostat 2.0: tokens of more than an adaptive surprise are left out (algorithm 2 of the same paper).</summary>
    V2,
}
