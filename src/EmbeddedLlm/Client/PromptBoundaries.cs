using EmbeddedLlm.Templates;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Client;

/// <summary>
/// Where prompts of one chat template begin to differ, found by rendering what is likely to come next. Nothing is known of the template's format, so histories that are rewritten from turn to
/// turn, thoughts that are left out and begun answers are all seen as they are. Pure.
/// </summary>
internal static class PromptBoundaries
{
    private static readonly string[] Probes = ["x", "y"];

    /// <summary>The tokens that all prompts begin with which begin with these messages.</summary>
    /// <param name="messages">The messages, perhaps none.</param>
    /// <param name="build">Gives the tokens of a conversation.</param>
    /// <exception cref="ChatTemplateException">The template refuses a user's message after these.</exception>
    public static int[] CommonBeginning(IReadOnlyList<ChatMessage> messages, Func<IReadOnlyList<ChatMessage>, int[]> build)
    {
        int[] tokens = build([.. messages, User(Probes[0])]);
        return tokens[..tokens.AsSpan().CommonPrefixLength(build([.. messages, User(Probes[1])]))];
    }

    /// <summary>
    /// Where other prompts may part from a conversation's: at the end of its instructions, at the beginning of its last message, and where its answer's next turn begins to differ.
    /// </summary>
    /// <param name="messages">The conversation.</param>
    /// <param name="tokens">Its prompt.</param>
    /// <param name="hasInstructions">Whether something is said to the model ahead of the conversation.</param>
    /// <param name="build">Gives the tokens of a conversation.</param>
    /// <returns>Counts of tokens, not ordered.</returns>
    public static int[] Find(IReadOnlyList<ChatMessage> messages, int[] tokens, bool hasInstructions, Func<IReadOnlyList<ChatMessage>, int[]> build)
    {
        if (messages.Count == 0)
            return [];
        List<int> counts = [];
        int system = messages.TakeWhile(message => message.Role == ChatRole.System).Count();
        if (system + 1 < messages.Count && (system > 0 || hasInstructions))
            Add([.. messages.Take(system), UserUnlike(messages[system])]);
        if (messages[^1].Role == ChatRole.User)
            Add([.. messages.SkipLast(1), UserUnlike(messages[^1])]);
        Add([.. messages, new(ChatRole.Assistant, Probes[0]), User(Probes[0])]);
        return [.. counts];

        void Add(IReadOnlyList<ChatMessage> other)
        {
            try
            {
                // The last token is computed in any case, since its logits are needed.
                counts.Add(Math.Min(tokens.AsSpan().CommonPrefixLength(build(other)), tokens.Length - 1));
            }
            catch (ChatTemplateException)
            {
                // The template refuses what was made up, so nobody's prompt parts there.
            }
        }
    }

    private static ChatMessage User(string text) => new(ChatRole.User, text);

    /// <summary>A message that differs from another in its first character, so that what both prompts have in common ends before it.</summary>
    private static ChatMessage UserUnlike(ChatMessage message) =>
        User(message.Text.TrimStart().StartsWith(Probes[0], StringComparison.Ordinal) ? Probes[1] : Probes[0]);
}
