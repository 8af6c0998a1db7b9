using System.Text;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Cli;

/// <summary>What was said so far, and the way to the next answer. Not thread-safe.</summary>
internal sealed class Conversation(IChatClient client, ChatOptions options)
{
    private readonly List<ChatMessage> _messages = [];

    /// <summary>Forgets what was said.</summary>
    public void Reset() => _messages.Clear();

    /// <summary>
    /// Streams the answer to a prompt, and keeps both. A cancelled answer is kept as far as it came; a prompt that failed, or got no answer, is not kept.
    /// </summary>
    /// <param name="prompt">What the person says.</param>
    /// <param name="write">Gets the answer, piece by piece.</param>
    /// <param name="cancellationToken">Stops the answer.</param>
    public async Task<Answer> AskAsync(string prompt, Action<string> write, CancellationToken cancellationToken)
    {
        ChatMessage question = new(ChatRole.User, prompt);
        StringBuilder text = new();
        Answer answer = new();
        try
        {
            await foreach (ChatResponseUpdate update in client.GetStreamingResponseAsync([.. _messages, question], options, cancellationToken).ConfigureAwait(false))
            {
                if (update.Text is { Length: > 0 } piece)
                {
                    text.Append(piece);
                    write(piece);
                }

                answer = answer.With(update);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            answer = answer with { IsCancelled = true };
        }

        if (text.Length > 0 || !answer.IsCancelled)
        {
            _messages.Add(question);
            _messages.Add(new ChatMessage(ChatRole.Assistant, text.ToString()));
        }

        return answer;
    }
}
