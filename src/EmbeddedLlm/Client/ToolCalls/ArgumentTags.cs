using System.Collections.Immutable;
using System.Text;
using System.Text.Json;

namespace EmbeddedLlm.Client;

/// <summary>
/// How a model writes arguments one by one: <c>BeforeKey key AfterKey value AfterValue (Separator …)*</c>, such as <c>&lt;parameter=key&gt;value&lt;/parameter&gt;</c> or <c>key="value", …</c>.
/// </summary>
internal sealed record ArgumentTags
{
    private const string BeginOfCharacterData = "<![CDATA[";
    private const string EndOfCharacterData = "]]>";

    public required string BeforeKey { get; init; }

    public required string AfterKey { get; init; }

    /// <summary>What is in the place of <see cref="AfterKey"/> where the value is no string.</summary>
    public required string AfterKeyOfOthers { get; init; }

    /// <summary>
    /// What is in the place of <see cref="AfterKeyOfOthers"/> where it names the value's type, as Kimi K3's <c>type="number"</c> does; empty where it does not. Of <c>true</c> and <c>false</c> there is but the first.
    /// </summary>
    public ImmutableDictionary<JsonValueKind, string> AfterKeysByKind { get; init; } = ImmutableDictionary<JsonValueKind, string>.Empty;

    /// <summary>Whether what comes after a key tells a string from other values, so that <c>null</c> and <c>42</c> may be strings.</summary>
    public bool TellsStrings => AfterKey != AfterKeyOfOthers;

    public required string AfterValue { get; init; }

    public string Separator { get; init; } = "";

    /// <summary>Whether strings are written as they are, up to what is after the value; otherwise they are in quotes and escaped.</summary>
    public bool HasRawStrings { get; init; }

    /// <summary>Whether strings that hold markup or several lines are written as XML's character data: <c>&lt;![CDATA[…]]&gt;</c>.</summary>
    public bool HasCharacterData { get; init; }

    /// <summary>
    /// What is around strings that do not go up to what is after the value: a quote, or a marker such as <c>&lt;escape&gt;</c>. Within markers strings are as they are, in lists and objects too, whose keys
    /// have nothing around them: <c>{key:&lt;escape&gt;value&lt;escape&gt;}</c>.
    /// </summary>
    public string Quote { get; init; } = "\"";

    /// <summary>The marker around strings; null where they are in quotes, or end where the value does.</summary>
    public string? Marker => HasRawStrings || Quote.Length == 1 ? null : Quote;

    /// <summary>Whether values are Python's: <c>True</c> instead of <c>true</c>.</summary>
    public bool HasPythonWords { get; init; }

    /// <summary>Whether the template writes arguments in the order of their names, as Gemma's do with the functions' parameters too, so that the model does.</summary>
    public bool SortsKeys { get; init; }

    /// <summary>The texts, for finding markers in them.</summary>
    public IEnumerable<string> Texts => [BeforeKey, AfterKey, AfterKeyOfOthers, .. AfterKeysByKind.Values, AfterValue, Separator, Marker ?? ""];

    /// <summary>Whether what is written can be read again: keys and values have an end that is not theirs.</summary>
    public bool IsReadable => AfterKey.AsSpan().Trim().Length > 0 && AfterKeyOfOthers.AsSpan().Trim().Length > 0
        && (HasRawStrings
            ? BeforeKey.AsSpan().Trim().Length > 0 && AfterValue.Trim() is [_, _, ..] close && !MayOverlap(close)
            : AfterValue.Length + Separator.Length > 0);

    /// <summary>What comes between the key and a value of a kind.</summary>
    public string AfterKeyOf(JsonValueKind kind) => kind == JsonValueKind.String ? AfterKey : AfterKeysByKind.GetValueOrDefault(kind == JsonValueKind.False ? JsonValueKind.True : kind, AfterKeyOfOthers);

    /// <summary>Writes arguments as a model does.</summary>
    public string Write(JsonElement arguments)
    {
        StringBuilder text = new();
        IEnumerable<JsonProperty> all = arguments.EnumerateObject();
        foreach (JsonProperty argument in SortsKeys ? all.OrderBy(argument => argument.Name.ToLowerInvariant(), StringComparer.Ordinal) : all)
        {
            bool isText = argument.Value.ValueKind == JsonValueKind.String;
            text.Append(text.Length > 0 ? Separator : "").Append(BeforeKey).Append(argument.Name).Append(AfterKeyOf(argument.Value.ValueKind))
                .Append(isText && HasRawStrings ? RawString(argument.Value.GetString()!) : isText && Quote == "'" ? SingleQuoted(argument.Value) : ValueText(argument.Value)).Append(AfterValue);
        }

        return text.ToString();
    }

    /// <summary>Reads arguments that are written one by one.</summary>
    /// <param name="text">The text from the first of them on.</param>
    /// <param name="end">What comes after the last.</param>
    /// <param name="valueOf">The JSON of a value that is written as it is, by its key.</param>
    /// <param name="length">How much of the text they are, without what comes after the last.</param>
    /// <returns>A JSON object; null where it is not whole yet, or never will be.</returns>
    public string? TryRead(ReadOnlySpan<char> text, string end, Func<string, string, string> valueOf, out int length)
    {
        StringBuilder json = new("{");
        length = 0;
        while (true)
        {
            if (Skip(text[length..], end) >= 0)
                return json.Append('}').ToString();
            int begin = Skip(text[length..], (json.Length > 1 ? Separator : "") + BeforeKey);
            if (begin < 0)
                return null;
            int at = length + begin;
            if (ReadKey(text[at..], out bool isOther, out int keyLength) is not { } key)
                return null;
            at += keyLength;
            if ((HasRawStrings ? ReadRaw(text[at..], end, out int valueLength) : PythonLiteral.TryRead(text[at..], isWhole: false, out valueLength, Marker)) is not { } value)
                return null;
            at += valueLength;
            int after = Skip(text[at..], AfterValue);
            if (after < 0)
                return null;
            if (HasRawStrings)
                value = isOther ? PythonLiteral.TryRead(value, isWhole: true, out _) ?? PythonLiteral.Quote(value) : valueOf(key, value);
            json.Append(json.Length > 1 ? "," : "").Append(PythonLiteral.Quote(key)).Append(':').Append(value);
            length = at + after;
        }
    }

    /// <summary>The length of a literal with the white space ahead of it and within, of which none counts; -1 where the text does not begin with it.</summary>
    public static int Skip(ReadOnlySpan<char> text, ReadOnlySpan<char> literal)
    {
        int position = 0;
        foreach (char expected in literal)
        {
            if (char.IsWhiteSpace(expected))
                continue;
            while (position < text.Length && char.IsWhiteSpace(text[position]))
                position++;
            if (position == text.Length || text[position] != expected)
                return -1;
            position++;
        }

        return position;
    }

    private string? ReadKey(ReadOnlySpan<char> text, out bool isOther, out int length)
    {
        isOther = false;
        length = 0;
        // Up to the first white space what is after a key is the same for all values, as both begin alike.
        ReadOnlySpan<char> head = AfterKey.AsSpan().TrimStart();
        int common = head.IndexOfAny(' ', '\n');
        int end = text.IndexOf(common < 0 ? head : head[..common], StringComparison.Ordinal);
        if (end < 0)
            return null;
        int after = Skip(text[end..], AfterKey);
        string literal = AfterKey;
        foreach (string other in AfterKeysByKind.IsEmpty ? [AfterKeyOfOthers] : AfterKeysByKind.Values)
        {
            if (after >= 0)
                break;
            isOther = true;
            literal = other;
            after = Skip(text[end..], other);
        }

        if (after < 0)
            return null;
        length = end + after;
        // White space after the literal is the literal's where it is just that, and otherwise the value's.
        ReadOnlySpan<char> space = literal.AsSpan(literal.AsSpan().TrimEnd().Length);
        if (text[length..].StartsWith(space, StringComparison.Ordinal))
            length += space.Length;
        return text[..end].Trim().ToString();
    }

    /// <summary>Reads up to what ends a value: not just that text, which may be in a string, but that with what can come after it.</summary>
    private string? ReadRaw(ReadOnlySpan<char> text, string end, out int length)
    {
        int data = HasCharacterData ? Skip(text, BeginOfCharacterData) : -1;
        if (data >= 0)
        {
            int dataLength = text[data..].IndexOf(EndOfCharacterData, StringComparison.Ordinal);
            length = data + dataLength + EndOfCharacterData.Length;
            return dataLength < 0 ? null : text.Slice(data, dataLength).ToString();
        }

        ReadOnlySpan<char> close = AfterValue.AsSpan().Trim();
        ReadOnlySpan<char> space = AfterValue.AsSpan(0, AfterValue.Length - AfterValue.AsSpan().TrimStart().Length);
        for (length = 0; length < text.Length; length++)
        {
            int found = text[length..].IndexOf(close, StringComparison.Ordinal);
            if (found < 0)
                return null;
            length += found;
            ReadOnlySpan<char> rest = text[(length + close.Length)..];
            if (Skip(rest, end) < 0 && Skip(rest, Separator + BeforeKey) < 0)
                continue;
            ReadOnlySpan<char> value = text[..length];
            return (value.EndsWith(space, StringComparison.Ordinal) ? value[..^space.Length] : value).ToString();
        }

        return null;
    }

    /// <summary>Whether a text ends with its own beginning, so that one that it ends could have it one time earlier.</summary>
    private static bool MayOverlap(string text) => Enumerable.Range(1, text.Length - 1).Any(start => text.AsSpan(0, text.Length - start).SequenceEqual(text.AsSpan(start)));

    private string RawString(string text) =>
        HasCharacterData && text.AsSpan().ContainsAny('<', '&', '\n') && !text.Contains(EndOfCharacterData, StringComparison.Ordinal) ? BeginOfCharacterData + text + EndOfCharacterData : text;

    private static string SingleQuoted(JsonElement text) =>
        $"'{PythonLiteral.Quote(text.GetString()!)[1..^1].Replace("\\\"", "\"", StringComparison.Ordinal).Replace("'", "\\'", StringComparison.Ordinal)}'";

    private string ValueText(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.True when HasPythonWords => "True",
        JsonValueKind.False when HasPythonWords => "False",
        JsonValueKind.Null when HasPythonWords => "None",
        _ => Marker is { } marker ? Marked(value, marker) : value.GetRawText(),
    };

    /// <summary>A value whose strings are within markers.</summary>
    private static string Marked(JsonElement value, string marker)
    {
        StringBuilder text = new();
        Utf8JsonReader reader = new(Encoding.UTF8.GetBytes(value.GetRawText()), new JsonReaderOptions { MaxDepth = WrittenCall.DepthLimit });
        while (reader.Read())
        {
            if (reader.TokenType is not (JsonTokenType.EndObject or JsonTokenType.EndArray) && text.Length > 0 && text[^1] is not ('{' or '[' or ':'))
                text.Append(',');
            text.Append(reader.TokenType switch
            {
                JsonTokenType.PropertyName => reader.GetString() + ":",
                JsonTokenType.String => marker + reader.GetString() + marker,
                _ => Encoding.UTF8.GetString(reader.ValueSpan),
            });
        }

        return text.ToString();
    }
}
