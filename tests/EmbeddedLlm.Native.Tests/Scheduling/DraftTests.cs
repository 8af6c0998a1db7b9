using System.Text.Json;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Native.Tests.Scheduling;

public sealed class DraftTests(StarterModelFixture starter)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task GuessesChangeNothingButTheNumberOfSteps()
    {
        await using EmbeddedModel guessing = await EmbeddedModel.LoadAsync("starter", new() { PromptLookupTokens = 8 }, cancellationToken: Cancel);
        List<ChatMessage> messages =
            [new(ChatRole.User, "Count to nine."), new(ChatRole.Assistant, "1, 2, 3, 4, 5, 6, 7, 8, 9."), new(ChatRole.User, "Count to nine.")];
        ChatOptions options = new() { Temperature = 0 };
        ChatResponse expected = await starter.Chat.GetResponseAsync(messages, options, Cancel);
        ChatResponse actual = await guessing.AsChatClient().GetResponseAsync(messages, options, Cancel);
        Assert.Equal(expected.Text, actual.Text);
        GenerationTimings timings = Assert.IsType<GenerationTimings>(actual.RawRepresentation);
        Assert.InRange(timings.AcceptedTokenCount, 3, timings.DraftedTokenCount);
        Assert.Equal(0, Assert.IsType<GenerationTimings>(expected.RawRepresentation).DraftedTokenCount);
    }

    [Fact]
    public async Task ASeededAnswerStaysTheSame()
    {
        await using EmbeddedModel guessing = await EmbeddedModel.LoadAsync("starter", new() { PromptLookupTokens = 8 }, cancellationToken: Cancel);
        ChatOptions options = new() { Temperature = 1f, TopK = 0, TopP = 1f, Seed = 7, MaxOutputTokens = 60 };
        for (int seed = 0; seed < 5; seed++)
        {
            options.Seed = seed;
            string expected = (await starter.Chat.GetResponseAsync("Count to ten.", options, Cancel)).Text;
            Assert.Equal(expected, (await guessing.AsChatClient().GetResponseAsync("Count to ten.", options, Cancel)).Text);
        }
    }

    [Fact]
    public async Task GuessesAndAGrammarGoTogether()
    {
        await using EmbeddedModel guessing = await EmbeddedModel.LoadAsync("starter", new() { PromptLookupTokens = 8 }, cancellationToken: Cancel);
        ChatOptions options = new() { Temperature = 0, ResponseFormat = ChatResponseFormat.ForJsonSchema(Schema()) };
        List<ChatMessage> messages = [new(ChatRole.User, "Extract the person: Ana is 31 years old and lives in Lisbon.")];
        for (int turn = 0; turn < 3; turn++)
        {
            ChatResponse expected = await starter.Chat.GetResponseAsync(messages, options, Cancel);
            ChatResponse actual = await guessing.AsChatClient().GetResponseAsync(messages, options, Cancel);
            Assert.Equal(expected.Text, actual.Text);
            using JsonDocument parsed = JsonDocument.Parse(actual.Text);
            Assert.Equal(JsonValueKind.Object, parsed.RootElement.ValueKind);
            messages.AddMessages(actual);
            messages.Add(new(ChatRole.User, "Extract the person: Ana is 31 years old and lives in Lisbon."));
        }
    }

    private static JsonElement Schema()
    {
        using JsonDocument schema = JsonDocument.Parse(
            """{"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer"}, "city": {"type": "string"}}, "required": ["name", "age", "city"], "additionalProperties": false}""");
        return schema.RootElement.Clone();
    }
}
