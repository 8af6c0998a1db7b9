namespace EmbeddedLlm.Grammars;

/// <summary>A token that a grammar names, by id or by a control token's text; or all tokens but that.</summary>
/// <param name="Id">The token's id, or -1 where <paramref name="Text"/> names it.</param>
/// <param name="Text">The token's text in UTF-8, where it is named by that.</param>
/// <param name="IsNegated">Whether every token but this one is meant.</param>
internal sealed record TokenReference(int Id, byte[]? Text, bool IsNegated);
