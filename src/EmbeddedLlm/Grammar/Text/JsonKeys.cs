namespace EmbeddedLlm.Grammars;

/// <summary>What is found where a key ends.</summary>
/// <param name="Name">The index of the name, or -1 for a key that is not among the names.</param>
/// <param name="Patterns">The patterns that match the key; bit i is pattern i.</param>
internal readonly record struct KeyMatch(int Name, ulong Patterns);

internal sealed class JsonKeys
{
    public JsonKeys(string[] names, TextAutomaton[] patterns, TextAutomaton others, bool anySpelling) => throw new NotImplementedException();

    public IReadOnlyList<KeyMatch> Matches => throw new NotImplementedException();

    public LexicalState? Start(KeyChoice allowed) => throw new NotImplementedException();
}
