namespace EmbeddedLlm.Grammars;

internal static class EcmaPattern
{
    /// <exception cref="GrammarException">Malformed.</exception>
    /// <exception cref="PatternNotSupportedException">Not regular, or over a limit.</exception>
    public static Pattern Parse(string pattern) => throw new NotImplementedException();
}
