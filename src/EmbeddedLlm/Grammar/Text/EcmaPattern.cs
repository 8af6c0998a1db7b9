namespace EmbeddedLlm.Grammars;

/// <summary>
/// Reads regular expressions of ECMA-262 (2025): in its Unicode mode, with the leniency of its Annex B where that has one meaning (a lone <c>]</c> or <c>{</c>, needless
/// escapes of punctuation). From other dialects: <c>\A</c>, <c>\z</c> and <c>\Z</c>, <c>(?i)</c> and <c>(?s)</c> within a pattern, <c>(?P&lt;name&gt;…)</c>, comments.
/// </summary>
internal static class EcmaPattern
{
    /// <summary>The longest pattern read, in UTF-16 units.</summary>
    public const int MaxLength = 256 * 1024;

    /// <exception cref="GrammarException">The pattern is malformed.</exception>
    /// <exception cref="PatternNotSupportedException">It is too long, or means more than a regular language can.</exception>
    public static Pattern Parse(string pattern)
    {
        ArgumentNullException.ThrowIfNull(pattern);
        if (pattern.Length > MaxLength)
            throw new PatternNotSupportedException($"The pattern has {pattern.Length} characters; at most {MaxLength} are supported.");
        return new EcmaPatternParser(pattern).Parse();
    }
}
