namespace EmbeddedLlm.Grammars;

internal static class TextFormats
{
    public static TextAutomaton? Find(string name) => throw new NotImplementedException();
}
