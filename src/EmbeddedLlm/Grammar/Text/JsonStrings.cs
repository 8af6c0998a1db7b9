namespace EmbeddedLlm.Grammars;

internal static class JsonStrings
{
    public static LexicalState? Create(TextAutomaton content, int minLength, int? maxLength, bool anySpelling) => throw new NotImplementedException();
}
