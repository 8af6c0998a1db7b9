namespace EmbeddedLlm.Grammars;

/// <summary>A property of an object that is written apart from the others, and not as JSON.</summary>
/// <param name="Name">The property's key.</param>
/// <param name="IsRequired">Whether it is always there.</param>
/// <param name="Text">Its value where that is a string written as it is, without quotes and escapes; null where it is none.</param>
/// <param name="Json">Its value where that is written as JSON; null where it is none.</param>
internal sealed record SchemaArgument(string Name, bool IsRequired, GrammarNode? Text, GrammarNode? Json)
{
    private readonly Lazy<Grammar?> _json = new(() => Json is null ? null : new Grammar(Json));

    /// <summary>Whether a text is the JSON of a value: then it is that value, and no string.</summary>
    public bool IsJson(ReadOnlySpan<byte> text) => _json.Value?.Accepts(text) ?? false;

    /// <summary>Whether the JSON of a value may begin with a byte.</summary>
    public bool JsonMayBeginWith(byte first) => _json.Value?.Machine.Root?.Next(first) is not null;
}

/// <summary>How properties are written one by one.</summary>
/// <param name="StringEnd">What ends a string that is written as it is, so that it cannot be in one; null where strings are written as JSON.</param>
/// <param name="HasPythonWords">Whether <c>true</c>, <c>false</c> and <c>null</c> are <c>True</c>, <c>False</c> and <c>None</c>, those within lists and objects apart.</param>
internal readonly record struct SchemaArgumentStyle(string? StringEnd, bool HasPythonWords)
{
    /// <summary>What is around strings in place of JSON's quotes, wherever they are in a value; null where they are JSON's.</summary>
    public StringQuote? Quote { get; init; }
}

/// <summary>What is around strings that are written as they are, while keys have nothing around them: <c>{key:&lt;escape&gt;value&lt;escape&gt;}</c>.</summary>
/// <param name="Text">Its text, which is in no string.</param>
/// <param name="Node">Its node, which may be a control token.</param>
internal sealed record StringQuote(string Text, GrammarNode Node);
