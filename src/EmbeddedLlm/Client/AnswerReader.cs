using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Client;

/// <summary>Makes contents of a streamed answer: reasoning, text and calls of functions. Not thread-safe.</summary>
/// <param name="reasoning">Tells the reasoning apart; null where the model does not reason.</param>
/// <param name="tools">Tells the calls apart; null where there are none.</param>
/// <param name="harmony">Reads all of it in place of both; null where the answer is in another format.</param>
/// <param name="tagged">Takes tags off the text; null where there are none.</param>
/// <param name="callsEndReasoning">Whether calls may come within the reasoning and end it: <see cref="ReasoningFormat.EndsAtCalls"/>.</param>
internal sealed class AnswerReader(ReasoningSplitter? reasoning, ToolCallReader? tools, HarmonyReader? harmony = null, TaggedText? tagged = null, bool callsEndReasoning = false)
{
    /// <summary>Whether the answer has called a function.</summary>
    public bool HasCalls => tools is { CallCount: > 0 } || harmony is { CallCount: > 0 };

    /// <summary>Takes the next piece, and gives what is decided by it; each text may be empty.</summary>
    /// <param name="piece">The piece.</param>
    /// <param name="isLast">Whether no further piece comes, so nothing is held back.</param>
    public (string Reasoning, string Text, IReadOnlyList<AIContent> Calls) Push(string piece, bool isLast)
    {
        if (harmony is not null)
        {
            (string Reasoning, string Text, IReadOnlyList<WrittenCall> Calls) read = harmony.Push(piece, isLast);
            return (read.Reasoning, read.Text, [.. read.Calls.Select(Content)]);
        }

        IReadOnlyList<WrittenCall> calls = [];
        if (callsEndReasoning && tools is not null)
            (piece, calls) = tools.Push(piece, isLast);
        (string thought, string text) = reasoning?.Push(piece, isLast) ?? ("", piece);
        text = tagged?.Push(text, isLast) ?? text;
        if (!callsEndReasoning && tools is not null)
            (text, calls) = tools.Push(text, isLast);
        return (thought, text, [.. calls.Select(Content)]);
    }

    private static FunctionCallContent Content(WrittenCall call)
    {
        // Nine letters and digits are an id that every template takes. The model's own, where it writes one, may come again in another answer.
        string id = RandomNumberGenerator.GetString("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", 9);
        try
        {
            return new FunctionCallContent(id, call.Name, call.ReadArguments());
        }
        catch (JsonException e)
        {
            // Nested too deeply, or no JSON: whoever invokes the function is told, and not whoever reads the answer.
            return new FunctionCallContent(id, call.Name) { Exception = e };
        }
    }
}
