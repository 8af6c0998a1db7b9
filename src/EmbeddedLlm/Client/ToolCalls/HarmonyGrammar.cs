using EmbeddedLlm.Grammars;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Client;

/// <summary>
/// The grammar of answers in the harmony format that <see cref="HarmonyReader"/> reads. It holds the whole answer from its beginning on: so a function's name is a call only where it is a message's
/// recipient, and not where the model thinks about calling it.
/// </summary>
internal static class HarmonyGrammar
{
    /// <summary>How many messages of reasoning or about what it is going to do a model may write ahead of its answer or call.</summary>
    private const int MessagesAhead = 4;

    /// <param name="tools">What may be called.</param>
    /// <param name="answer">What an answer that is no call is held to; null where it is free.</param>
    /// <param name="controls">The vocabulary's control tokens.</param>
    /// <exception cref="JsonSchemaNotSupportedException">The answer's schema asks for distinct items that cannot be told apart in this format.</exception>
    public static ToolConstraint Create(ToolSet tools, Grammar? answer, ControlTokens controls)
    {
        if (answer is { HasDistinctItems: true } && !tools.IsRequired)
            throw ToolGrammar.DistinctItemsNotSupported();
        // Where the markers are no control tokens they are text, and then free text must not have them.
        GrammarNode free = new TerminalNode(PlainText.Create(controls.Find("<|end|>") >= 0 ? Pattern.Anything : EcmaPattern.Parse(@"([^<]|<(?!\|))*"))!);
        GrammarNode ahead = Sequence("<|channel|>", Choice("analysis", "commentary"), "<|message|>", free, "<|end|><|start|>assistant");
        GrammarNode end = new ChoiceNode([.. tools.Callable.Select(Call)]);
        if (!tools.IsRequired)
            end = new ChoiceNode(end, Sequence("<|channel|>final<|message|>", answer?.Start ?? free));
        return new(new Grammar(new SequenceNode(new RepeatNode(ahead, 0, MessagesAhead), end)), null, null);

        // Models name the function in the channel's place, and the template in the role's.
        GrammarNode Call(AIFunctionDeclaration function)
        {
            if (function.Name.Any(c => char.IsWhiteSpace(c) || c == '<'))
                throw new NotSupportedException($"The tool name '{function.Name}' cannot be written in the model's format of calls.");
            GrammarNode arguments = new RuleNode(function.Name) { Body = ToolGrammar.JsonArguments(function) };
            return new ChoiceNode(
                Sequence($"<|channel|>commentary to=functions.{function.Name} <|constrain|>json<|message|>", arguments),
                Sequence($" to=functions.{function.Name}<|channel|>commentary ", Choice("<|constrain|>json", "json"), "<|message|>", arguments));
        }

        GrammarNode Choice(params string[] texts) => new ChoiceNode([.. texts.Select(text => new SequenceNode([.. MarkedText.Nodes(text, controls)]))]);

        GrammarNode Sequence(params object[] parts) => new SequenceNode([.. parts.SelectMany(part => part is string text ? MarkedText.Nodes(text, controls) : [(GrammarNode)part])]);
    }
}
