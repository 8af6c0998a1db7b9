using EmbeddedLlm.Grammars;

namespace EmbeddedLlm;

/// <content>Regular expressions.</content>
public sealed partial class Grammar
{
    /// <summary>The language of a regular expression, which the whole text has to match.</summary>
    /// <param name="pattern">
    /// A regular expression of ECMA-262, read in Unicode mode: <c>.</c> is any character but a line terminator, <c>\d</c>, <c>\w</c> and <c>\s</c> are what they are in JavaScript. Groups only
    /// group. Lookahead and lookbehind are supported, backreferences are not, and what other dialects read otherwise is refused, such as a class within a class.
    /// </param>
    /// <exception cref="GrammarException">The pattern is malformed, matches nothing, is no regular language, or exceeds a limit on its size.</exception>
    public static Grammar FromRegex(string pattern)
    {
        ArgumentNullException.ThrowIfNull(pattern);
        return pattern.Length > KeptTextLength ? CompileRegex(pattern) : s_regex.GetOrAdd(pattern, pattern, CompileRegex);
    }

    private static Grammar CompileRegex(string pattern)
    {
        LexicalState start = PlainText.Create(EcmaPattern.Parse(pattern)) ?? throw new GrammarException("The regular expression matches no text.");
        return new Grammar(new TerminalNode(start));
    }
}
