namespace EmbeddedLlm.Grammars;

/// <summary>A regular expression is well-formed, but no regular language, or too large to be matched within bounds of time and memory.</summary>
internal sealed class PatternNotSupportedException(string message) : GrammarException(message);
