using EmbeddedLlm.Templates;

namespace EmbeddedLlm.Client;

/// <content>Where a template takes tools and results, and what it tells the model about calls that it does not write as such.</content>
internal sealed partial class ToolSupportLearner
{
    /// <summary>The variables that hold tools, and whether as JSON text, which a template writes as it is.</summary>
    private static readonly (string Name, bool IsText)[] s_variables = [("tools", false), ("xml_tools", false), ("functions", true), ("functions", false)];

    /// <summary>How templates begin a list of tools whose models call them in Python.</summary>
    private static readonly string[] s_pythonic = ["<|tool_call_start|>", "<|tool_list_start|>", "List of tools: ["];

    /// <summary>The variable whose tools the template describes, or the key of its system message; neither where it describes none.</summary>
    private void FindDescription()
    {
        foreach ((string name, bool isText) in s_variables)
        {
            (_variable, _takesToolsAsText) = (name, isText);
            if (_template.Reads(name) && Describes())
                return;
        }

        _variable = null;
        _systemKey = "tools";
        foreach (bool isText in new[] { true, false })
        {
            _takesToolsAsText = isText;
            if (_template.Source.Contains(_systemKey, StringComparison.Ordinal) && Describes())
                return;
        }

        (_systemKey, _takesToolsAsText) = (null, false);

        bool Describes() => Render([UserMessage()], isPrompt: true)?.Contains(Described, StringComparison.Ordinal) ?? false;
    }

    /// <summary>What is known of a template that tells the model a format and does not write it. Where it tells one that is not known, it is not asked to.</summary>
    private ToolSupport LearnTold(ToolSupport support)
    {
        support = support with { WritesResults = WritesResult(Message("assistant", Reply)) };
        if (_variable is null && _systemKey is null)
            return support;
        ToolSupport described = support with { Variable = _variable, SystemKey = _systemKey, TakesToolsAsText = _takesToolsAsText };
        string prompt = Render([UserMessage()], isPrompt: true) ?? "";
        // Phi-4-mini's results have a token of their own, which the template makes of the role.
        if (prompt.Contains("<|/tool|>", StringComparison.Ordinal))
            return described with { Format = ToolCallFormat.Phi, WritesResults = WritesResult(Message("assistant", Reply), "tool_response"), ResultRole = "tool_response" };
        if (LearnNamedMessages(described) is { } named)
            return named;
        if (_systemKey is not null)
            return support;
        if (_template.Source.Contains("<|tool_call|>", StringComparison.Ordinal))
            return described with { Format = ToolCallFormat.Granite };
        if (s_pythonic.Any(sign => _template.Source.Contains(sign, StringComparison.Ordinal)))
            return described with { Format = ToolCallFormat.Pythonic };
        if (prompt.Contains("<|im_system|>tool_declare<|im_middle|>", StringComparison.Ordinal))
            return described with { Format = ToolCallFormat.Kimi };
        if (ToldPythonic().IsMatch(prompt))
            return described with { Format = ToolCallFormat.BarePythonic };
        if (prompt.Contains("<function name=\"", StringComparison.Ordinal) && prompt.Contains("<param name=\"", StringComparison.Ordinal))
            return described with { Format = ToolCallFormat.FunctionTags };
        if (_unescaped is not null)
            return described with { Format = _unescaped };
        // Some show the object as Python writes it, as Falcon-H1's.
        bool showsCall = prompt.Contains("\"arguments\"", StringComparison.Ordinal) || prompt.Contains("'arguments'", StringComparison.Ordinal);
        return showsCall && prompt.Contains("<tool_call>", StringComparison.Ordinal) ? described : support;
    }

    /// <summary>
    /// A template that has a call as a message whose metadata is the function's name, as GLM-4's do: the name comes where a text begins with a line break. Null where it has not.
    /// </summary>
    private ToolSupport? LearnNamedMessages(ToolSupport support)
    {
        support = support with { CallsAreNamedMessages = true, WritesCalls = true, TakesCallsWithoutText = true, ResultRole = "observation" };
        string header = AnswerHeader.Of(_template, _beginOfSequence, _endOfSequence);
        string? prompt = AfterUser(Render([UserMessage()], isPrompt: true));
        string? one = AfterUser(Render([UserMessage(), NamedMessage(s_calls[0])], isPrompt: false));
        string? two = AfterUser(Render([UserMessage(), NamedMessage(s_calls[0]), NamedMessage(s_calls[1])], isPrompt: false));
        if (header.Length == 0 || string.IsNullOrWhiteSpace(prompt) || one is null || two is null || !one.StartsWith(prompt, StringComparison.Ordinal) || !two.StartsWith(prompt, StringComparison.Ordinal))
            return null;
        Surroundings around = new(prompt, prompt + header, "", header);
        if (Places(one[prompt.Length..], 1) is not { } single || Places(two[prompt.Length..], 2) is not { } both || FormatAfterPrompt(single, both, around) is not { } format)
            return null;
        return WritesResult(NamedMessage(s_calls[0]), support.ResultRole) ? support with { Format = format with { CountsCalls = true }, WritesResults = true } : null;

        static string? Places(string body, int calls)
        {
            foreach (Call call in s_calls.AsSpan(0, calls))
                body = body.Replace(call.Name, $"{NamePlace}", StringComparison.Ordinal).Replace(call.Arguments.GetRawText(), $"{ArgumentsPlace}", StringComparison.Ordinal);
            body = body.TrimEnd();
            return body.StartsWith(NamePlace) && body.Count(c => c == NamePlace) == calls && body.Count(c => c == ArgumentsPlace) == calls ? body : null;
        }

        static TemplateDictionary NamedMessage(Call call)
        {
            TemplateDictionary message = Message("assistant", null);
            ToolTemplateValues.AddNamed(message, call.Name, call.Arguments);
            return message;
        }
    }

    private bool WritesResult(TemplateValue before, string role = "tool") => RenderResult(before, role)?.Contains(Result, StringComparison.Ordinal) ?? false;

    private string? RenderResult(TemplateValue before, string role = "tool")
    {
        TemplateDictionary result = Message(role, Result);
        result.Add("name", TemplateValue.FromCaller(s_calls[0].Name));
        result.Add("tool_call_id", TemplateValue.FromCaller(s_calls[0].Id));
        return Render([UserMessage(), before, result], isPrompt: true);
    }

    /// <summary>By which name the template reads results from the message that called, where it does not write the same of messages of their own; null where by none.</summary>
    private string? FindResultsKey(ToolSupport support)
    {
        const string Key = "tool_responses";
        if (!_template.Source.Contains(Key, StringComparison.Ordinal))
            return null;
        TemplateDictionary message = CallMessage(support, [s_calls[0]]);
        message.Add(Key, new TemplateList([ToolTemplateValues.Result(s_calls[0].Name, Result)]));
        return Render([UserMessage(), message], isPrompt: true) is { } rendered && rendered.Contains(Result, StringComparison.Ordinal)
            && rendered != RenderResult(CallMessage(support, [s_calls[0]])) ? Key : null;
    }
}
