using EmbeddedLlm.SyntheticModels;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Native.Tests.Scheduling;

/// <summary>
/// Conversations on each kind of memory that llama.cpp has, answered with a cache and without: not one token may differ. The models have random weights, so that their answers depend on every token before.
/// </summary>
public sealed class MemoryKindTests
{
    private const string Instructions = "You are a careful assistant who answers each question in a few short sentences and never says anything that was not asked for by the person who asks.";

    // Leaves the reasoning of earlier turns out and opens the next, as templates of reasoning models do.
    private const string ReasoningTemplate =
        "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'].split('</think>')[-1] + '<|im_end|>\n' }}{% endfor %}"
        + "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n<think>\n' }}{% endif %}";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<string> Kinds => ["qwen2", "gemma2", "mamba2", "granitehybrid", "lfm2"];

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task AConversationAnswersAsWithoutACacheAndComputesOnlyWhatIsNew(string architecture)
    {
        using Pair pair = await Pair.LoadAsync(architecture, template: null);
        List<ChatMessage> messages = [new(ChatRole.System, Instructions)];
        long known = 0;
        for (int turn = 0; turn < 5; turn++)
        {
            messages.Add(new(ChatRole.User, $"This is question number {turn} of the conversation, please answer it"));
            ChatResponse actual = await pair.AskAsync(messages);
            Assert.InRange(actual.Usage!.CachedInputTokenCount!.Value, turn == 0 ? 0 : known, actual.Usage.InputTokenCount!.Value - 1);
            known = actual.Usage.InputTokenCount!.Value - 1;
            messages.AddMessages(actual);
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task WhereTheReasoningIsLeftOutOfTheHistoryItGoesOnFromTheQuestionBefore(string architecture)
    {
        using Pair pair = await Pair.LoadAsync(architecture, ReasoningTemplate);
        List<ChatMessage> messages = [new(ChatRole.System, Instructions)];
        long known = 0;
        for (int turn = 0; turn < 5; turn++)
        {
            messages.Add(new(ChatRole.User, $"This is question number {turn} of the conversation, please answer it"));
            ChatResponse actual = await pair.AskAsync(messages);
            // The opened reasoning is not part of the next prompt: "<think>\n".
            Assert.InRange(actual.Usage!.CachedInputTokenCount!.Value, turn == 0 ? 0 : known - 10, actual.Usage.InputTokenCount!.Value - 1);
            known = actual.Usage.InputTokenCount!.Value;
            messages.Add(new(ChatRole.Assistant, $"the answer {turn}"));
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task CallersWithOneSystemPromptComputeItOnce(string architecture)
    {
        using Pair pair = await Pair.LoadAsync(architecture, template: null);
        int system = pair.Cached.Tokenize(Instructions).Length;
        for (int caller = 0; caller < 6; caller++)
        {
            ChatResponse actual = await pair.AskAsync([new(ChatRole.System, Instructions), new(ChatRole.User, $"{(char)('a' + caller)} wants to know something else")]);
            Assert.InRange(actual.Usage!.CachedInputTokenCount!.Value, caller == 0 ? 0 : system, actual.Usage.InputTokenCount!.Value - 1);
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task BranchesOfOneHistoryAnswerEachAsAlone(string architecture)
    {
        using Pair pair = await Pair.LoadAsync(architecture, template: null);
        Random random = new(1);
        List<List<ChatMessage>> conversations = [[new(ChatRole.System, Instructions)]];
        long cached = 0;
        for (int step = 0; step < 25; step++)
        {
            // Goes on from any earlier place in any conversation, at a user's turn.
            List<ChatMessage> source = conversations[random.Next(conversations.Count)];
            List<ChatMessage> messages = [.. source.Take(1 + (2 * random.Next((source.Count + 1) / 2)))];
            messages.Add(new(ChatRole.User, string.Concat(Enumerable.Range(0, random.Next(1, 12)).Select(_ => $"word {random.Next(100)} "))));
            ChatResponse actual = await pair.AskAsync(messages, maxTokens: random.Next(2, 24));
            cached += actual.Usage!.CachedInputTokenCount!.Value;
            messages.AddMessages(actual);
            conversations.Add(messages);
        }

        Assert.InRange(cached, 25 * 20, long.MaxValue);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task ManyAtOnceAnswerEachAsAlone(string architecture)
    {
        using Pair pair = await Pair.LoadAsync(architecture, template: null);
        List<ChatMessage>[] prompts = [.. Enumerable.Range(0, 8).Select(i => new List<ChatMessage> { new(ChatRole.System, Instructions), new(ChatRole.User, $"{(char)('a' + i)} wants to know {new string((char)('k' + i), i * 3)}") })];
        for (int round = 0; round < 3; round++)
            await Task.WhenAll(prompts.Select(prompt => pair.AskAsync(prompt, maxTokens: 8)));
    }

    /// <summary>Quantised weights may be kept in an order whose kernels take fewer dimensions than activations have where several sequences are in a step.</summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task QuantisedModelsAnswerManyAtOnceAsEachAlone(string architecture)
    {
        using TemporaryFolder folder = new();
        string path = folder.PathOf(architecture + ".gguf");
        SyntheticModel.Write(path, SyntheticShape.TinyOf(architecture) with { Mix = SyntheticMix.Q8_0 }, SyntheticVocabulary.ByteLevel(600));
        EmbeddedModelOptions options = new() { PrefixCacheLength = 0, Threads = 1, MaxSequences = 4, ContextLength = 128, GpuLayers = 0, FlashAttention = false };
        await using EmbeddedModel model = await EmbeddedModel.LoadAsync(path, options, cancellationToken: Cancel);
        string[] prompts = [.. Enumerable.Range(0, 8).Select(i => $"{(char)('a' + i)} wants to know {new string((char)('k' + i), i * 3)}")];
        List<string> alone = [];
        foreach (string prompt in prompts)
            alone.Add(await AnswerAsync(prompt));
        Assert.Equal(alone, await Task.WhenAll(prompts.Select(AnswerAsync)));

        async Task<string> AnswerAsync(string prompt) => (await model.CompleteAsync(prompt, new CompletionOptions { MaxOutputTokens = 6, Temperature = 0 }, Cancel)).Text;
    }

    /// <summary>One token's embedding is NaN, as numbers that overflow are in the end. What it leaves in memory must not reach those who come later, whose attention multiplies it by zero.</summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task NumbersThatAreNoneDoNotOutliveTheirRequest(string architecture)
    {
        using TemporaryFolder folder = new();
        string path = folder.PathOf(architecture + ".gguf");
        SyntheticVocabulary vocabulary = SyntheticVocabulary.ByteLevel(300);
        SyntheticModel.Write(path, SyntheticShape.TinyOf(architecture) with { Mix = SyntheticMix.F32 }, vocabulary);
        EmbeddedModelOptions options = new() { Threads = 1, MaxSequences = 3, ContextLength = 128, GpuLayers = 0, FlashAttention = false };
        int poison;
        await using (EmbeddedModel healthy = await EmbeddedModel.LoadAsync(path, options, cancellationToken: Cancel))
            poison = healthy.Tokenize("Z").Single();
        DamagedModel.BreakEmbedding(path, poison);
        await using EmbeddedModel model = await EmbeddedModel.LoadAsync(path, options, cancellationToken: Cancel);
        string before = await AnswerAsync("a question");
        await Assert.ThrowsAsync<DecodeException>(() => AnswerAsync("Z"));
        Assert.Equal(before, await AnswerAsync("a question"));
        for (int i = 0; i < 5; i++)
        {
            Task<string>[] bad = [AnswerAsync("Z again"), AnswerAsync("and a Z")];
            Assert.All(await Task.WhenAll(Enumerable.Repeat("a question", 3).Select(AnswerAsync)), answer => Assert.Equal(before, answer));
            foreach (Task task in bad)
                await Assert.ThrowsAsync<DecodeException>(() => task);
        }

        Assert.Equal(before, await AnswerAsync("a question"));

        async Task<string> AnswerAsync(string prompt) =>
            (await model.CompleteAsync(prompt, new CompletionOptions { MaxOutputTokens = 6, Temperature = 0, LogitBias = new Dictionary<int, float> { [poison] = -100 } }, Cancel)).Text;
    }

    /// <summary>So that windows' cells are used again by others as soon as they may be.</summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task WhereTheKvCacheIsNearlyFullConversationsByTurnsAnswerEachAsAlone(string architecture)
    {
        using Pair pair = await Pair.LoadAsync(architecture, ReasoningTemplate, cacheLength: 1024);
        List<ChatMessage>[] conversations = [.. Enumerable.Range(0, 4).Select(_ => new List<ChatMessage> { new(ChatRole.System, Instructions) })];
        Random random = new(2);
        long cached = 0;
        for (int step = 0; step < 24; step++)
        {
            List<ChatMessage> messages = conversations[random.Next(conversations.Length)];
            messages.Add(new(ChatRole.User, string.Concat(Enumerable.Range(0, random.Next(1, 12)).Select(_ => $"word {random.Next(100)} "))));
            ChatResponse actual = await pair.AskAsync(messages, maxTokens: 64);
            cached += actual.Usage!.CachedInputTokenCount!.Value;
            messages.Add(new(ChatRole.Assistant, $"the answer {step}"));
        }

        Assert.InRange(cached, 24 * 100, long.MaxValue);
    }

    /// <summary>One model with a cache and without.</summary>
    private sealed class Pair(EmbeddedModel cached, EmbeddedModel uncached, TemporaryFolder folder) : IDisposable
    {
        public EmbeddedModel Cached { get; } = cached;

        public static async Task<Pair> LoadAsync(string architecture, string? template, int cacheLength = 8192)
        {
            TemporaryFolder folder = new();
            string path = folder.PathOf(architecture + ".gguf");
            SyntheticModel.Write(path, SyntheticShape.TinyOf(architecture) with { Mix = SyntheticMix.F32 }, SyntheticVocabulary.ByteLevel(600));
            EmbeddedModelOptions Options(int? prefix) => new() { PrefixCacheLength = prefix, ChatTemplate = template, Threads = 1, MaxSequences = 4, CacheLength = cacheLength, BatchSize = 64, GpuLayers = 0, KeyCacheType = KvCacheType.F32, ValueCacheType = KvCacheType.F32, FlashAttention = false };
            return new Pair(await EmbeddedModel.LoadAsync(path, Options(null), cancellationToken: Cancel), await EmbeddedModel.LoadAsync(path, Options(0), cancellationToken: Cancel), folder);
        }

        /// <summary>Asks both and compares the answers.</summary>
        public async Task<ChatResponse> AskAsync(IReadOnlyList<ChatMessage> messages, int maxTokens = 24)
        {
            ChatOptions options = new() { Temperature = 0, MaxOutputTokens = maxTokens };
            ChatResponse expected = await uncached.AsChatClient().GetResponseAsync(messages, options, Cancel);
            ChatResponse actual = await Cached.AsChatClient().GetResponseAsync(messages, options, Cancel);
            Assert.Equal(0, expected.Usage!.CachedInputTokenCount);
            Assert.Equal(Show(expected), Show(actual));
            return actual;
        }

        public void Dispose()
        {
            Cached.Dispose();
            uncached.Dispose();
            folder.Dispose();
        }

        private static string Show(ChatResponse response) =>
            $"{response.Usage!.OutputTokenCount}: {string.Concat(response.Messages.SelectMany(message => message.Contents).Select(content => content is TextReasoningContent thought ? thought.Text : content.ToString()))}";
    }
}
