using System.Collections.Immutable;
using System.Text.Json;
using System.Text.RegularExpressions;
using EmbeddedLlm.Templates;

namespace EmbeddedLlm.Client;

/// <summary>
/// Finds out what a chat template does with tools, by rendering conversations whose names and values occur nowhere else and comparing what comes out. So a template that nobody has
/// seen needs no code, as long as its calls hold a name and a JSON object.
/// </summary>
internal sealed partial class ToolSupportLearner
{
    private const string User = "zquser";
    private const string Reply = "zqreply";
    private const string Next = "zqnext";
    private const string Result = "zqresult";
    private const string Described = "zqdescribed";

    /// <summary>The arguments whose notation could be taken for another one.</summary>
    private const string OddArguments = """{"zqkeya": "a \"b\" <c> & 'd'\n\\e", "zqkeyb": "zqvalb", "zqkeyc": 7731, "zqkeyd": true, "zqkeye": {"zqin": [-1.5, "zqs"]}}""";

    /// <summary>Arguments that are written alike whether or not anything is escaped.</summary>
    private const string PlainArguments = """{"zqkeya": "a plain text", "zqkeyb": "zqvalb", "zqkeyc": 7731, "zqkeyd": true, "zqkeye": {"zqin": [-1.5, "zqs"]}}""";

    /// <summary>The least number of characters before the first name or argument where they do not begin like markup or JSON.</summary>
    private const int ShortestBareHead = 6;
    private const char NamePlace = '\uE000';
    private const char ArgumentsPlace = '\uE001';
    private const char IdPlace = '\uE002';

    /// <summary>Ids that are longer and shorter than Mistral's nine characters.</summary>
    private static readonly string[] s_otherIds = ["call-of-another-length", "1"];

    private static readonly Call[] s_calls = [new("zqfirst", "zqkeya", "zqvala", "zqid00001"), new("zqsecond", "zqkeyb", "zqvalb", "zqid00002")];

    private readonly ChatTemplate _template;
    private readonly string _beginOfSequence;
    private readonly string _endOfSequence;
    private readonly ConversationRenderer _renderer;
    private string? _variable;
    private string? _systemKey;
    private bool _takesToolsAsText;

    /// <summary>The format of a template that puts strings between quotes and escapes nothing in them, so that it cannot be left to write calls; null where it has none.</summary>
    private ToolCallFormat? _unescaped;

    /// <summary>What comes after the message whose rendering is looked at.</summary>
    private TemplateValue[] _after = [];

    private ToolSupportLearner(ChatTemplate template, string beginOfSequence, string endOfSequence)
    {
        _template = template;
        _beginOfSequence = beginOfSequence;
        _endOfSequence = endOfSequence;
        _renderer = new ConversationRenderer(template, beginOfSequence, endOfSequence);
    }

    /// <param name="template">The template; it is rendered some twenty times, and some twenty more where the end of a conversation shows no calls.</param>
    /// <param name="beginOfSequence">What it calls <c>bos_token</c>.</param>
    /// <param name="endOfSequence">What it calls <c>eos_token</c>.</param>
    public static ToolSupport Learn(ChatTemplate template, string beginOfSequence, string endOfSequence) =>
        new ToolSupportLearner(template, beginOfSequence, endOfSequence).Learn();

    private ToolSupport Learn()
    {
        FindDescription();
        ToolSupport support = new() { Format = ToolCallFormat.Hermes, TakesSystemMessage = Render([Message("system", Reply), UserMessage()], isPrompt: true)?.Contains(Reply, StringComparison.Ordinal) ?? false };
        // Nemotron Nano 2's template leaves the calls of the last message out.
        foreach (TemplateValue[] after in new TemplateValue[][] { [], [Message("user", Next)] })
        {
            _after = after;
            if (LearnWritten(support) is { } written)
                return written;
        }

        _after = [];
        return LearnTold(support);
    }

    /// <summary>What is learned from the calls that the template writes; null where it writes none that can be read.</summary>
    private ToolSupport? LearnWritten(ToolSupport support)
    {
        foreach (bool takesText in new[] { false, true })
        {
            foreach (bool takesNoContent in Contents(support with { TakesArgumentsAsText = takesText }))
            {
                support = support with { TakesArgumentsAsText = takesText, TakesNoContent = takesNoContent, HasNamesInIds = false };
                // Where calls have ids and no names, the ids are to hold the names.
                support = support with { HasNamesInIds = RenderCalls(support, [s_calls[0]]) is { } one && one.Contains(s_calls[0].Id, StringComparison.Ordinal) && !one.Contains(s_calls[0].Name, StringComparison.Ordinal) };
                if (LearnFormat(support) is not { } format)
                    continue;
                support = support with { Format = IsHarmony ? ToolCallFormat.Harmony : format, Variable = _variable, SystemKey = _systemKey, TakesToolsAsText = _takesToolsAsText, WritesCalls = true };
                return support with
                {
                    TakesCallsWithoutText = TakesCallsWithoutText(support),
                    TakesShortIdsOnly = s_otherIds.Any(id => RenderAnswer(CallMessage(support, [s_calls[0] with { Id = id }])) is null),
                    WritesResults = WritesResult(CallMessage(support, [s_calls[0]])),
                    ResultsKey = FindResultsKey(support),
                };
            }
        }

        return null;
    }

    /// <summary>Whether a message that only calls has no content, or an empty one, in the order to try them: the first is none where an empty one has the template write an empty answer below the calls, as that of DeepSeek R1's distillations of Qwen does.</summary>
    private bool[] Contents(ToolSupport support) =>
        RenderCalls(support with { TakesNoContent = false }, [s_calls[0]]) is { } empty && RenderCalls(support with { TakesNoContent = true }, [s_calls[0]]) is { } none
            && empty.Length > none.Length && empty.StartsWith(none, StringComparison.Ordinal) ? [true, false] : [false, true];

    private bool TakesCallsWithoutText(ToolSupport support)
    {
        string rendered = RenderAnswer(CallMessage(support, [s_calls[0]], Reply)) ?? "";
        int call = rendered.IndexOf(s_calls[0].Value, StringComparison.Ordinal);
        return call < 0 || rendered.IndexOf(Reply, StringComparison.Ordinal) > call;
    }

    /// <summary>Whether answers are messages in channels: then a call is read with all that is around it.</summary>
    private bool IsHarmony => _template.Source.Contains("<|channel|>analysis<|message|>", StringComparison.Ordinal) && _template.Source.Contains("<|call|>", StringComparison.Ordinal);

    private ToolCallFormat? LearnFormat(ToolSupport support)
    {
        string? prompt = AfterUser(Render([UserMessage()], isPrompt: true));
        string? reply = RenderAnswer(Message("assistant", Reply));
        string? one = RenderCalls(support, [s_calls[0]]);
        if (prompt is null || reply is null || one is null || reply.IndexOf(Reply, StringComparison.Ordinal) is not (>= 0 and int at))
            return null;
        Surroundings around = new(prompt, reply[..at], reply[(at + Reply.Length)..], AnswerHeader.Of(_template, _beginOfSequence, _endOfSequence));
        ArgumentTags? tags = LearnTags(support, around);
        if (Body(one, around, tags, calls: 1, out int firstNumber) is not { } single)
            return null;
        string? two = RenderCalls(support, s_calls);
        string? both = two is null ? null : Body(two, around, tags, calls: 2, out _);
        ToolCallFormat? format = around.TextHeader.Length > 0 ? FormatAfterPrompt(single, both, around) : FormatOf(single, both);
        if (format is null)
            return null;
        format = format with { Tags = tags, CountsCalls = !one.Contains(s_calls[0].Id, StringComparison.Ordinal), FirstNumber = firstNumber };
        if (AnswerHeader.Tags(_template, _beginOfSequence, _endOfSequence) is { Open: "" } text)
            format = AfterText(format, text.Close, around);
        if (IsReadBack(support, format, around, OddArguments))
            return WithoutTextMarkers(support, format, around);
        if (tags is { HasRawStrings: false, Marker: null } && IsReadBack(support, format, around, PlainArguments))
            _unescaped ??= format with { Tags = tags with { Quote = "\"" } };
        return null;
    }

    /// <summary>
    /// The format without what is around a message's text ahead of its calls where the template writes that for no text, too, as Llama 4's <c>&lt;|python_start|&gt;&lt;|python_end|&gt;</c>: a model that only calls
    /// does not write it.
    /// </summary>
    private ToolCallFormat WithoutTextMarkers(ToolSupport support, ToolCallFormat format, Surroundings around)
    {
        if (RenderAnswer(CallMessage(support, [s_calls[0]], Reply)) is not { } rendered)
            return format;
        string body = Inside(rendered, around);
        int text = body.IndexOf(Reply, StringComparison.Ordinal);
        if (text <= 0 || !HasMarker(body[..text]) || !format.Begin.StartsWith(body[..text], StringComparison.Ordinal))
            return format;
        string begin = format.Begin[text..];
        (string close, bool isMarker) = ToolCallFormat.SplitAtMarkers(begin).FirstOrDefault();
        return isMarker && body.AsSpan(text + Reply.Length).StartsWith(close) ? format with { Begin = begin[close.Length..] } : format;
    }

    /// <summary>The format without what ends a text, be it an empty one, ahead of the calls, and told by as much of what begins them as nothing around a text has.</summary>
    private static ToolCallFormat AfterText(ToolCallFormat format, string textEnd, Surroundings around)
    {
        if (format.Begin.StartsWith(textEnd, StringComparison.Ordinal))
            format = format with { Begin = format.Begin[textEnd.Length..] };
        int length = 0;
        foreach ((string piece, bool isMarker) in ToolCallFormat.SplitAtMarkers(format.Opening))
        {
            length += piece.Length;
            string trigger = format.Opening[..length];
            if (isMarker && !around.Head.Contains(trigger, StringComparison.Ordinal) && !around.End.Contains(trigger, StringComparison.Ordinal))
                return trigger == format.Trigger ? format : format with { LongTrigger = trigger };
        }

        return format;
    }

    private string? RenderCalls(ToolSupport support, Call[] calls) => RenderAnswer(CallMessage(support, calls));

    /// <summary>What the template writes of an answer and of what comes after it.</summary>
    private string? RenderAnswer(TemplateValue answer) => AfterUser(Render([UserMessage(), answer, .. _after], isPrompt: false));

    /// <summary>The text of calls without what is around it, a character for each name, all arguments of a call and id; null where there is anything else.</summary>
    private string? Body(string rendered, Surroundings around, ArgumentTags? tags, int calls, out int firstNumber)
    {
        firstNumber = 0;
        string body = Inside(rendered, around);
        foreach (Call call in s_calls.AsSpan(0, calls))
        {
            if ((tags is null ? FindObject(body, call) : FindTagged(body, tags, call)) is not { } found)
                return null;
            // Some templates put braces of their own around what they are given as JSON.
            if (tags is null && found.Start > 0 && body[found.Start - 1] == '{' && found.End < body.Length && body[found.End] == '}')
                return null;
            body = $"{body[..found.Start]}{ArgumentsPlace}{body[found.End..]}".Replace(call.Name, $"{NamePlace}", StringComparison.Ordinal).Replace(call.Id, $"{IdPlace}", StringComparison.Ordinal);
        }

        if (CountedId().Match(body) is { Success: true } counted)
            firstNumber = counted.Groups[2].Value[0] - '0';
        body = CountedId().Replace(body, $"$1{IdPlace}");
        int head = body.AsSpan().IndexOfAny(NamePlace, ArgumentsPlace, IdPlace);
        return body.Count(c => c == NamePlace) == calls && body.Count(c => c == ArgumentsPlace) == calls && body.Count(c => c == IdPlace) is 0 or 1 or 2
            && (body is ['{' or '[' or '<', ..] || head >= ShortestBareHead || around.TextHeader.Length > 0) ? body : null;
    }

    /// <summary>A message's text without what is around that of any message, and without reasoning.</summary>
    private string Inside(string rendered, Surroundings around)
    {
        string body = rendered[Math.Max(CommonStart(rendered, around.Prompt), CommonStart(rendered, around.Head))..];
        body = body[..^CommonEnd(body, around.End)];
        int first = body.IndexOf(s_calls[0].Name, StringComparison.Ordinal);
        if (first >= 0 && ReasoningFormat.Of(_template.Source) is { } reasoning && body.AsSpan(0, first).LastIndexOf(reasoning.Close) is >= 0 and int thought)
            body = body[(thought + reasoning.Close.Length)..];
        return body.TrimStart();
    }

    /// <summary>Whether a reader of the format finds just the calls in what the template writes, whatever the arguments are.</summary>
    private bool IsReadBack(ToolSupport support, ToolCallFormat format, Surroundings around, string arguments)
    {
        Call[] calls = [s_calls[0] with { Json = arguments }, s_calls[1] with { Json = "{}" }];
        if (format.Separator is null)
            calls = calls[..1];
        if (RenderCalls(support, calls) is not { } rendered)
            return false;
        IReadOnlyList<WrittenCall> read = new ToolCallReader(format).Push(Inside(rendered, around), isLast: true).Calls;
        return read.Count == calls.Length && read.Zip(calls).All(pair =>
            pair.First.Name == pair.Second.Name && JsonElement.DeepEquals(JsonElement.Parse(pair.First.Arguments), pair.Second.Arguments));
    }

    private static string? AfterUser(string? rendered) =>
        rendered?.LastIndexOf(User, StringComparison.Ordinal) is >= 0 and int at ? rendered[(at + User.Length)..] : null;

    private string? Render(TemplateValue[] messages, bool isPrompt)
    {
        TemplateValue tools = ToolTemplateValues.Tools(s_calls.Select(call => call.Declaration), _takesToolsAsText);
        if (_systemKey is not null)
        {
            TemplateDictionary system = Message("system", "");
            system.Add(_systemKey, tools);
            messages = [system, .. messages];
        }

        Dictionary<string, TemplateValue> variables = _renderer.Variables(messages, isPrompt);
        if (_variable is not null)
            variables[_variable] = tools;
        try
        {
            return _renderer.Render(variables).ToString();
        }
        catch (ChatTemplateException)
        {
            return null;
        }
    }

    private static TemplateDictionary UserMessage() => Message("user", User);

    private static TemplateDictionary Message(string role, string? content) => new()
    {
        { "role", TemplateValue.FromTemplate(role) },
        { "content", TemplateValue.FromCaller(content) },
    };

    private static TemplateDictionary CallMessage(ToolSupport support, Call[] calls, string? text = null)
    {
        TemplateDictionary message = Message("assistant", text ?? (support.TakesNoContent ? null : ""));
        message.Add("tool_calls", new TemplateList([.. calls.Select((call, i) => ToolTemplateValues.Call(support, support.HasNamesInIds ? ToolSupport.NamedId(call.Name, i) : call.Id, call.Name, call.Arguments))]));
        return message;
    }

    /// <summary>How prompts tell a model to write calls in Python: <c>[func_name1(params_name1=params_value1, params_name2=params_value2...), func_name2(params)]</c>.</summary>
    [GeneratedRegex(@"\[\w+\(\w+=\w+, \w+=\w+(\.\.\.)?\), \w+\(", RegexOptions.CultureInvariant)]
    private static partial Regex ToldPythonic();

    /// <summary>Ids that templates make themselves, counting the calls from 0 or 1 on.</summary>
    [GeneratedRegex("(id\": ?\"?|index=\"|\uE000:)([0-2])(?=[\",}<])", RegexOptions.CultureInvariant)]
    private static partial Regex CountedId();

    /// <summary>What a template writes around every message of the assistant.</summary>
    /// <param name="Prompt">What asks for one.</param>
    /// <param name="Head">What is before the text of an earlier one.</param>
    /// <param name="End">What is after it.</param>
    /// <param name="TextHeader">What of <paramref name="Head"/> the model writes itself, and which is text: <see cref="AnswerHeader"/>.</param>
    private sealed record Surroundings(string Prompt, string Head, string End, string TextHeader);

    /// <summary>A call of which each part is found again.</summary>
    private sealed record Call(string Name, string Key, string Value, string Id)
    {
        /// <summary>The arguments: one string, unless others are set.</summary>
        public string? Json { get; init; }

        public JsonElement Arguments => JsonElement.Parse(Json ?? $$"""{"{{Key}}": "{{Value}}"}""");

        public JsonElement Declaration => JsonElement.Parse(
            $$$$"""{"type": "function", "function": {"name": "{{{{Name}}}}", "description": "{{{{Described}}}}", "parameters": {"type": "object", "properties": {"{{{{Key}}}}": {"type": "string"}}, "required": ["{{{{Key}}}}"]}}}""");
    }
}
