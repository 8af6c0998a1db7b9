namespace EmbeddedLlm.Grammars;

/// <summary>A regular language over Unicode scalar values, as a deterministic automaton from each of whose states some text is accepted. Immutable and thread-safe.</summary>
internal sealed class TextAutomaton
{
    /// <summary>Every text.</summary>
    public static TextAutomaton Any { get; } = new();

    /// <summary>No text.</summary>
    public static TextAutomaton None { get; } = new();

    public bool IsNone => throw new NotImplementedException();

    public bool IsAny => throw new NotImplementedException();

    public static TextAutomaton FromPattern(string ecma) => throw new NotImplementedException();

    public static TextAutomaton? FromFormat(string format) => throw new NotImplementedException();

    public static TextAutomaton Of(IEnumerable<string> texts) => throw new NotImplementedException();

    public TextAutomaton And(TextAutomaton other) => throw new NotImplementedException();

    public TextAutomaton Or(TextAutomaton other) => throw new NotImplementedException();

    public TextAutomaton Not() => throw new NotImplementedException();

    public bool Matches(ReadOnlySpan<char> text) => throw new NotImplementedException();

    public bool Overlaps(TextAutomaton other) => throw new NotImplementedException();

    public bool HasTextOfLength(int min, int? max) => throw new NotImplementedException();

    public IReadOnlyList<string>? Enumerate(int limit) => throw new NotImplementedException();
}
