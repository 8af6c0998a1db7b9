using System.Text.Json;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Native.Tests.Client;

/// <summary>The starter model does not think, so a template opens a block for it and a budget closes it.</summary>
public sealed class ReasoningTests
{
    /// <summary>Begins the reasoning in the prompt unless it is told not to; the markers are mere text of the vocabulary.</summary>
    private const string Thinking = """
        {%- for m in messages %}<|im_start|>{{ m.role }}
        {% if m.reasoning_content %}<think>
        {{ m.reasoning_content }}
        </think>

        {% endif %}{{ m.content }}<|im_end|>
        {% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
        {% if enable_thinking is not defined or enable_thinking %}<think>
        {% endif %}{% endif %}
        """;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ASpentBudgetEndsTheReasoningAndTheAnswerFollows(bool isStreamed)
    {
        await using EmbeddedModel model = await LoadAsync();
        ChatOptions options = Options(new EmbeddedChatOptions { ReasoningBudget = 6, LogitBias = NoEnd(model) });
        options.MaxOutputTokens = 40;
        ChatResponse response = isStreamed
            ? await model.AsChatClient().GetStreamingResponseAsync("Count to five.", options, Cancel).ToChatResponseAsync(Cancel)
            : await model.AsChatClient().GetResponseAsync("Count to five.", options, Cancel);
        string reasoning = Assert.Single(response.Messages).Contents.OfType<TextReasoningContent>().Single().Text;
        Assert.NotEmpty(reasoning);
        Assert.NotEmpty(response.Text);
        Assert.DoesNotContain("think>", reasoning + response.Text, StringComparison.Ordinal);
        int closing = model.Tokenize("\n</think>").Length;
        Assert.InRange(response.Usage!.ReasoningTokenCount!.Value, 6 + 1, 6 + closing + 1);
        Assert.Equal(40, response.Usage.OutputTokenCount);
    }

    [Fact]
    public async Task ASchemaHoldsAfterTheReasoningThatABudgetEnds()
    {
        await using EmbeddedModel model = await LoadAsync();
        ChatOptions options = Options(new EmbeddedChatOptions { ReasoningBudget = 5, LogitBias = NoEnd(model) });
        ChatResponse<Person> response = await model.AsChatClient().GetResponseAsync<Person>("Extract the person: Ana is 31 years old and lives in Lisbon.", options, cancellationToken: Cancel);
        Assert.NotEmpty(response.Messages[0].Contents.OfType<TextReasoningContent>().Single().Text);
        Assert.True(response.TryGetResult(out Person? person), response.Text);
        Assert.NotNull(person!.Name);
    }

    [Fact]
    public async Task OutputNoneDropsTheReasoningAndCountsIt()
    {
        await using EmbeddedModel model = await LoadAsync();
        ChatOptions options = Options(new EmbeddedChatOptions { ReasoningBudget = 6, LogitBias = NoEnd(model) });
        options.MaxOutputTokens = 40;
        options.Reasoning = new() { Output = ReasoningOutput.None };
        ChatResponse response = await model.AsChatClient().GetResponseAsync("Count to five.", options, Cancel);
        ChatResponse streamed = await model.AsChatClient().GetStreamingResponseAsync("Count to five.", options, Cancel).ToChatResponseAsync(Cancel);
        Assert.All([response, streamed], each =>
        {
            Assert.IsType<TextContent>(Assert.Single(each.Messages[0].Contents, content => content is not UsageContent));
            Assert.True(each.Usage!.ReasoningTokenCount > 6);
        });
        Assert.Equal(response.Text, streamed.Text);
    }

    [Fact]
    public async Task NoneTurnsTheReasoningOffByTheTemplatesSwitch()
    {
        await using EmbeddedModel model = await LoadAsync();
        ChatResponse response = await model.AsChatClient().GetResponseAsync("Count to five.", new() { Reasoning = new() { Effort = ReasoningEffort.None } }, Cancel);
        Assert.Equal(("1, 2, 3, 4, 5.", 0L), (response.Text, response.Usage!.ReasoningTokenCount));
        ChatResponse byArgument = await model.AsChatClient().GetResponseAsync("Count to five.", new() { AdditionalProperties = new() { ["enable_thinking"] = false } }, Cancel);
        Assert.Equal(response.Text, byArgument.Text);
    }

    /// <summary>A template that always opens a block has no switch: what closes it is put into the answer.</summary>
    [Fact]
    public async Task NoneEndsTheReasoningAtOnceWhereTheTemplateHasNoSwitch()
    {
        await using EmbeddedModel model = await EmbeddedModel.LoadAsync("starter", new() { ChatTemplate = Thinking.Replace("{% if enable_thinking is not defined or enable_thinking %}<think>\n{% endif %}", "<think>\n", StringComparison.Ordinal) }, cancellationToken: Cancel);
        ChatOptions options = Options(new EmbeddedChatOptions { LogitBias = NoEnd(model) });
        options.MaxOutputTokens = 30;
        options.Reasoning = new() { Effort = ReasoningEffort.None };
        ChatResponse response = await model.AsChatClient().GetResponseAsync("Count to five.", options, Cancel);
        Assert.DoesNotContain(response.Messages[0].Contents.OfType<TextReasoningContent>(), content => content.Text.Trim().Length > 0);
        Assert.NotEmpty(response.Text);
    }

    /// <summary>As Apriel's template has it: nothing begins the reasoning, and what is told to begin the text ends it. With tools the answer is free up to a call, within the reasoning too.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ATextThatIsToldToBeginWithAMarkerComesAfterTheReasoning(bool hasTools)
    {
        const string Template = "<|im_start|>system\nThink, and then: [BEGIN FINAL RESPONSE] ... [END FINAL RESPONSE].<|im_end|>\n{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";
        await using EmbeddedModel model = await EmbeddedModel.LoadAsync("starter", new() { ChatTemplate = Template }, cancellationToken: Cancel);
        ChatOptions options = Options(new EmbeddedChatOptions { ReasoningBudget = 6, LogitBias = NoEnd(model) });
        options.MaxOutputTokens = 60;
        options.Tools = hasTools ? [AIFunctionFactory.Create((string city) => city, "f")] : null;
        ChatResponse response = await model.AsChatClient().GetResponseAsync("Count to five.", options, Cancel);
        string reasoning = Assert.Single(response.Messages).Contents.OfType<TextReasoningContent>().Single().Text;
        Assert.NotEmpty(reasoning);
        Assert.NotEmpty(response.Text);
        Assert.DoesNotContain("BEGIN FINAL", reasoning + response.Text, StringComparison.Ordinal);
        Assert.InRange(response.Usage!.ReasoningTokenCount!.Value, 6 + 1, 6 + model.Tokenize("\n[BEGIN FINAL RESPONSE]").Length + 1);
    }

    /// <summary>A control token of the starter's ends the reasoning: its text is no part of an answer otherwise, and here it tells where the answer begins.</summary>
    [Fact]
    public async Task AMarkerMayBeAControlToken()
    {
        const string Template = "{% for m in messages %}{{ m.role }}: {% if m.reasoning_content %}<t>{{ m.reasoning_content }}<|im_start|>{% endif %}{{ m.content }}\n{% endfor %}{% if add_generation_prompt %}assistant: <t>{% endif %}";
        await using EmbeddedModel model = await EmbeddedModel.LoadAsync("starter", new() { ChatTemplate = Template }, cancellationToken: Cancel);
        ChatOptions options = Options(new EmbeddedChatOptions { ReasoningBudget = 4, LogitBias = NoEnd(model) });
        options.MaxOutputTokens = 20;
        ChatResponse response = await model.AsChatClient().GetResponseAsync("Count to five.", options, Cancel);
        Assert.Equal(5, response.Usage!.ReasoningTokenCount);
        Assert.NotEmpty(response.Messages[0].Contents.OfType<TextReasoningContent>().Single().Text);
        Assert.NotEmpty(response.Text);
        Assert.DoesNotContain("<|im_start|>", response.Messages[0].Contents.OfType<TextReasoningContent>().Single().Text + response.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ReasoningGoesBackToTheTemplate()
    {
        await using EmbeddedModel model = await LoadAsync();
        IChatClient chat = model.AsChatClient();
        ChatOptions options = new() { MaxOutputTokens = 1 };
        ChatMessage[] With(params AIContent[] contents) => [new(ChatRole.User, "Hello!"), new(ChatRole.Assistant, contents), new(ChatRole.User, "Hello!")];
        long? without = (await chat.GetResponseAsync(With(new TextContent("Hi.")), options, Cancel)).Usage!.InputTokenCount;
        long? with = (await chat.GetResponseAsync(With(new TextReasoningContent("A greeting."), new TextContent("Hi.")), options, Cancel)).Usage!.InputTokenCount;
        Assert.InRange(with!.Value - without!.Value, model.Tokenize("A greeting.").Length, 60);
    }

    [Fact]
    public async Task AnAnswerThatHasBegunIsContinuedPastTheReasoning()
    {
        await using EmbeddedModel model = await LoadAsync();
        ChatMessage[] messages = [new(ChatRole.User, "Count to five."), new(ChatRole.Assistant, "1, 2, 3,")];
        ChatResponse response = await model.AsChatClient().GetResponseAsync(messages, Options(new EmbeddedChatOptions { ContinueLastMessage = true }), Cancel);
        Assert.Equal((" 4, 5.", 0L), (response.Text, response.Usage!.ReasoningTokenCount));
    }

    [Theory]
    [InlineData("{\"name\":\"Ana\",\"age\":")]
    [InlineData("{\"name\": \"Ana\", \"age\": ")]
    public async Task AnAnswerThatHasBegunIsHeldToItsSchemaAsAWhole(string begun)
    {
        await using EmbeddedModel model = await LoadAsync();
        ChatOptions options = Options(new EmbeddedChatOptions { ContinueLastMessage = true });
        options.ResponseFormat = ChatResponseFormat.ForJsonSchema<Person>();
        ChatMessage[] messages = [new(ChatRole.User, "Extract the person: Ana is 31 years old and lives in Lisbon."), new(ChatRole.Assistant, begun)];
        ChatResponse response = await model.AsChatClient().GetResponseAsync(messages, options, Cancel);
        Assert.Equal("Ana", JsonElement.Parse(begun + response.Text).GetProperty("name").GetString());
        messages[1] = new(ChatRole.Assistant, "{\"nickname\":");
        Assert.Contains("ContinueLastMessage", (await Assert.ThrowsAsync<ArgumentException>(() => model.AsChatClient().GetResponseAsync(messages, options, Cancel))).Message, StringComparison.Ordinal);
    }

    private static async Task<EmbeddedModel> LoadAsync() => await EmbeddedModel.LoadAsync("starter", new() { ChatTemplate = Thinking }, cancellationToken: Cancel);

    private static ChatOptions Options(EmbeddedChatOptions more) => new() { Temperature = 0, RawRepresentationFactory = _ => more };

    private static Dictionary<int, float> NoEnd(EmbeddedModel model) => new() { [model.Tokenize("<|im_end|>", parseSpecial: true)[0]] = float.NegativeInfinity };

    private sealed record Person(string Name, int Age, string? City);
}
