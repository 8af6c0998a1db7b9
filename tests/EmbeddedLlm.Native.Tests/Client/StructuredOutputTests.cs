using System.ComponentModel;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Native.Tests.Client;

/// <summary><c>GetResponseAsync&lt;T&gt;</c> of Microsoft.Extensions.AI: whatever the model would like to say, what comes deserialises.</summary>
public sealed class StructuredOutputTests(StarterModelFixture starter)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static ChatOptions Any(int seed) => new() { Temperature = 1.5f, TopP = 1, TopK = 0, Seed = seed };

    [Fact]
    public Task ARecordFits() => FitsAsync<Person>(person => Assert.NotNull(person.Name));

    [Fact]
    public Task AnEnumerationFits() => FitsAsync<Mood>(mood => Assert.True(Enum.IsDefined(mood)));

    [Fact]
    public Task ATruthValueFits() => FitsAsync<bool>(_ => { });

    [Fact]
    public Task AnIntegerFits() => FitsAsync<int>(_ => { });

    [Fact]
    public Task ANestedTypeFits() => FitsAsync<Order>(order => Assert.NotNull(order.Buyer));

    [Fact]
    public Task ANestedEnumerationFits() => FitsAsync<Review>(review => Assert.True(Enum.IsDefined(review.Mood)));

    [Fact]
    public async Task AListThatIsWholeFits()
    {
        int whole = await CountWholeAsync<List<Mood>>();
        Assert.True(whole > 0);
    }

    [Fact]
    public async Task ARecursiveTypeThatIsWholeFits()
    {
        int whole = await CountWholeAsync<Node>();
        Assert.True(whole > 0);
    }

    /// <summary>Its schema is wrapped by Microsoft.Extensions.AI, whose references then lead nowhere.</summary>
    [Fact]
    public async Task AListOfARecursiveTypeThatIsWholeFits()
    {
        int whole = await CountWholeAsync<List<Node>>();
        Assert.True(whole > 0);
    }

    [Fact]
    public Task ATimeFits() => FitsAsync<TimeOnly>(_ => { });

    [Fact]
    public async Task AnObjectHasTheTypesPropertiesAndNoOthers()
    {
        ChatOptions options = Any(1);
        options.ResponseFormat = ChatResponseFormat.ForJsonSchema<Person>();
        for (int seed = 1; seed <= 5; seed++)
        {
            options.Seed = seed;
            ChatResponse response = await starter.Chat.GetResponseAsync("Tell me something.", options, Cancel);
            if (response.FinishReason == ChatFinishReason.Stop)
                Assert.Equal(["name", "age", "city"], JsonElement.Parse(response.Text).EnumerateObject().Select(property => property.Name));
        }
    }

    [Fact]
    public async Task ADescriptionReachesThePrompt()
    {
        ChatOptions options = new() { MaxOutputTokens = 1, ResponseFormat = ChatResponseFormat.ForJsonSchema<Review>() };
        long? described = (await starter.Chat.GetResponseAsync("Hello!", options, Cancel)).Usage!.InputTokenCount;
        options.RawRepresentationFactory = _ => new EmbeddedChatOptions { DescribeResponseFormat = false };
        long? plain = (await starter.Chat.GetResponseAsync("Hello!", options, Cancel)).Usage!.InputTokenCount;
        Assert.True(described > plain + starter.Model.Tokenize("What the writer felt.").Length);
    }

    /// <summary>Types that have an end: each answer is whole and deserialises.</summary>
    private async Task FitsAsync<T>(Action<T> check)
    {
        for (int seed = 1; seed <= 5; seed++)
        {
            ChatResponse<T> response = await starter.Chat.GetResponseAsync<T>("Tell me something.", Any(seed), cancellationToken: Cancel);
            if (response.FinishReason == ChatFinishReason.Length)
                continue;
            Assert.True(response.TryGetResult(out T? result), response.Text);
            check(result!);
        }
    }

    /// <summary>Types whose values may go on for ever: each answer that ends by itself deserialises.</summary>
    private async Task<int> CountWholeAsync<T>()
    {
        int whole = 0;
        for (int seed = 1; seed <= 5; seed++)
        {
            ChatResponse<T> response = await starter.Chat.GetResponseAsync<T>("Tell me something.", Any(seed), cancellationToken: Cancel);
            if (response.FinishReason == ChatFinishReason.Length)
                continue;
            whole++;
            Assert.True(response.TryGetResult(out _), response.Text);
        }

        return whole;
    }

    private enum Mood
    {
        Good,
        Bad,
        Mixed,
    }

    private sealed record Person(string Name, int Age, string? City);

    private sealed record Order(Person Buyer, bool IsPaid);

    private sealed record Review([property: Description("What the writer felt.")] Mood Mood, bool Recommends);

    private sealed record Node(bool Value, Node? Next);
}
