using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Native.Tests.Client;

public sealed class TokenTests(StarterModelFixture starter)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AResponseHasAllItsTokensWithTheirProbabilities()
    {
        ChatResponse response = await starter.Chat.GetResponseAsync("Count to five.", Options(new() { TopLogProbabilities = 3 }), Cancel);
        IReadOnlyList<GeneratedToken> tokens = TokensOf(response.AdditionalProperties);
        Assert.Equal("1, 2, 3, 4, 5.", string.Concat(tokens.SkipLast(1).Select(token => token.Text)));
        Assert.Equal("<|im_end|>", tokens[^1].Text);
        Assert.Equal(response.Usage!.OutputTokenCount, tokens.Count);
        Assert.All(tokens, token =>
        {
            // Without penalties the most probable token is the one that is taken at a temperature of 0.
            Assert.Equal((3, token.Id), (token.TopLogProbabilities.Count, token.TopLogProbabilities[0].Id));
            Assert.Equal(token.LogProbability, token.TopLogProbabilities[0].LogProbability);
            Assert.InRange(token.TopLogProbabilities.Sum(other => Math.Exp(other.LogProbability)), Math.Exp(token.LogProbability!.Value), 1.00001);
        });
    }

    [Fact]
    public async Task UpdatesHaveTheTokensOfTheirTexts()
    {
        List<GeneratedToken> tokens = [];
        string text = "";
        await foreach (ChatResponseUpdate update in starter.Chat.GetStreamingResponseAsync("Count to nine.", Options(new() { LogProbabilities = true }), Cancel))
        {
            text += update.Text;
            if (update.AdditionalProperties is not null)
                tokens.AddRange(TokensOf(update.AdditionalProperties));
            Assert.StartsWith(text, string.Concat(tokens.Select(token => token.Text)), StringComparison.Ordinal);
        }

        Assert.Equal("1, 2, 3, 4, 5, 6, 7, 8, 9.", text);
        Assert.Equal(text + "<|im_end|>", string.Concat(tokens.Select(token => token.Text)));
    }

    [Fact]
    public async Task ForcedTokensHaveNoProbability()
    {
        ChatResponse response = await starter.Chat.GetResponseAsync("Count.", Options(new() { LogProbabilities = true, Grammar = Grammar.FromRegex("The result is [0-9]\\.") }), Cancel);
        IReadOnlyList<GeneratedToken> tokens = TokensOf(response.AdditionalProperties);
        Assert.Equal(response.Text, string.Concat(tokens.Select(token => token.Text)));
        Assert.Equal(Assert.IsType<GenerationTimings>(response.RawRepresentation).ForcedTokenCount, tokens.Count(token => token.IsForced));
        Assert.Contains(tokens, token => token.IsForced);
        Assert.All(tokens, token => Assert.Equal(token.IsForced, token.LogProbability is null));
    }

    [Fact]
    public async Task NothingIsToldUnasked() =>
        Assert.Null((await starter.Chat.GetResponseAsync("Count to five.", cancellationToken: Cancel)).AdditionalProperties);

    [Theory]
    [InlineData(-1)]
    [InlineData(101)]
    public async Task TooManyAlternativesAreRefusedByName(int count)
    {
        ArgumentOutOfRangeException exception = await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => starter.Chat.GetResponseAsync("Count.", Options(new() { TopLogProbabilities = count }), Cancel));
        Assert.Equal("TopLogProbabilities", exception.ParamName);
    }

    [Fact]
    public async Task DryKeepsAModelFromSayingItAgain()
    {
        List<ChatMessage> messages = [new(ChatRole.User, "Count to five."), new(ChatRole.Assistant, "1, 2, 3, 4, 5."), new(ChatRole.User, "Count to five.")];
        Assert.Equal("1, 2, 3, 4, 5.", (await starter.Chat.GetResponseAsync(messages, Options(new()), Cancel)).Text);
        ChatOptions dry = Options(new() { DryMultiplier = 100f, DryPenaltyLastN = 500 });
        Assert.NotEqual("1, 2, 3, 4, 5.", (await starter.Chat.GetResponseAsync(messages, dry, Cancel)).Text);
    }

    private static ChatOptions Options(EmbeddedChatOptions more) => new() { Temperature = 0, MaxOutputTokens = 40, RawRepresentationFactory = _ => more };

    private static IReadOnlyList<GeneratedToken> TokensOf(AdditionalPropertiesDictionary? properties) =>
        Assert.IsAssignableFrom<IReadOnlyList<GeneratedToken>>(properties![GeneratedToken.PropertyName]);
}
