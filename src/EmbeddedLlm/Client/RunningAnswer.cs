using System.Text;
using EmbeddedLlm.Scheduling;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Client;

/// <summary>An answer that is being generated, and what is needed to hand it out. Not thread-safe; disposed when the caller has it or wants it no more.</summary>
/// <param name="Stream">Where it comes from.</param>
/// <param name="Reader">Tells its parts apart.</param>
/// <param name="Mapper">Makes updates of them.</param>
/// <param name="ShowsReasoning">Whether the caller gets the reasoning.</param>
internal sealed record RunningAnswer(GenerationStream Stream, AnswerReader Reader, ResponseMapper Mapper, bool ShowsReasoning) : IDisposable
{
    private readonly ConversationStore.Turn? _turn;
    private readonly StringBuilder _reasoning = new();
    private readonly StringBuilder _text = new();
    private readonly List<AIContent> _calls = [];

    /// <summary>The turn of the conversation that the answer is added to; null where none is kept.</summary>
    public ConversationStore.Turn? Turn
    {
        get => _turn;
        init
        {
            _turn = value;
            Mapper = Mapper with { ConversationId = value?.ConversationId };
        }
    }

    /// <summary>The tokens that come with the text, where they were asked for.</summary>
    public TokenCarrier Tokens { get; } = new();

    /// <summary>The request's own messages.</summary>
    public IReadOnlyList<ChatMessage> Asked { get; init; } = [];

    /// <summary>Remembers a part of the answer for the conversation.</summary>
    public void Keep(string reasoning, string text, IReadOnlyList<AIContent> calls)
    {
        if (_turn is null)
            return;
        _reasoning.Append(reasoning);
        _text.Append(text);
        _calls.AddRange(calls);
    }

    /// <summary>Adds the whole answer to the conversation.</summary>
    public void Complete() => _turn?.Complete(Asked, new ChatMessage(ChatRole.Assistant, ResponseMapper.Contents(_reasoning.ToString(), _text.ToString(), _calls))
    {
        MessageId = Mapper.MessageId,
        CreatedAt = Mapper.CreatedAt,
    });

    public void Dispose() => _turn?.Dispose();
}
