namespace EmbeddedLlm.Grammars;

/// <summary>How much white space may stand between two parts of a JSON text.</summary>
internal enum WhiteSpace
{
    /// <summary>None: the most compact text.</summary>
    None,

    /// <summary>One space after each colon and comma and none elsewhere: what models have read most, and so write best.</summary>
    Spaced,

    /// <summary>Up to <see cref="JsonPunctuation.WhiteSpaceLimit"/> characters: room to indent, but a model cannot go on with it for ever.</summary>
    Bounded,

    /// <summary>Any number of characters: for text that is there already, and so ends.</summary>
    Unbounded,
}
