namespace EmbeddedLlm.Grammars;

/// <summary>The lexical automata of texts as they are, in UTF-8.</summary>
internal static class PlainText
{
    /// <summary>
    /// The automaton of the texts that a pattern matches as a whole. It is made as it is used, and bounds on repetitions are counted, so that a pattern of any size
    /// costs nothing ahead.
    /// </summary>
    /// <returns>Null where there are none.</returns>
    /// <exception cref="GrammarException">The pattern is no regular language or too large.</exception>
    public static LexicalState? Create(Pattern pattern)
    {
        pattern = WithoutOuterAnchors(pattern);
        if (pattern.IsNothing)
            return null;
        TextState? start;
        if (pattern.HasAssertions)
        {
            // Whether an assertion can be met is known only when all that follows is.
            start = TextAutomaton.FromWhole(pattern).Bounded(0, null, PlainEncoder.Instance).Start;
        }
        else
        {
            start = new PatternMachine(PatternProgram.Compile(pattern, acceptsTail: false, depth: 0), context: 0, long.MaxValue).Start;
        }

        return start is null ? null : PlainEncoder.Instance.Start(start);
    }

    /// <summary>The pattern without what a match as a whole implies: the start before its first part and the end after its last.</summary>
    private static Pattern WithoutOuterAnchors(Pattern pattern) => pattern switch
    {
        { HasAssertions: false } => pattern,
        Pattern.Concat concat => Pattern.Sequence([.. concat.Parts.SkipWhile(IsStart).Reverse().SkipWhile(Pattern.IsEnd).Reverse()]),
        Pattern.Alternation alternation => Pattern.OneOf([.. alternation.Parts.Select(static part =>
            part is Pattern.Concat concat ? Pattern.Sequence([.. concat.Parts.SkipWhile(IsStart).Reverse().SkipWhile(Pattern.IsEnd).Reverse()]) : part)]),
        _ => pattern,
    };

    private static bool IsStart(Pattern pattern) => pattern is Pattern.At { Places: Pattern.Place.Start };
}
