using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace EmbeddedLlm.Client;

/// <summary>What a part of a written call is.</summary>
internal enum ToolCallPartKind
{
    /// <summary>Text that is always the same.</summary>
    Literal,

    /// <summary>The function's name.</summary>
    Name,

    /// <summary>The arguments: one JSON object.</summary>
    Arguments,

    /// <summary>The call's id.</summary>
    Id,
}

/// <summary>A part of a written call.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Text">A literal's text; empty for the others.</param>
internal readonly record struct ToolCallPart(ToolCallPartKind Kind, string Text = "");

/// <summary>How a model writes calls of functions: <c>Begin call (Separator call)* End</c>, each call a row of parts that begins with a literal and ends with one.</summary>
internal sealed partial record ToolCallFormat
{
    /// <summary>The most widespread format, of Hermes and Qwen: what models are told to write whose template has no format.</summary>
    public static ToolCallFormat Hermes { get; } = new()
    {
        Call =
        [
            new(ToolCallPartKind.Literal, "<tool_call>\n{\"name\": \""), new(ToolCallPartKind.Name), new(ToolCallPartKind.Literal, "\", \"arguments\": "),
            new(ToolCallPartKind.Arguments), new(ToolCallPartKind.Literal, "}\n</tool_call>"),
        ],
        Separator = "\n",
    };

    /// <summary>The format that Granite's template tells the model to use, and does not write itself.</summary>
    public static ToolCallFormat Granite { get; } = new()
    {
        Begin = "<|tool_call|>[",
        Call =
        [
            new(ToolCallPartKind.Literal, "{\"name\": \""), new(ToolCallPartKind.Name), new(ToolCallPartKind.Literal, "\", \"arguments\": "),
            new(ToolCallPartKind.Arguments), new(ToolCallPartKind.Literal, "}"),
        ],
        Separator = ", ",
        End = "]",
    };

    /// <summary>The format of Phi-4-mini, whose template describes tools between the tokens <c>&lt;|tool|&gt;</c> and <c>&lt;|/tool|&gt;</c> and tells nothing of calls.</summary>
    public static ToolCallFormat Phi { get; } = Granite with { End = "]<|/tool_call|>" };

    /// <summary>The format of Kimi K2, whose first templates declare tools and tell nothing of calls: their numbers go through the conversation.</summary>
    public static ToolCallFormat Kimi { get; } = new()
    {
        Begin = "<|tool_calls_section_begin|>",
        Call =
        [
            new(ToolCallPartKind.Literal, "<|tool_call_begin|>functions."), new(ToolCallPartKind.Name), new(ToolCallPartKind.Literal, ":"), new(ToolCallPartKind.Id),
            new(ToolCallPartKind.Literal, "<|tool_call_argument_begin|>"), new(ToolCallPartKind.Arguments), new(ToolCallPartKind.Literal, "<|tool_call_end|>"),
        ],
        Separator = "",
        End = "<|tool_calls_section_end|>",
        CountsCalls = true,
    };

    /// <summary>The format that LFM2's template describes tools for, and whose calls some versions of it do not write: a list of calls in Python.</summary>
    public static ToolCallFormat Pythonic { get; } = new()
    {
        Begin = "<|tool_call_start|>[",
        Call =
        [
            new(ToolCallPartKind.Literal), new(ToolCallPartKind.Name), new(ToolCallPartKind.Literal, "("), new(ToolCallPartKind.Arguments), new(ToolCallPartKind.Literal, ")"),
        ],
        Separator = ", ",
        End = "]<|tool_call_end|>",
        Tags = new() { BeforeKey = "", AfterKey = "=", AfterKeyOfOthers = "=", AfterValue = "", Separator = ", ", HasPythonWords = true },
    };

    /// <summary>The same without markers: what Meta tells its smaller models to write, and templates that say so.</summary>
    public static ToolCallFormat BarePythonic { get; } = Pythonic with { Begin = "[", End = "]" };

    /// <summary>The format that MiniCPM 5's template tells the model to use, and writes twice itself.</summary>
    public static ToolCallFormat FunctionTags { get; } = new()
    {
        Call =
        [
            new(ToolCallPartKind.Literal, "<function name=\""), new(ToolCallPartKind.Name), new(ToolCallPartKind.Literal, "\">"), new(ToolCallPartKind.Arguments), new(ToolCallPartKind.Literal, "</function>"),
        ],
        Separator = "\n",
        Tags = new() { BeforeKey = "<param name=\"", AfterKey = "\">", AfterKeyOfOthers = "\">", AfterValue = "</param>", HasRawStrings = true, HasCharacterData = true },
    };

    /// <summary>OpenAI's harmony format, in which an answer is a row of messages, each in a channel.</summary>
    public static ToolCallFormat Harmony { get; } = new()
    {
        Call =
        [
            new(ToolCallPartKind.Literal, "<|channel|>commentary to=functions."), new(ToolCallPartKind.Name), new(ToolCallPartKind.Literal, " <|constrain|>json<|message|>"),
            new(ToolCallPartKind.Arguments), new(ToolCallPartKind.Literal, "<|call|>"),
        ],
        IsHarmony = true,
    };

    /// <summary>Whether the whole answer is in the harmony format, calls or not: <see cref="HarmonyReader"/> reads it.</summary>
    public bool IsHarmony { get; private init; }

    /// <summary>What comes before the first call.</summary>
    public string Begin { get; init; } = "";

    /// <summary>One call.</summary>
    public required ImmutableArray<ToolCallPart> Call { get; init; }

    /// <summary>What comes between two calls; null where an answer has but one.</summary>
    public string? Separator { get; init; }

    /// <summary>What comes after the last call, the end of the turn not included.</summary>
    public string End { get; init; } = "";

    /// <summary>
    /// What begins an answer's text where a call's name could come instead, as the prompt has ended with <see cref="Separator"/>: <see cref="AnswerHeader"/>. Calls may come after the text, each after the
    /// separator. Mostly empty.
    /// </summary>
    public string TextHeader { get; init; } = "";

    /// <summary>How arguments are written one by one; null where they are a JSON object.</summary>
    public ArgumentTags? Tags { get; init; }

    /// <summary>Whether ids are the numbers of the calls; otherwise they are nine letters and digits.</summary>
    public bool CountsCalls { get; init; }

    /// <summary>The number of the first call where they are counted.</summary>
    public int FirstNumber { get; init; }

    /// <summary>What tells that a call begins: a marker such as <c>&lt;tool_call&gt;</c>, else all that comes before the name.</summary>
    public string Trigger => LongTrigger ?? (Marker().Match(Opening) is { Success: true, Index: 0 } marker ? marker.Value : Opening);

    /// <summary>What tells it where the first marker begins other things, too, as Kimi K3's <c>&lt;|open|&gt;</c> does; null where it does not.</summary>
    public string? LongTrigger { get; init; }

    /// <summary>
    /// What tells of the trigger where a model leaves that out, as Qwen3-Coder does with <c>&lt;tool_call&gt;</c>: the marker after it that the name is part of, such as <c>&lt;function=</c>; null where there is none.
    /// </summary>
    public string? TriggerShortcut => !IsTriggeredAtStart && Opening[Trigger.Length..].TrimStart() is { Length: > 0 } rest && BegunMarker().IsMatch(rest) ? rest : null;

    /// <summary>
    /// Whether the trigger counts only where the answer begins with it, as it is mere text such as <c>{"name": "</c>. A marker counts anywhere, also where the name comes right after it, and so does one that the name
    /// is part of, such as <c>&lt;function=</c> and <c>&lt;function name="</c>.
    /// </summary>
    public bool IsTriggeredAtStart => Marker().Match(Opening) is not { Success: true, Index: 0 } && !BegunMarker().IsMatch(Opening);

    /// <summary>Whether what begins a call is too little to tell it from text, as the bracket of <c>[f(x=1)]</c> is: then the name has to come after it.</summary>
    public bool IsTriggeredByName => IsTriggeredAtStart && !Opening.Any(char.IsLetterOrDigit);

    /// <summary>All that comes before the first part of the first call that is not a literal.</summary>
    public string Opening => Begin + Call[0].Text;

    /// <summary>The markers that may be control tokens of the vocabulary, each once, also with white space that comes after it: that may be part of the token.</summary>
    public IEnumerable<string> Markers() =>
        ((IEnumerable<string>)[Begin, .. Call.Select(part => part.Text), Separator ?? "", End, .. Tags?.Texts ?? [], .. IsHarmony ? HarmonyReader.Markers : []])
            .SelectMany(text => Marker().Matches(text).SelectMany(match => Enumerable.Range(match.Length, 1 + WhiteSpaceAt(text, match.Index + match.Length)).Select(length => text.Substring(match.Index, length)))).Distinct();

    /// <summary>Texts cut into markers and what is between them, in order; none is empty.</summary>
    public static IEnumerable<(string Text, bool IsMarker)> SplitAtMarkers(string text)
    {
        int end = 0;
        foreach (Match marker in Marker().Matches(text))
        {
            if (marker.Index > end)
                yield return (text[end..marker.Index], false);
            yield return (marker.Value, true);
            end = marker.Index + marker.Length;
        }

        if (end < text.Length)
            yield return (text[end..], false);
    }

    /// <summary>Writes calls as a model does.</summary>
    /// <param name="calls">Names and JSON objects, and ids where there are any.</param>
    public string Write(params IReadOnlyList<(string Name, string Arguments, string? Id)> calls)
    {
        StringBuilder text = new(Begin);
        for (int i = 0; i < calls.Count; i++)
        {
            // Where a template has but one call in a turn, others go below it.
            if (i > 0)
                text.Append(Separator ?? "\n");
            foreach (ToolCallPart part in Call)
            {
                text.Append(part.Kind switch
                {
                    ToolCallPartKind.Name => calls[i].Name,
                    ToolCallPartKind.Arguments => Tags?.Write(JsonElement.Parse(calls[i].Arguments)) ?? calls[i].Arguments,
                    ToolCallPartKind.Id => CountsCalls ? $"{FirstNumber + i}" : calls[i].Id,
                    _ => part.Text,
                });
            }
        }

        return text.Append(End).ToString();
    }

    private static int WhiteSpaceAt(string text, int start) => text.Length - start - text.AsSpan(start).TrimStart().Length;

    /// <summary>What templates write as special tokens: <c>&lt;…&gt;</c> without white space, or words of capitals in brackets.</summary>
    [GeneratedRegex(@"<[^<>\s]{1,60}>|\[/?[A-Z][A-Z_]+(?: [A-Z]+)*\]", RegexOptions.CultureInvariant)]
    private static partial Regex Marker();

    /// <summary>A marker up to the name that is part of it.</summary>
    [GeneratedRegex(@"\A<[^<>\s]{3,60}(?:[=:]| name="")\z", RegexOptions.CultureInvariant)]
    private static partial Regex BegunMarker();
}
