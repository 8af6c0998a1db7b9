using EmbeddedLlm.Scheduling;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Client;

/// <summary>Makes responses and updates from what the engine generates.</summary>
/// <param name="ResponseId">One for the whole response.</param>
/// <param name="MessageId">One for the message in it.</param>
/// <param name="ModelId">The model that answers.</param>
/// <param name="CreatedAt">When the request came.</param>
internal sealed record ResponseMapper(string ResponseId, string MessageId, string ModelId, DateTimeOffset CreatedAt)
{
    /// <summary>How many messages of the conversation were left out, since it was too long.</summary>
    public int DroppedMessages { get; init; }

    /// <summary>The conversation that the answer belongs to; null where none is kept.</summary>
    public string? ConversationId { get; init; }

    public static ResponseMapper Create(string modelId) =>
        new(Guid.NewGuid().ToString("N"), Guid.NewGuid().ToString("N"), modelId, DateTimeOffset.UtcNow);

    public ChatResponseUpdate TextUpdate(string text) => CreateUpdate(new TextContent(text));

    public ChatResponseUpdate ReasoningUpdate(string text) => CreateUpdate(new TextReasoningContent(text));

    public ChatResponseUpdate CallUpdate(AIContent call) => CreateUpdate(call);

    /// <summary>The last update: why the answer ended, and what it cost.</summary>
    /// <param name="summary">The answer's figures.</param>
    /// <param name="hasCalls">Whether it has called a function.</param>
    public ChatResponseUpdate LastUpdate(in GenerationSummary summary, bool hasCalls = false)
    {
        ChatResponseUpdate update = CreateUpdate(new UsageContent(UsageOf(summary)));
        update.FinishReason = FinishReasonOf(summary.End, hasCalls);
        update.RawRepresentation = TimingsOf(summary);
        update.AdditionalProperties = AdditionalProperties;
        return update;
    }

    /// <param name="reasoning">What the model thought before it answered; empty where it did not.</param>
    /// <param name="text">The answer.</param>
    /// <param name="summary">Its figures.</param>
    /// <param name="calls">The calls of functions in it; where there are some, it may have no text.</param>
    public ChatResponse Response(string reasoning, string text, in GenerationSummary summary, IReadOnlyList<AIContent>? calls = null) =>
        new(new ChatMessage(ChatRole.Assistant, Contents(reasoning, text, calls ?? []))
        {
            MessageId = MessageId,
            CreatedAt = CreatedAt,
        })
        {
            ResponseId = ResponseId,
            ModelId = ModelId,
            ConversationId = ConversationId,
            CreatedAt = CreatedAt,
            FinishReason = FinishReasonOf(summary.End, calls is { Count: > 0 }),
            Usage = UsageOf(summary),
            RawRepresentation = TimingsOf(summary),
            AdditionalProperties = AdditionalProperties,
        };

    /// <summary>What is in an answer.</summary>
    public static List<AIContent> Contents(string reasoning, string text, IReadOnlyList<AIContent> calls)
    {
        List<AIContent> contents = [];
        if (reasoning.Length > 0)
            contents.Add(new TextReasoningContent(reasoning));
        if (text.Length > 0 || calls.Count == 0)
            contents.Add(new TextContent(text));
        contents.AddRange(calls);
        return contents;
    }

    private AdditionalPropertiesDictionary? AdditionalProperties =>
        DroppedMessages == 0 ? null : new() { ["embeddedllm.dropped_messages"] = DroppedMessages };

    private ChatResponseUpdate CreateUpdate(AIContent content) => new(ChatRole.Assistant, [content])
    {
        ResponseId = ResponseId,
        MessageId = MessageId,
        ModelId = ModelId,
        ConversationId = ConversationId,
        CreatedAt = CreatedAt,
    };

    internal static ChatFinishReason FinishReasonOf(GenerationEnd end, bool hasCalls) =>
        end == GenerationEnd.Length ? ChatFinishReason.Length : hasCalls ? ChatFinishReason.ToolCalls : ChatFinishReason.Stop;

    internal static UsageDetails UsageOf(in GenerationSummary summary) => new()
    {
        InputTokenCount = summary.PromptTokens,
        CachedInputTokenCount = summary.CachedTokens,
        OutputTokenCount = summary.OutputTokens,
        ReasoningTokenCount = summary.ReasoningTokens,
        TotalTokenCount = summary.PromptTokens + summary.OutputTokens,
    };

    internal static GenerationTimings TimingsOf(in GenerationSummary summary) =>
        new(summary.QueueTime, summary.PrefillTime, summary.DecodeTime)
        {
            ForcedTokenCount = summary.ForcedTokens,
            DraftedTokenCount = summary.DraftedTokens,
            AcceptedTokenCount = summary.AcceptedTokens,
        };
}
