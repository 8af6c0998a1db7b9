using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Native.Tests.Scheduling;

public sealed class PrefixCacheTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AConversationsNextTurnComputesOnlyWhatIsNewAndAnswersAsWithoutACache()
    {
        await using EmbeddedModel cached = await EmbeddedModel.LoadAsync("starter", cancellationToken: Cancel);
        await using EmbeddedModel uncached = await EmbeddedModel.LoadAsync("starter", new() { PrefixCacheLength = 0 }, cancellationToken: Cancel);
        string[] questions = ["My name is Carla.", "Count to five.", "What is the capital of Japan?", "What is my name?"];
        List<ChatMessage> messages = [];
        long known = 0;
        foreach (string question in questions)
        {
            messages.Add(new(ChatRole.User, question));
            ChatResponse expected = await uncached.AsChatClient().GetResponseAsync(messages, cancellationToken: Cancel);
            ChatResponse actual = await cached.AsChatClient().GetResponseAsync(messages, cancellationToken: Cancel);
            Assert.Equal(expected.Text, actual.Text);
            Assert.Equal(0, expected.Usage!.CachedInputTokenCount);
            // All of the turn before but the last token of its answer, which ends the turn and was not computed.
            Assert.InRange(actual.Usage!.CachedInputTokenCount!.Value, Math.Max(0, known - 1), actual.Usage.InputTokenCount!.Value - 1);
            known = actual.Usage.TotalTokenCount!.Value;
            messages.AddMessages(actual);
        }
    }

    [Fact]
    public async Task ManyCallersWithOneBeginningAnswerEachAsAlone()
    {
        const string Instructions = "Answer briefly. Say nothing that was not asked for, and count in numbers.";
        await using EmbeddedModel cached = await EmbeddedModel.LoadAsync("starter", new() { MaxSequences = 4 }, cancellationToken: Cancel);
        await using EmbeddedModel uncached = await EmbeddedModel.LoadAsync("starter", new() { PrefixCacheLength = 0 }, cancellationToken: Cancel);
        string[] prompts = [.. new[] { "three", "four", "five", "six", "seven", "eight", "nine", "ten" }.Select(number => $"Count to {number}.")];
        ChatOptions options = new() { Instructions = Instructions, Temperature = 0 };
        List<string> expected = [];
        foreach (string prompt in prompts)
            expected.Add((await uncached.AsChatClient().GetResponseAsync(prompt, options, Cancel)).Text);
        for (int round = 0; round < 3; round++)
        {
            ChatResponse[] responses = await Task.WhenAll(prompts.Select(prompt => cached.AsChatClient().GetResponseAsync(prompt, options, Cancel)));
            Assert.Equal(expected, responses.Select(response => response.Text));
            Assert.InRange(responses.Sum(response => response.Usage!.CachedInputTokenCount!.Value), 4 * Instructions.Length / 8, int.MaxValue);
        }
    }

    [Fact]
    public async Task WhereTheKvCacheIsSmallRequestsTakeTurnsAndAnswerAsAlone()
    {
        await using EmbeddedModel small = await EmbeddedModel.LoadAsync("starter", new() { ContextLength = 80, CacheLength = 80, MaxSequences = 8 }, cancellationToken: Cancel);
        string[] answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ => (await small.AsChatClient().GetResponseAsync("Count to five.", cancellationToken: Cancel)).Text));
        Assert.All(answers, answer => Assert.Equal("1, 2, 3, 4, 5.", answer));
        Assert.Equal("The capital of Japan is Tokyo.", (await small.AsChatClient().GetResponseAsync("What is the capital of Japan?", cancellationToken: Cancel)).Text);
    }
}
