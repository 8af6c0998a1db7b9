namespace EmbeddedLlm.Grammars;

internal static class PlainText
{
    /// <summary>The automaton of a pattern's texts in UTF-8; null where there are none.</summary>
    public static LexicalState? Create(Pattern pattern) => throw new NotImplementedException();
}
