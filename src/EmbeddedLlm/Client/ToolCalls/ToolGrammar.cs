using System.Collections.Immutable;
using System.Text;
using EmbeddedLlm.Grammars;
using EmbeddedLlm.Scheduling;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Client;

/// <summary>What an answer is held to that may call functions.</summary>
/// <param name="Grammar">The answer's language.</param>
/// <param name="Trigger">What the grammar begins after where the answer may be free text instead.</param>
/// <param name="Arguments">What the functions' arguments are where they are written one by one.</param>
internal sealed record ToolConstraint(Grammar Grammar, GrammarTrigger? Trigger, ToolArguments? Arguments);

/// <summary>Makes grammars of answers that may be calls of functions.</summary>
internal sealed class ToolGrammar
{
    private static readonly TerminalNode s_number = new(PlainText.Create(EcmaPattern.Parse("0|[1-9][0-9]{0,2}"))!);
    private static readonly TerminalNode s_id = new(PlainText.Create(EcmaPattern.Parse("[0-9A-Za-z]{9}"))!);
    private static readonly JsonSchemaGrammarOptions s_arguments = new() { AllowWhiteSpace = true, AllowsLocalTimes = true };
    private static readonly JsonSchemaGrammarOptions s_argumentsOfMethods = s_arguments with { WritesForDotNet = true };

    private readonly ToolCallFormat _format;
    private readonly ControlTokens _controls;
    private readonly Dictionary<string, ImmutableArray<SchemaArgument>> _tagged = [];

    private ToolGrammar(ToolCallFormat format, ControlTokens controls)
    {
        _format = format;
        _controls = controls;
    }

    private ToolArguments? Tagged => _format.Tags is null ? null : new ToolArguments(_tagged);

    /// <summary>The grammar of an answer, and what the grammar begins after where the answer may be free text instead.</summary>
    /// <param name="format">How the model writes calls.</param>
    /// <param name="tools">What it may call.</param>
    /// <param name="answer">What an answer that is no call is held to; null where it is free.</param>
    /// <param name="controls">The vocabulary's control tokens.</param>
    /// <exception cref="JsonSchemaNotSupportedException">A function's schema asks for something that cannot be enforced; the message names the function.</exception>
    /// <exception cref="GrammarException">A function's schema is malformed or too large; the message names the function.</exception>
    /// <exception cref="NotSupportedException">The format cannot write a function's name.</exception>
    public static ToolConstraint Create(ToolCallFormat format, ToolSet tools, Grammar? answer, ControlTokens controls)
    {
        if (format.IsHarmony)
            return HarmonyGrammar.Create(tools, answer, controls);
        ToolGrammar grammar = new(format, controls);
        // Only in JSON from the beginning of a text on are keys told apart; in other notations a text may have quotes and braces of any kind.
        bool isJson = format.Tags is null;
        if (tools.IsRequired)
            return new(new Grammar(grammar.Calls(tools, ""), hasUniqueKeys: isJson), null, grammar.Tagged);
        if (answer is { HasDistinctItems: true } && !isJson)
            throw DistinctItemsNotSupported();
        if (answer is not null)
            return new(new Grammar(new ChoiceNode(grammar.Calls(tools, ""), WithHeader(format, answer.Start)), answer.HasUniqueKeys && isJson, answer.HasDistinctItems), null, grammar.Tagged);
        if (format.TextHeader.Length > 0)
            return new(new Grammar(new ChoiceNode(grammar.Calls(tools, ""), grammar.TextAndCalls(tools)), hasUniqueKeys: false), null, grammar.Tagged);
        if (format.IsTriggeredByName)
            return new(new Grammar(new ChoiceNode(grammar.Calls(tools, ""), TextWithoutCall(format, tools)), hasUniqueKeys: false), null, grammar.Tagged);
        Grammar calls = new(grammar.Calls(tools, format.Trigger), hasUniqueKeys: isJson) { BeginsInString = format.IsTriggeredAtStart && format.Trigger.Count(c => c == '"') % 2 == 1 };
        GrammarTrigger trigger = new(Encoding.UTF8.GetBytes(format.Trigger), format.IsTriggeredAtStart)
        {
            Shortcut = format.TriggerShortcut is { } shortcut ? new TriggerShortcut(Encoding.UTF8.GetBytes(shortcut), Encoding.UTF8.GetBytes(format.Opening[format.Trigger.Length..])) : null,
        };
        return new(calls, trigger, grammar.Tagged);
    }

    /// <summary>Only where all of a text is JSON can items be kept from being repeated.</summary>
    public static JsonSchemaNotSupportedException DistinctItemsNotSupported() =>
        new("", "uniqueItems", "only items of a few values can be told apart together with tools that the model does not call in JSON");

    /// <summary>A function's arguments as a JSON object.</summary>
    /// <exception cref="GrammarException">The schema is malformed, too large or not supported; the message names the function.</exception>
    public static GrammarNode JsonArguments(AIFunctionDeclaration function) => Named(function, schema => JsonSchemaCompiler.Compile(schema, ArgumentsOf(function)));

    /// <summary>Any text but one that begins as a call does.</summary>
    private static TerminalNode TextWithoutCall(ToolCallFormat format, ToolSet tools)
    {
        string begin = Escaped(format.Begin + format.Call[0].Text);
        string next = Escaped(format.Call[2].Text);
        return new TerminalNode(PlainText.Create(EcmaPattern.Parse($@"(?!\s*{begin}(?:{string.Join('|', tools.Callable.Select(function => Escaped(function.Name) + next))}))[^]*"))!);
    }

    private static string Escaped(string text) => string.Concat(text.Select(c => $"\\u{(int)c:x4}"));

    private static GrammarNode WithHeader(ToolCallFormat format, GrammarNode text) =>
        format.TextHeader.Length > 0 ? new SequenceNode([.. MarkedText.Nodes(format.TextHeader, ControlTokens.None), text]) : text;

    /// <summary>Text after its header, and perhaps calls after that.</summary>
    private GrammarNode TextAndCalls(ToolSet tools)
    {
        string begin = Escaped(_format.Separator!);
        string next = Escaped(_format.Call[2].Text);
        TerminalNode text = new(PlainText.Create(EcmaPattern.Parse($"(?![^]*{begin}(?:{string.Join('|', tools.Callable.Select(function => Escaped(function.Name) + next))}))[^]*"))!);
        SequenceNode calls = new([.. MarkedText.Nodes(_format.Separator!, _controls), Calls(tools, "")]);
        return WithHeader(_format, new SequenceNode(text, new RepeatNode(calls, 0, 1)));
    }

    private SequenceNode Calls(ToolSet tools, string trigger)
    {
        ImmutableArray<ToolCallPart> parts = _format.Call;
        RuleNode call = new("call") { Body = Call(tools) };
        List<GrammarNode> nodes = [.. MarkedText.Nodes((_format.Begin + parts[0].Text)[trigger.Length..], _controls), call];
        if (tools.AllowsMany && _format.Separator is { } separator)
            nodes.Add(new RepeatNode(new SequenceNode([.. MarkedText.Nodes(separator + parts[0].Text, _controls), call]), 0, null));
        nodes.AddRange(MarkedText.Nodes(MarkedText.WithoutEnd(_format.End, _controls), _controls));
        return new SequenceNode([.. nodes]);
    }

    /// <summary>A call without its first literal. What tells the functions apart comes once for each, what is before only once.</summary>
    private GrammarNode Call(ToolSet tools)
    {
        int common = 1;
        while (_format.Call[common].Kind is ToolCallPartKind.Literal or ToolCallPartKind.Id)
            common++;
        GrammarNode functions = new ChoiceNode([.. tools.Callable.Select(function => Sequence(_format.Call.AsSpan()[common..], function))]);
        return common == 1 ? functions : new SequenceNode(Sequence(_format.Call.AsSpan()[1..common], null), functions);
    }

    private SequenceNode Sequence(ReadOnlySpan<ToolCallPart> parts, AIFunctionDeclaration? function)
    {
        List<GrammarNode> nodes = [];
        for (int i = 0; i < parts.Length; i++)
        {
            switch (parts[i].Kind)
            {
                case ToolCallPartKind.Name:
                    EnsureReadable(function!.Name, i + 1 < parts.Length ? parts[i + 1].Text : "");
                    nodes.AddRange(MarkedText.Nodes(function.Name, ControlTokens.None));
                    break;
                case ToolCallPartKind.Arguments:
                    nodes.Add(Arguments(function!));
                    break;
                case ToolCallPartKind.Id:
                    nodes.Add(_format.CountsCalls ? s_number : s_id);
                    break;
                default:
                    nodes.AddRange(MarkedText.Nodes(parts[i].Text, _controls));
                    break;
            }
        }

        return new SequenceNode([.. nodes]);
    }

    private GrammarNode Arguments(AIFunctionDeclaration function)
    {
        if (_format.Tags is not { } tags)
            return JsonArguments(function);
        SchemaArgumentStyle style = new(tags.HasRawStrings ? tags.AfterValue : null, tags.HasPythonWords)
        {
            Quote = tags.Marker is { } marker ? new StringQuote(marker, new SequenceNode([.. MarkedText.Nodes(marker, _controls)])) : null,
        };
        return Named(function, schema =>
        {
            _tagged[function.Name] = JsonSchemaCompiler.CompileArguments(tags.SortsKeys ? ToolSet.Sorted(schema) : schema, ArgumentsOf(function), style);
            return TaggedArgumentsNode.Create(tags, _tagged[function.Name], _controls);
        });
    }

    // Only of a method is it known that .NET reads its arguments: a function that a server offers has a schema of anybody.
    private static JsonSchemaGrammarOptions ArgumentsOf(AIFunctionDeclaration function) => function is AIFunction { UnderlyingMethod: not null } ? s_argumentsOfMethods : s_arguments;

    private static GrammarNode Named(AIFunctionDeclaration function, Func<System.Text.Json.JsonElement, GrammarNode> compile)
    {
        try
        {
            return compile(ToolSet.ArgumentsSchema(function));
        }
        catch (JsonSchemaNotSupportedException e)
        {
            throw new JsonSchemaNotSupportedException(function.Name, e);
        }
        catch (GrammarException e)
        {
            throw new GrammarException($"The parameters of the tool '{function.Name}': {e.Message}", e);
        }
    }

    private void EnsureReadable(string name, string next)
    {
        string end = (next.Length > 0 ? next : _format.Tags?.BeforeKey ?? "").Trim();
        if ((end.Length > 0 && name.Contains(end, StringComparison.Ordinal)) || (_format.Tags is not null && name.Any(char.IsWhiteSpace))
            || (_format.TextHeader.Length > 0 && (name + next).StartsWith(_format.TextHeader, StringComparison.Ordinal)))
            throw new NotSupportedException($"The tool name '{name}' cannot be written in the model's format of calls.");
    }
}
