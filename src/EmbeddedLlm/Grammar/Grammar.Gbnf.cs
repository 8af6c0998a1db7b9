using EmbeddedLlm.Grammars;

namespace EmbeddedLlm;

public sealed partial class Grammar
{
    /// <summary>
    /// A grammar in GBNF, the notation of llama.cpp: rules <c>name ::= …</c> of literals, character classes, references to rules, groups, alternatives and repetitions, beginning
    /// with the rule <c>root</c>. Tokens may be named by id, <c>&lt;[123]&gt;</c>, or by text, <c>&lt;|name|&gt;</c>; <c>!</c> ahead means every other token.
    /// </summary>
    /// <remarks>
    /// Repetition counts are exact, however large. Left recursion is not supported, and a rule is defined once. Parts of which no text is an instance are never begun.
    /// Grammars are kept by their text, so asking again for the same one is quick.
    /// </remarks>
    /// <param name="gbnf">The rules.</param>
    /// <exception cref="GrammarException">The grammar is malformed, left-recursive, without any text, or exceeds a limit; the message, <see cref="GrammarException.Line"/> and
    /// <see cref="GrammarException.Column"/> say where.</exception>
    public static Grammar FromGbnf(string gbnf)
    {
        ArgumentNullException.ThrowIfNull(gbnf);
        return gbnf.Length > KeptTextLength ? CompileGbnf(gbnf) : s_gbnf.GetOrAdd(gbnf, gbnf, CompileGbnf);
    }

    private static Grammar CompileGbnf(string gbnf)
    {
        GbnfParser parser = new(gbnf);
        List<GbnfRule> rules = parser.Parse();
        return new Grammar(GbnfCompiler.Compile(GbnfAnalysis.Analyze(rules, parser.Error)));
    }
}
