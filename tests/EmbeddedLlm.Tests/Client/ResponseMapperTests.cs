using EmbeddedLlm.Client;
using EmbeddedLlm.Scheduling;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Tests.Client;

public sealed class ResponseMapperTests
{
    private static readonly GenerationSummary Summary =
        new(GenerationEnd.Length, PromptTokens: 7, CachedTokens: 4, OutputTokens: 5, ForcedTokens: 2, DraftedTokens: 4, AcceptedTokens: 3, TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(2), TimeSpan.FromMilliseconds(3));

    [Fact]
    public void UpdatesAddUpToTheResponse()
    {
        ResponseMapper mapper = ResponseMapper.Create("m");
        ChatResponse response = mapper.Response("so", "ab", Summary);
        ChatResponse added = new[] { mapper.ReasoningUpdate("so"), mapper.TextUpdate("a"), mapper.TextUpdate("b"), mapper.LastUpdate(Summary) }.ToChatResponse();
        Assert.Equal(
            (response.Text, response.ResponseId, response.ModelId, response.CreatedAt, response.FinishReason),
            (added.Text, added.ResponseId, added.ModelId, added.CreatedAt, added.FinishReason));
        Assert.Equal("so", Assert.Single(added.Messages.Single().Contents.OfType<TextReasoningContent>()).Text);
        GenerationTimings timings = Assert.IsType<GenerationTimings>(response.RawRepresentation);
        Assert.Equal((2, 4, 3), (timings.ForcedTokenCount, timings.DraftedTokenCount, timings.AcceptedTokenCount));
        Assert.Equal((7, 4, 5, 12), (added.Usage!.InputTokenCount, added.Usage.CachedInputTokenCount, added.Usage.OutputTokenCount, added.Usage.TotalTokenCount));
        Assert.Equal(response.Messages.Single().MessageId, added.Messages.Single().MessageId);
    }

    [Fact]
    public void AnEmptyAnswerIsAResponseToo()
    {
        ChatResponse added = new[] { ResponseMapper.Create("m").LastUpdate(Summary) }.ToChatResponse();
        Assert.Equal("", added.Text);
        Assert.Equal(ChatFinishReason.Length, added.FinishReason);
    }
}
