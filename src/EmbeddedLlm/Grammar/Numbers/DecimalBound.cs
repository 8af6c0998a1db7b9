namespace EmbeddedLlm.Grammars;

/// <summary>An end of a range of numbers.</summary>
/// <param name="Value">The number at the end.</param>
/// <param name="IsExclusive">Whether that number itself is outside.</param>
internal readonly record struct DecimalBound(ExactDecimal Value, bool IsExclusive);
