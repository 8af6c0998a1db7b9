using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Client;

/// <summary>
/// Brings calls and their results into an order that every template writes rightly. Many write neither an id nor a name with a result, so that its place alone tells which call it answers; and some take one call
/// in a message only: they refuse others, or leave them out in silence.
/// </summary>
internal static class ToolRounds
{
    /// <summary>The conversation with the results that follow calls in the order of these, and where a template takes one call in a message, with each call in a message of its own, its result after it.</summary>
    /// <param name="messages">The conversation; not changed.</param>
    /// <param name="support">What the template takes; not asked where no message calls several functions.</param>
    /// <returns><paramref name="messages"/> where nothing is to be changed.</returns>
    public static IReadOnlyList<ChatMessage> Arrange(IReadOnlyList<ChatMessage> messages, Lazy<ToolSupport> support)
    {
        List<ChatMessage>? arranged = null;
        for (int i = 0; i < messages.Count; i++)
        {
            if (messages[i].Role != ChatRole.Assistant || messages[i].Contents.Count(content => content is FunctionCallContent) < 2)
            {
                arranged?.Add(messages[i]);
                continue;
            }

            List<FunctionCallContent> calls = [.. messages[i].Contents.OfType<FunctionCallContent>()];
            int end = i + 1;
            while (end < messages.Count && messages[end].Contents.Count > 0 && messages[end].Contents.All(content => content is FunctionResultContent))
                end++;
            List<FunctionResultContent> given = [.. messages.Skip(i + 1).Take(end - i - 1).SelectMany(message => message.Contents).Cast<FunctionResultContent>()];
            List<List<AIContent>> answers = InOrder(calls, given);
            bool isSplit = support.Value.TakesOneCall;
            if (!isSplit && answers.SelectMany(answer => answer).SequenceEqual(given))
            {
                arranged?.AddRange(messages.Skip(i).Take(end - i));
            }
            else
            {
                arranged ??= [.. messages.Take(i)];
                arranged.AddRange(isSplit ? Split(messages[i], calls, answers) : [messages[i], new ChatMessage(ChatRole.Tool, [.. answers.SelectMany(answer => answer)])]);
            }

            i = end - 1;
        }

        return arranged ?? messages;
    }

    /// <summary>The results of each call, and last those of none.</summary>
    private static List<List<AIContent>> InOrder(List<FunctionCallContent> calls, List<FunctionResultContent> results)
    {
        List<FunctionResultContent> left = [.. results];
        List<List<AIContent>> answers = [];
        foreach (FunctionCallContent call in calls)
        {
            // Of calls that have one id in common, each has a result of its own.
            int at = left.FindIndex(result => result.CallId == call.CallId);
            answers.Add(at < 0 ? [] : [left[at]]);
            if (at >= 0)
                left.RemoveAt(at);
        }

        answers.Add([.. left]);
        return answers;
    }

    private static IEnumerable<ChatMessage> Split(ChatMessage message, List<FunctionCallContent> calls, List<List<AIContent>> answers)
    {
        for (int i = 0; i < answers.Count; i++)
        {
            if (i < calls.Count)
            {
                // What the assistant said and thought comes ahead of the first call.
                ChatMessage one = message.Clone();
                one.Contents = [.. i > 0 ? [] : message.Contents.Where(content => content is not FunctionCallContent), calls[i]];
                yield return one;
            }

            if (answers[i].Count > 0)
                yield return new ChatMessage(ChatRole.Tool, answers[i]);
        }
    }
}
