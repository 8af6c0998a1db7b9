namespace EmbeddedLlm.Grammars;

/// <summary>The lexical automata of whole JSON strings, quotes included. Equal arguments mostly give the same object, so that what is found out about one grammar's strings helps the others.</summary>
internal static class JsonStrings
{
    /// <summary>The strings whose decoded content is in an automaton, and in a range of lengths.</summary>
    /// <param name="content">The contents.</param>
    /// <param name="minLength">The least number of code points.</param>
    /// <param name="maxLength">The greatest number of code points, or null.</param>
    /// <param name="anySpelling">
    /// Whether every spelling is allowed that JSON has. Otherwise contents of which there are finitely many have one spelling each; others may have escapes too where they are not needed,
    /// but not <c>\/</c>.
    /// </param>
    /// <param name="isOneSpelling">Whether all contents have one spelling each, however many they are.</param>
    /// <returns>Null where there is no such string.</returns>
    /// <exception cref="GrammarException">It takes too long to find out which lengths there are.</exception>
    public static LexicalState? Create(TextAutomaton content, int minLength, int? maxLength, bool anySpelling, bool isOneSpelling = false)
    {
        minLength = Math.Max(minLength, 0);
        if (content.IsNone || maxLength < minLength)
            return null;
        JsonEncoder encoder = anySpelling ? JsonEncoder.AnySpelling : isOneSpelling || content.IsFinite ? JsonEncoder.OneSpelling : JsonEncoder.Usual;
        TextState? start = content.Bounded(minLength, maxLength, encoder).Start;
        return start is null ? null : encoder.Start(start);
    }
}
