using System.Collections.Immutable;
using System.Text;
using EmbeddedLlm.Grammars;
using EmbeddedLlm.Scheduling;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Client;

/// <summary>What answers are held to that may be calls of functions.</summary>
internal sealed class ToolGrammar
{
    private static readonly TerminalNode s_number = new(PlainText.Create(EcmaPattern.Parse("0|[1-9][0-9]{0,2}"))!);
    private static readonly TerminalNode s_id = new(PlainText.Create(EcmaPattern.Parse("[0-9A-Za-z]{9}"))!);
    private static readonly JsonSchemaGrammarOptions s_arguments = new() { AllowWhiteSpace = true };

    private readonly ToolCallFormat _format;
    private readonly Func<string, int> _findControl;

    private ToolGrammar(ToolCallFormat format, Func<string, int> findControl)
    {
        _format = format;
        _findControl = findControl;
    }

    /// <summary>The grammar of an answer, and what the grammar begins after where the answer may be free text instead.</summary>
    /// <param name="format">How the model writes calls.</param>
    /// <param name="tools">What it may call.</param>
    /// <param name="answer">What an answer that is no call is held to; null where it is free.</param>
    /// <param name="findControl">The control token with a text, or -1.</param>
    /// <exception cref="JsonSchemaNotSupportedException">A function's schema asks for something that cannot be enforced.</exception>
    /// <exception cref="GrammarException">A function's schema is malformed or too large.</exception>
    public static (Grammar Grammar, GrammarTrigger? Trigger) Create(ToolCallFormat format, ToolSet tools, Grammar? answer, Func<string, int> findControl)
    {
        ToolGrammar grammar = new(format, findControl);
        if (tools.IsRequired)
            return (new Grammar(grammar.Calls(tools, ""), hasUniqueKeys: true), null);
        if (answer is not null)
            return (new Grammar(new ChoiceNode(grammar.Calls(tools, ""), answer.Start), answer.HasUniqueKeys), null);
        // Keys are told apart from the beginning of a JSON text on, and not where the trigger has taken a part of it.
        return (new Grammar(grammar.Calls(tools, format.Trigger), hasUniqueKeys: !format.IsTriggeredAtStart), new GrammarTrigger(Encoding.UTF8.GetBytes(format.Trigger), format.IsTriggeredAtStart));
    }

    private SequenceNode Calls(ToolSet tools, string trigger)
    {
        ImmutableArray<ToolCallPart> parts = _format.Call;
        RuleNode call = new("call") { Body = Call(tools) };
        List<GrammarNode> nodes = [.. Literal((_format.Begin + parts[0].Text)[trigger.Length..]), call];
        if (tools.AllowsMany && _format.Separator is { } separator)
            nodes.Add(new RepeatNode(new SequenceNode([.. Literal(separator + parts[0].Text), call]), 0, null));
        nodes.AddRange(Literal(_format.End));
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
        foreach (ToolCallPart part in parts)
        {
            switch (part.Kind)
            {
                case ToolCallPartKind.Name:
                    nodes.AddRange(Literal(function!.Name));
                    break;
                case ToolCallPartKind.Arguments:
                    nodes.Add(JsonSchemaCompiler.Compile(ToolSet.ArgumentsSchema(function!), s_arguments));
                    break;
                case ToolCallPartKind.Id:
                    nodes.Add(_format.CountsCalls ? s_number : s_id);
                    break;
                default:
                    nodes.AddRange(Literal(part.Text));
                    break;
            }
        }

        return new SequenceNode([.. nodes]);
    }

    /// <summary>A text, its markers as control tokens where the vocabulary has them.</summary>
    private List<GrammarNode> Literal(string text)
    {
        List<GrammarNode> nodes = [];
        StringBuilder plain = new();
        foreach ((string piece, bool isMarker) in ToolCallFormat.SplitAtMarkers(text))
        {
            if (isMarker && _findControl(piece) is >= 0 and int control)
            {
                EndPlain();
                nodes.Add(new TerminalNode(new TokenState(new TokenReference(control, null, IsNegated: false))));
            }
            else
            {
                plain.Append(piece);
            }
        }

        EndPlain();
        return nodes;

        void EndPlain()
        {
            if (plain.Length > 0)
                nodes.Add(new TerminalNode(PlainText.Create(Pattern.Of(plain.ToString()))!));
            plain.Clear();
        }
    }
}
