using EmbeddedLlm.Gguf;
using EmbeddedLlm.SyntheticModels;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Native.Tests.Client;

/// <summary>Prefixes that are computed ahead or come from files, on each kind of memory that llama.cpp has.</summary>
public sealed class PreloadTests
{
    private static readonly ChatMessage[] Beginning = [new(ChatRole.System, "You are a careful assistant who answers each question in a few short sentences and never says anything that was not asked for.")];
    private static readonly ChatOptions Options = new() { Temperature = 0, MaxOutputTokens = 16, Instructions = "Answer in the language of the question.", Tools = [AIFunctionFactory.Create((int a, int b) => a + b, "add")] };

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<string> Kinds => ["qwen2", "gemma2", "mamba2", "granitehybrid", "lfm2"];

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task TheFirstRequestFindsThePrefixComputedAndAnswersAsWithoutIt(string architecture)
    {
        using TemporaryFolder folder = new();
        string path = Write(folder, architecture);
        await using EmbeddedModel uncached = await LoadAsync(path, prefix: 0);
        await using EmbeddedModel model = await LoadAsync(path);
        await using PreloadedPrefix prefix = await model.PreloadAsync(Beginning, Options, Cancel);
        Assert.True(prefix.IsLoaded);
        foreach (string question in new[] { "What is it?", "Who said so?", "x" })
        {
            ChatResponse response = await AskAsync(model, question);
            Assert.Equal((await AskAsync(uncached, question)).Text, response.Text);
            Assert.InRange(response.Usage!.CachedInputTokenCount!.Value, prefix.TokenCount, response.Usage.InputTokenCount!.Value - 1);
            Assert.InRange(response.Usage.InputTokenCount.Value - prefix.TokenCount, 1, 60);
        }
    }

    /// <summary>As a chat's: what it looks at may belong to the caller's thread, and may be another as soon as the call has returned.</summary>
    [Fact]
    public async Task TheFactoryOfOptionsIsCalledByWhoeverPreloads()
    {
        await using EmbeddedModel model = await EmbeddedModel.LoadAsync("starter", cancellationToken: Cancel);
        List<int> threads = [];
        EmbeddedChatOptions shared = new() { Priority = 3 };
        ChatOptions options = new()
        {
            RawRepresentationFactory = _ =>
            {
                threads.Add(Environment.CurrentManagedThreadId);
                return shared;
            },
        };
        int caller = Environment.CurrentManagedThreadId;
        Task<PreloadedPrefix> preload = model.PreloadAsync(Beginning, options, Cancel);
        shared.Adapters = [new AdapterScale("no such adapter")];
        await using PreloadedPrefix prefix = await preload;
        Assert.Equal([caller], threads);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task APrefixThatWasSavedIsGoneOnFromInAnotherProcessAsItWere(string architecture)
    {
        using TemporaryFolder folder = new();
        string path = Write(folder, architecture);
        string expected;
        int count;
        await using (EmbeddedModel first = await LoadAsync(path))
        {
            await using PreloadedPrefix prefix = await first.PreloadAsync(Beginning, Options, Cancel);
            count = prefix.TokenCount;
            await prefix.SaveAsync(folder.PathOf("prefix"), Cancel);
            expected = (await AskAsync(first, "What is it?")).Text;
        }

        await using EmbeddedModel second = await LoadAsync(path);
        await AskAsync(second, "Something before");
        await using PreloadedPrefix restored = await second.RestoreAsync(folder.PathOf("prefix"), cancellationToken: Cancel);
        Assert.Equal(count, restored.TokenCount);
        ChatResponse response = await AskAsync(second, "What is it?");
        Assert.Equal(expected, response.Text);
        Assert.InRange(response.Usage!.CachedInputTokenCount!.Value, count, response.Usage.InputTokenCount!.Value - 1);
        await restored.SaveAsync(folder.PathOf("again"), Cancel);
        Assert.Equal(new FileInfo(folder.PathOf("prefix")).Length, new FileInfo(folder.PathOf("again")).Length);
    }

    [Theory]
    [InlineData("qwen2")]
    [InlineData("mamba2")]
    [InlineData("granitehybrid")]
    [InlineData("lfm2")]
    public async Task AStateIsAsLargeAsTheModelsHeaderSays(string architecture)
    {
        using TemporaryFolder folder = new();
        await using EmbeddedModel model = await LoadAsync(Write(folder, architecture));
        await using PreloadedPrefix prefix = await model.PreloadAsync(Beginning, Options, Cancel);
        await prefix.SaveAsync(folder.PathOf("prefix"), Cancel);
        long expected = model.Info.RecurrentStateBytes + (prefix.TokenCount * model.Info.KvBytesPerToken(GgmlType.F32, GgmlType.F32));
        // Beside numbers there are the file's header, and tokens and positions.
        Assert.InRange(new FileInfo(folder.PathOf("prefix")).Length - expected, 0, 1024 + (prefix.TokenCount * 40));
    }

    [Fact]
    public async Task FilesOfAnotherModelOrOtherKvCacheTypesAreRefused()
    {
        using TemporaryFolder folder = new();
        string path = Write(folder, "qwen2");
        string other = Write(folder, "qwen2", seed: 2);
        await using (EmbeddedModel model = await LoadAsync(path))
        {
            await using PreloadedPrefix prefix = await model.PreloadAsync(Beginning, Options, Cancel);
            await prefix.SaveAsync(folder.PathOf("prefix"), Cancel);
        }

        await using EmbeddedModel otherModel = await LoadAsync(other);
        Assert.Contains("another model", (await Assert.ThrowsAsync<PrefixFileException>(() => otherModel.RestoreAsync(folder.PathOf("prefix"), cancellationToken: Cancel))).Message, StringComparison.Ordinal);
        await using EmbeddedModel otherTypes = await LoadAsync(path, keys: KvCacheType.BF16);
        Assert.Contains("keys BF16", (await Assert.ThrowsAsync<PrefixFileException>(() => otherTypes.RestoreAsync(folder.PathOf("prefix"), cancellationToken: Cancel))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AStateOfAnotherLayoutIsRefusedByLlamaCppItselfAndNothingIsLost()
    {
        using TemporaryFolder folder = new();
        string path = Write(folder, "qwen2");
        await using (EmbeddedModel model = await LoadAsync(path, flashAttention: true))
        {
            await using PreloadedPrefix prefix = await model.PreloadAsync(Beginning, Options, Cancel);
            await prefix.SaveAsync(folder.PathOf("prefix"), Cancel);
        }

        // Without flash attention values are kept the other way round.
        await using EmbeddedModel other = await LoadAsync(path, flashAttention: false);
        string expected = (await AskAsync(other, "What is it?")).Text;
        await Assert.ThrowsAsync<PrefixFileException>(() => other.RestoreAsync(folder.PathOf("prefix"), cancellationToken: Cancel));
        Assert.Equal(expected, (await AskAsync(other, "What is it?")).Text);
    }

    [Fact]
    public async Task ADisposedPrefixCannotBeSavedAndMayBeDisposedAgain()
    {
        using TemporaryFolder folder = new();
        EmbeddedModel model = await LoadAsync(Write(folder, "qwen2"));
        PreloadedPrefix prefix = await model.PreloadAsync(Beginning, Options, Cancel);
        await prefix.DisposeAsync();
        Assert.False(prefix.IsLoaded);
        prefix.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => prefix.SaveAsync(folder.PathOf("prefix"), Cancel));
        PreloadedPrefix another = await model.PreloadAsync(Beginning, Options, Cancel);
        await model.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => another.SaveAsync(folder.PathOf("prefix"), Cancel));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => model.PreloadAsync(Beginning, Options, Cancel));
        await another.DisposeAsync();
        Assert.Empty(Directory.GetFiles(folder.Path, "prefix*"));
    }

    [Fact]
    public async Task APrefixThatDoesNotFitIsRefused()
    {
        using TemporaryFolder folder = new();
        string path = Write(folder, "qwen2");
        await using EmbeddedModel small = await LoadAsync(path, prefix: 20);
        await Assert.ThrowsAsync<PrefixCacheFullException>(() => small.PreloadAsync(Beginning, Options, Cancel));
        await using EmbeddedModel none = await LoadAsync(path, prefix: 0);
        await Assert.ThrowsAsync<PrefixCacheFullException>(() => none.PreloadTokensAsync(new int[] { 1, 2, 3 }, cancellationToken: Cancel));
        await Assert.ThrowsAsync<ContextOverflowException>(() => none.PreloadTokensAsync(new int[none.ContextLength], cancellationToken: Cancel));
        await Assert.ThrowsAsync<ArgumentException>(() => none.PreloadTokensAsync(ReadOnlyMemory<int>.Empty, cancellationToken: Cancel));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => small.PreloadTokensAsync(new int[] { 1, -1 }, cancellationToken: Cancel));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => small.PreloadTokensAsync(new int[] { 1, 2, 3 }, cancellationToken: new CancellationToken(canceled: true)));
    }

    [Fact]
    public async Task AMissingFileIsAnIOException()
    {
        using TemporaryFolder folder = new();
        await using EmbeddedModel model = await LoadAsync(Write(folder, "qwen2"));
        await Assert.ThrowsAsync<FileNotFoundException>(() => model.RestoreAsync(folder.PathOf("nothing"), cancellationToken: Cancel));
    }

    [Fact]
    public async Task PrefixesComeAndGoWhileOthersAsk()
    {
        using TemporaryFolder folder = new();
        string path = Write(folder, "granitehybrid");
        await using EmbeddedModel model = await LoadAsync(path);
        await using EmbeddedModel uncached = await LoadAsync(path, prefix: 0);
        string[] questions = [.. Enumerable.Range(0, 12).Select(i => $"{(char)('a' + i)} is the question")];
        List<string> expected = [];
        foreach (string question in questions)
            expected.Add((await AskAsync(uncached, question)).Text);

        Task<ChatResponse>[] asked = [.. questions.Select(question => AskAsync(model, question))];
        for (int i = 0; i < 6; i++)
        {
            await using PreloadedPrefix prefix = await model.PreloadAsync([.. Beginning, new(ChatRole.User, $"example {i}"), new(ChatRole.Assistant, "done")], Options, Cancel);
            await prefix.SaveAsync(folder.PathOf("prefix"), Cancel);
            await using PreloadedPrefix again = await model.RestoreAsync(folder.PathOf("prefix"), cancellationToken: Cancel);
            Assert.Equal(prefix.TokenCount, again.TokenCount);
        }

        Assert.Equal(expected, (await Task.WhenAll(asked)).Select(response => response.Text));
    }

    private static string Write(TemporaryFolder folder, string architecture, ulong seed = 1)
    {
        string path = folder.PathOf($"{architecture}-{seed}.gguf");
        SyntheticModel.Write(path, SyntheticShape.TinyOf(architecture) with { Mix = SyntheticMix.F32 }, SyntheticVocabulary.ByteLevel(600), seed);
        return path;
    }

    private static Task<EmbeddedModel> LoadAsync(string path, int? prefix = null, KvCacheType keys = KvCacheType.F32, bool flashAttention = false) =>
        EmbeddedModel.LoadAsync(path, new() { PrefixCacheLength = prefix, Threads = 1, MaxSequences = 4, CacheLength = 8192, KeyCacheType = keys, ValueCacheType = KvCacheType.F32, FlashAttention = flashAttention, GpuLayers = 0 }, cancellationToken: Cancel);

    private static Task<ChatResponse> AskAsync(EmbeddedModel model, string question) =>
        model.AsChatClient().GetResponseAsync([.. Beginning, new(ChatRole.User, question)], Options, Cancel);
}
