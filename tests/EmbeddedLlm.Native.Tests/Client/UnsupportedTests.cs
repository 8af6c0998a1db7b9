using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Native.Tests.Client;

public sealed class UnsupportedTests(StarterModelFixture starter)
{
    public static TheoryData<string, ChatOptions> Unsupported => new()
    {
        { "ModelId", new() { ModelId = "gpt-4o" } },
        { "Tools", new() { Tools = [new HostedWebSearchTool()] } },
        { "StopSequences", new() { Tools = [AIFunctionFactory.Create(() => 1, "one")], StopSequences = ["}"] } },
        { "ToolMode", new() { ToolMode = ChatToolMode.RequireAny } },
        { "ResponseFormat", new() { ResponseFormat = ChatResponseFormat.Json, RawRepresentationFactory = _ => new EmbeddedChatOptions { Grammar = Grammar.AnyJson } } },
        { "StopSequences", new() { ResponseFormat = ChatResponseFormat.Json, StopSequences = ["}"] } },
        { "Reasoning.Effort", new() { Reasoning = new ReasoningOptions { Effort = ReasoningEffort.Low } } },
        { "AdditionalProperties", new() { AdditionalProperties = new() { ["num_ctx"] = 4096 } } },
#pragma warning disable MEAI001 // Experimental, but to be refused all the same.
        { "ContinuationToken", new() { ContinuationToken = ResponseContinuationToken.FromBytes(new byte[] { 1 }) } },
#pragma warning restore MEAI001
        { "RawRepresentationFactory", new() { RawRepresentationFactory = _ => "something else" } },
    };

    [Theory]
    [MemberData(nameof(Unsupported))]
    public async Task WhatIsNotSupportedIsNamed(string name, ChatOptions options)
    {
        NotSupportedException exception = await Assert.ThrowsAsync<NotSupportedException>(() => starter.Chat.GetResponseAsync("Hello!", options, TestContext.Current.CancellationToken));
        Assert.Contains($"ChatOptions.{name} ", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task APermissionThatIsNotMadeUseOfIsFine()
    {
#pragma warning disable MEAI001 // Experimental.
        ChatOptions options = new() { AllowBackgroundResponses = true, MaxOutputTokens = 3 };
        ChatResponse response = await starter.Chat.GetResponseAsync("Hello!", options, TestContext.Current.CancellationToken);
        Assert.Null(response.ContinuationToken);
#pragma warning restore MEAI001
    }

    [Fact]
    public async Task ContentThatIsNotTextIsNamed()
    {
        ChatMessage message = new(ChatRole.User, [new TextContent("What is this?"), new DataContent(new byte[] { 1 }, "image/png")]);
        NotSupportedException exception = await Assert.ThrowsAsync<NotSupportedException>(() => starter.Chat.GetResponseAsync(message, cancellationToken: TestContext.Current.CancellationToken));
        Assert.Contains("DataContent", exception.Message, StringComparison.Ordinal);
    }

    public static TheoryData<string, ChatOptions> OutOfRange => new()
    {
        { "MaxOutputTokens", new() { MaxOutputTokens = 0 } },
        { "Temperature", new() { Temperature = -1 } },
        { "Temperature", new() { Temperature = float.NaN } },
        { "TopP", new() { TopP = 1.5f } },
        { "TopK", new() { TopK = -1 } },
        { "MinP", new() { RawRepresentationFactory = _ => new EmbeddedChatOptions { MinP = 2 } } },
    };

    [Theory]
    [MemberData(nameof(OutOfRange))]
    public async Task AnOptionOutOfItsRangeIsNamed(string name, ChatOptions options)
    {
        ArgumentOutOfRangeException exception = await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => starter.Chat.GetResponseAsync("Hello!", options, TestContext.Current.CancellationToken));
        Assert.Contains(name, exception.ParamName, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AConversationThatIsNotThereIsNamed()
    {
        ConversationNotFoundException exception = await Assert.ThrowsAsync<ConversationNotFoundException>(() => starter.Chat.GetResponseAsync("Hello!", new() { ConversationId = "abc" }, TestContext.Current.CancellationToken));
        Assert.Contains("'abc'", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task OptionsThatSayNothingAreHonoured()
    {
        ChatOptions options = new() { ModelId = "starter", ResponseFormat = ChatResponseFormat.Text, ToolMode = ChatToolMode.Auto, Tools = [], StopSequences = [], Reasoning = new(), AdditionalProperties = [] };
        Assert.Equal("1, 2, 3, 4, 5.", (await starter.Chat.GetResponseAsync("Count to five.", options, TestContext.Current.CancellationToken)).Text);
    }

    [Fact]
    public async Task AnEmptyStopSequenceIsRefused() =>
        await Assert.ThrowsAsync<ArgumentException>(() => starter.Chat.GetResponseAsync("Hello!", new() { StopSequences = [""] }, TestContext.Current.CancellationToken));
}
