using EmbeddedLlm.SyntheticModels;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Native.Tests.Scheduling;

public sealed class DraftModelTests(StarterModelFixture starter)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AModelThatGuessesForItselfIsMostlyRight()
    {
        await using EmbeddedModel guessed = await EmbeddedModel.LoadAsync("starter", new() { DraftModel = "starter", DraftTokens = 4 }, cancellationToken: Cancel);
        ChatOptions options = new() { Temperature = 0 };
        ChatResponse expected = await starter.Chat.GetResponseAsync("Count to nine.", options, Cancel);
        ChatResponse actual = await guessed.AsChatClient().GetResponseAsync("Count to nine.", options, Cancel);
        Assert.Equal(expected.Text, actual.Text);
        GenerationTimings timings = Assert.IsType<GenerationTimings>(actual.RawRepresentation);
        Assert.InRange(timings.AcceptedTokenCount, 10, timings.DraftedTokenCount);
    }

    [Fact]
    public async Task ManyCallersGetTheSameAnswersAsWithoutIt()
    {
        await using EmbeddedModel guessed = await EmbeddedModel.LoadAsync("starter", new() { DraftModel = "starter", MaxSequences = 4 }, cancellationToken: Cancel);
        IChatClient chat = guessed.AsChatClient();
        string[] prompts = ["Count to five.", "Count to six.", "Hello!", "What is the capital of France?", "Count to nine.", "Count to ten."];
        ChatOptions options = new() { Temperature = 0, MaxOutputTokens = 60 };
        string[] expected = new string[prompts.Length];
        for (int i = 0; i < prompts.Length; i++)
            expected[i] = (await starter.Chat.GetResponseAsync(prompts[i], options, Cancel)).Text;
        ChatResponse[] answers = await Task.WhenAll(prompts.Select(prompt => chat.GetResponseAsync(prompt, options, Cancel)));
        Assert.Equal(expected, answers.Select(answer => answer.Text));
    }

    [Fact]
    public async Task ASeededAnswerStaysTheSame()
    {
        await using EmbeddedModel guessed = await EmbeddedModel.LoadAsync("starter", new() { DraftModel = "starter" }, cancellationToken: Cancel);
        ChatOptions options = new() { Temperature = 1f, TopK = 0, TopP = 1f, Seed = 7, MaxOutputTokens = 60 };
        string expected = (await starter.Chat.GetResponseAsync("Count to ten.", options, Cancel)).Text;
        Assert.Equal(expected, (await guessed.AsChatClient().GetResponseAsync("Count to ten.", options, Cancel)).Text);
    }

    [Fact]
    public async Task AnotherVocabularyIsRefused()
    {
        using TemporaryFolder folder = new();
        string path = folder.PathOf("other.gguf");
        SyntheticModel.Write(path, SyntheticShape.Tiny, SyntheticVocabulary.ByteLevel(300));
        ModelLoadException exception = await Assert.ThrowsAsync<ModelLoadException>(() => EmbeddedModel.LoadAsync("starter", new() { DraftModel = path }, cancellationToken: Cancel));
        Assert.Contains("vocabulary", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AMissingDraftIsNamed()
    {
        ModelLoadException exception = await Assert.ThrowsAsync<ModelLoadException>(() => EmbeddedModel.LoadAsync("starter", new() { DraftModel = "nowhere.gguf" }, cancellationToken: Cancel));
        Assert.Contains("nowhere.gguf", exception.Message, StringComparison.Ordinal);
    }
}
