using System.Globalization;
using System.Text;
using System.Text.Json;
using EmbeddedLlm.Templates;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Client;

/// <summary>The calls and results in one conversation, as its template takes them. Not thread-safe: it goes through the conversation once.</summary>
internal sealed class ToolConversation(ToolSupport support)
{
    private readonly Dictionary<string, (string Id, string Name)> _calls = [];
    private int _count;

    // The last message that called, and its results, where the template reads them from it.
    private readonly List<TemplateValue> _results = [];
    private TemplateDictionary? _calling;

    /// <summary>Adds an assistant's calls to its message.</summary>
    /// <param name="message">The message; its content is set here.</param>
    /// <param name="content">Its text.</param>
    /// <param name="calls">Its calls.</param>
    public void AddCalls(TemplateDictionary message, string content, IReadOnlyList<FunctionCallContent> calls)
    {
        int before = _count;
        (string Id, string Name, JsonElement Arguments)[] written = [.. calls.Select(call => (IdOf(call), call.Name, ArgumentsOf(call)))];
        if (support.CallsAreNamedMessages)
        {
            // Texts and further calls are messages of their own.
            ToolTemplateValues.AddNamed(message, written[0].Name, written[0].Arguments);
            return;
        }

        if (support.WritesCalls)
        {
            message.Add("content", TemplateValue.FromCaller(content.Length == 0 && support.TakesNoContent ? null : content));
            message.Add("tool_calls", new TemplateList([.. written.Select(call => ToolTemplateValues.Call(support, call.Id, call.Name, call.Arguments))]));
            _calling = message;
            _results.Clear();
            return;
        }

        // The template does not write calls, so they are text of the message, as the model has written it; what is not the caller's in it may be special tokens.
        MarkedTextBuilder text = new(TemplateLimits.Default.ValueSize, capacity: 256);
        text.Append(content.Length == 0 ? "" : content + "\n", PromptPartKind.Caller);
        text.Append(support.Format.Begin, PromptPartKind.Template);
        for (int i = 0; i < written.Length; i++)
        {
            if (i > 0)
                text.Append(support.Format.Separator ?? "\n", PromptPartKind.Template);
            foreach (ToolCallPart part in support.Format.Call)
            {
                (string piece, PromptPartKind kind) = part.Kind switch
                {
                    ToolCallPartKind.Name => (written[i].Name, PromptPartKind.Caller),
                    ToolCallPartKind.Arguments => (support.Format.Tags?.Write(written[i].Arguments) ?? written[i].Arguments.GetRawText(), PromptPartKind.Caller),
                    ToolCallPartKind.Id => (support.Format.CountsCalls ? $"{support.Format.FirstNumber + before + i}" : written[i].Id, PromptPartKind.Caller),
                    _ => (part.Text, PromptPartKind.Template),
                };
                text.Append(piece, kind);
            }
        }

        text.Append(support.Format.End, PromptPartKind.Template);
        message.Add("content", text.ToTemplateString());
    }

    /// <summary>Whether a text that follows results was added to the message that they are in, as it is the rest of the same turn.</summary>
    public bool TryGoOn(string text)
    {
        if (_calling is null || _results.Count == 0)
            return false;
        _calling.Add("content", TemplateValue.FromCaller(text));
        _calling = null;
        return true;
    }

    /// <summary>The messages of results: one for each, or one of the user where the template knows none of tools; none where they are in the message that called.</summary>
    public IEnumerable<TemplateDictionary> Results(IReadOnlyList<FunctionResultContent> results)
    {
        if (support.ResultsKey is { } key && _calling is not null)
        {
            _results.AddRange(results.Select(result => ToolTemplateValues.Result(_calls.TryGetValue(result.CallId, out (string Id, string Name) call) ? call.Name : null, TextOf(result))));
            _calling.Add(key, new TemplateList([.. _results]));
            return [];
        }

        if (!support.WritesResults)
        {
            string all = string.Join('\n', results.Select(result => $"<tool_response>\n{TextOf(result)}\n</tool_response>"));
            return [new TemplateDictionary { { "role", TemplateValue.FromTemplate("user") }, { "content", TemplateValue.FromCaller(all) } }];
        }

        return results.Select(result =>
        {
            TemplateDictionary message = new()
            {
                { "role", TemplateValue.FromTemplate(support.ResultRole) },
                { "content", TemplateValue.FromCaller(TextOf(result)) },
            };
            if (_calls.TryGetValue(result.CallId, out (string Id, string Name) call))
                message.Add("name", TemplateValue.FromCaller(call.Name));
            message.Add("tool_call_id", TemplateValue.FromCaller(call.Id ?? result.CallId));
            return message;
        });
    }

    /// <summary>The text that a model is given of a result.</summary>
    /// <exception cref="NotSupportedException">The result has content that is not text.</exception>
    public static string TextOf(FunctionResultContent result) => result switch
    {
        { Result: null, Exception: { } exception } => $"Error: {exception.Message}",
        { Result: string text } => text,
        { Result: JsonElement { ValueKind: JsonValueKind.String } text } => text.GetString()!,
        { Result: JsonElement { ValueKind: JsonValueKind.Undefined } } => "",
        { Result: JsonElement json } => OnOneLine(json.GetRawText()),
        { Result: AIContent content } => TextOf([content]),
        { Result: IEnumerable<AIContent> contents } => TextOf(contents),
        _ => OnOneLine(JsonSerializer.Serialize(result.Result, AIJsonUtilities.DefaultOptions.GetTypeInfo(typeof(object)))),
    };

    private static string TextOf(IEnumerable<AIContent> contents) => string.Concat(contents.Select(content =>
        (content as TextContent)?.Text ?? throw new NotSupportedException($"A function's result has content of type {content.GetType().Name}, which is not supported.")));

    private static JsonElement ArgumentsOf(FunctionCallContent call) => call.Arguments is null
        ? JsonElement.Parse("{}")
        : JsonElement.Parse(OnOneLine(JsonSerializer.Serialize(call.Arguments, AIJsonUtilities.DefaultOptions.GetTypeInfo(typeof(IDictionary<string, object?>)))));

    /// <summary>
    /// JSON as models and templates write it: on one line, with a space after each comma and colon. Microsoft.Extensions.AI indents what it serializes, which costs tokens, and a call that is
    /// not repeated as the model wrote it is not found in the cache.
    /// </summary>
    internal static string OnOneLine(string json)
    {
        StringBuilder line = new(json.Length);
        bool isString = false;
        for (int i = 0; i < json.Length; i++)
        {
            char next = json[i];
            if (!isString && char.IsWhiteSpace(next))
                continue;
            line.Append(next);
            if (next == '"')
                isString = !isString;
            else if (isString && next == '\\')
                line.Append(json[++i]);
            else if (!isString && next is ',' or ':')
                line.Append(' ');
        }

        return line.ToString();
    }

    /// <summary>The call's id; in its place one with the function's name where the template has no other, and a number where it takes nine letters and digits only.</summary>
    private string IdOf(FunctionCallContent call)
    {
        string id = support.HasNamesInIds ? ToolSupport.NamedId(call.Name, _count) : support.TakesShortIdsOnly && !(call.CallId.Length == 9 && call.CallId.All(char.IsAsciiLetterOrDigit))
            ? string.Create(CultureInfo.InvariantCulture, $"call{_count + 1:D5}")
            : call.CallId;
        _count++;
        _calls[call.CallId] = (id, call.Name);
        return id;
    }
}
