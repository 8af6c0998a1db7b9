using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Client;

/// <summary>A conversation as turns, each of which begins with a user's message, so that old ones can be left out whole: no answer without its question, no tool's result without its call.</summary>
internal sealed class ConversationTurns
{
    private readonly IReadOnlyList<ChatMessage> _messages;

    // Where the turns that may be left out begin, and where the last of them ends.
    private readonly List<int> _starts = [];

    public ConversationTurns(IReadOnlyList<ChatMessage> messages)
    {
        _messages = messages;
        bool isFirst = true;
        for (int i = 0; i < messages.Count; i++)
        {
            if (messages[i].Role != ChatRole.User)
                continue;
            if (!isFirst)
                _starts.Add(i);
            isFirst = false;
        }
    }

    /// <summary>How many turns there are between the first one and the last.</summary>
    public int DroppableCount => Math.Max(0, _starts.Count - 1);

    /// <summary>The conversation without the oldest of these turns, but with all system messages.</summary>
    public IReadOnlyList<ChatMessage> Without(int turns) => turns == 0
        ? _messages
        : [.. _messages.Where((message, i) => i < _starts[0] || i >= _starts[turns] || message.Role == ChatRole.System)];

    /// <summary>The number of turns to leave out of a conversation that is too long: more than must be, so that the same number does for some turns to come.</summary>
    /// <remarks>
    /// What is left out grows in strides of a quarter of the room. Each request carries its whole conversation and knows nothing of the one before; since the strides count from the
    /// conversation's beginning, it nevertheless finds the same beginning again, and so what was computed of it in the cache.
    /// </remarks>
    /// <param name="length">How long a conversation is; leaving out more never makes it longer.</param>
    /// <param name="whole">How long this one is.</param>
    /// <param name="longest">How long it may be, less than <paramref name="whole"/>.</param>
    /// <returns><see cref="DroppableCount"/> where not even that suffices.</returns>
    public int CountToDrop(Func<IReadOnlyList<ChatMessage>, int> length, int whole, int longest)
    {
        int stride = Math.Max(longest / 4, 1);
        int strides = (whole - longest + stride - 1) / stride;
        int rest = whole - strides * stride;
        int count = LeastToDrop(some => length(some) <= rest);
        // Where what has to stay is too long for that, nothing more goes than must.
        return count == DroppableCount && length(Without(count)) > rest ? LeastToDrop(some => length(some) <= longest) : count;
    }

    /// <summary>The least number of turns to leave out.</summary>
    /// <param name="fits">Whether a conversation is short enough; leaving out more never makes it longer.</param>
    /// <returns><see cref="DroppableCount"/> where not even that suffices.</returns>
    public int LeastToDrop(Func<IReadOnlyList<ChatMessage>, bool> fits)
    {
        int low = 0;
        int high = DroppableCount;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (fits(Without(middle)))
                high = middle;
            else
                low = middle + 1;
        }

        return low;
    }
}
