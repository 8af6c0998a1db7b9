using System.Runtime.InteropServices;
using EmbeddedLlm.Gguf;
using EmbeddedLlm.SyntheticModels;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Native.Tests.Client;

/// <summary>LoRA adapters, at load and per request.</summary>
public sealed class AdapterTests(StarterModelFixture starter)
{
    private const string Prompt = "Once upon a time there was";
    private const string Question = "Count to five, and then say what comes after that.";

    /// <summary>Rounding, which depends on how many tokens a step has, was seen to move logits by 0.001.</summary>
    private const float Tolerance = 0.005f;

    private static readonly AdapterScale[] One = [new("one")];
    private static readonly AdapterScale[] Two = [new("two")];
    private static readonly AdapterScale[] Both = [new("two", 0.5f), new("one")];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static string Starter => Path.Combine(AppContext.BaseDirectory, "models", "starter.gguf");

    [Fact]
    public async Task AtScaleZeroAndWithoutAdaptersTheModelIsAsItWas()
    {
        using TemporaryFolder folder = new();
        await using EmbeddedModel model = await LoadAsync(folder, Starter);
        foreach (string prompt in new[] { Prompt, "Count to five: 1, 2,", "x" })
        {
            string expected = (await starter.Model.CompleteAsync(prompt, Greedy(null), Cancel)).Text;
            Assert.Equal(expected, await AskAsync(model, prompt, []));
            Assert.Equal(expected, await AskAsync(model, prompt, [new("one", 0), new("two", 0)]));
            Assert.NotEqual(expected, await AskAsync(model, prompt, One));
        }
    }

    [Fact]
    public async Task WhatARequestDoesNotSayTheLoadOptionsDo()
    {
        using TemporaryFolder folder = new();
        (string one, string two) = WriteAdapters(folder, Starter);
        await using EmbeddedModel model = await LoadAsync(Starter, new LoraAdapter(one, Scale: 0.75f), new LoraAdapter(two, "second", 0));
        Assert.Equal([new LoraAdapter(one, "one", 0.75f), new LoraAdapter(two, "second", 0)], model.Adapters);
        string byDefault = await AskAsync(model, Prompt, null);
        Assert.Equal(byDefault, await AskAsync(model, Prompt, [new("one", 0.75f)]));
        Assert.Equal(4, new[] { byDefault, await AskAsync(model, Prompt, []), await AskAsync(model, Prompt, One), await AskAsync(model, Prompt, [new("second")]) }.Distinct().Count());
    }

    [Fact]
    public async Task AChatSaysItInItsOptions()
    {
        using TemporaryFolder folder = new();
        await using EmbeddedModel model = await LoadAsync(folder, Starter, scale: 0);
        ChatResponse unchanged = await ChatAsync(null);
        Assert.Equal((await starter.Chat.GetResponseAsync(Question, new() { Temperature = 0, MaxOutputTokens = 24 }, Cancel)).Text, unchanged.Text);
        ChatResponse first = await ChatAsync(One);
        Assert.NotEqual(unchanged.Text, first.Text);
        // Nothing of it was computed with these adapters, and then nearly all of it.
        Assert.Equal(0, first.Usage!.CachedInputTokenCount);
        Assert.Equal(first.Usage.InputTokenCount - 1, (await ChatAsync(One)).Usage!.CachedInputTokenCount);

        Task<ChatResponse> ChatAsync(AdapterScale[]? adapters) =>
            model.AsChatClient().GetResponseAsync(Question, new() { Temperature = 0, MaxOutputTokens = 24, RawRepresentationFactory = _ => new EmbeddedChatOptions { Adapters = adapters } }, Cancel);
    }

    [Theory]
    [InlineData("llama")]
    [InlineData("qwen2")]
    [InlineData("gemma2")]
    [InlineData("mamba2")]
    [InlineData("granitehybrid")]
    [InlineData("lfm2")]
    public async Task RequestsWithDifferentAdaptersAtTheSameTimeAnswerEachAsAlone(string architecture)
    {
        using TemporaryFolder folder = new();
        string path = WriteModel(folder, architecture);
        (string Prompt, AdapterScale[] Adapters)[] requests =
            [.. new[] { "The first of all prompts, which is a long one", "Another one" }.SelectMany(prompt => new AdapterScale[][] { [], One, Two, Both }.Select(adapters => (prompt, adapters)))];
        List<IReadOnlyList<GeneratedToken>> expected = [];
        await using (EmbeddedModel alone = await LoadAsync(folder, path, prefix: 0))
        {
            foreach ((string prompt, AdapterScale[] adapters) in requests)
                expected.Add(await TokensAsync(alone, prompt, adapters));
        }

        float[] first = [.. expected.Select(tokens => tokens[0].LogProbability!.Value)];
        Assert.All(first, (value, i) => Assert.DoesNotContain(first[..i], other => Math.Abs(other - value) <= Tolerance));
        await using EmbeddedModel model = await LoadAsync(folder, path);
        for (int round = 0; round < 2; round++)
        {
            IReadOnlyList<GeneratedToken>[] actual = await Task.WhenAll(requests.Select(request => TokensAsync(model, request.Prompt, request.Adapters)));
            Assert.All(actual, (tokens, i) => AssertSame(expected[i], tokens));
        }
    }

    /// <summary>W + scale · alpha / rank · B · A, computed here, has to give what the adapter gives.</summary>
    [Fact]
    public async Task AnAdapterDoesWhatItsProductAddedToTheWeightsDoes()
    {
        const float Scale = 0.6f;
        using TemporaryFolder folder = new();
        string path = WriteModel(folder, "qwen2");
        SyntheticAdapter adapter = new() { Rank = 3, Alpha = 5, Strength = 0.7f };
        adapter.Write(folder.PathOf("one.gguf"), GgufFile.Open(path));
        string merged = folder.PathOf("merged.gguf");
        Merge(path, folder.PathOf("one.gguf"), Scale * adapter.Alpha / adapter.Rank, merged);

        await using EmbeddedModel model = await LoadAsync(path, new LoraAdapter(folder.PathOf("one.gguf"), Scale: Scale));
        await using EmbeddedModel other = await LoadAsync(merged);
        IReadOnlyList<GeneratedToken> actual = await TokensAsync(model, Prompt, null);
        AssertSame(await TokensAsync(other, Prompt, null), actual);
        Assert.NotEqual(actual[0].LogProbability!.Value, (await TokensAsync(model, Prompt, []))[0].LogProbability!.Value, Tolerance);
    }

    [Fact]
    public async Task AnAdapterThatIsNotThereIsNamedWithThoseThatAre()
    {
        using TemporaryFolder folder = new();
        await using EmbeddedModel model = await LoadAsync(folder, Starter);
        ArgumentException exception = await Assert.ThrowsAsync<ArgumentException>(() => AskAsync(model, Prompt, [new("three")]));
        Assert.Contains("'three'", exception.Message, StringComparison.Ordinal);
        Assert.Contains("'one', 'two'", exception.Message, StringComparison.Ordinal);
        Assert.Contains("twice", (await Assert.ThrowsAsync<ArgumentException>(() => AskAsync(model, Prompt, [new("one"), new("one", 2)]))).Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => AskAsync(model, Prompt, [new("one", float.NaN)]));
        await Assert.ThrowsAsync<ArgumentException>(() => model.PreloadTokensAsync(new int[] { 1 }, [new("three")], Cancel));
        ArgumentException without = await Assert.ThrowsAsync<ArgumentException>(() => AskAsync(starter.Model, Prompt, One));
        Assert.Contains("without any", without.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task LoadOptionsThatMakeNoSenseAreRefused()
    {
        using TemporaryFolder folder = new();
        (string one, string two) = WriteAdapters(folder, Starter);
        Assert.Contains("'one'", (await Assert.ThrowsAsync<ArgumentException>(() => LoadAsync(Starter, new LoraAdapter(one), new LoraAdapter(two, "one")))).Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => LoadAsync(Starter, new LoraAdapter(one, Scale: float.PositiveInfinity)));
        await Assert.ThrowsAnyAsync<ArgumentException>(() => LoadAsync(Starter, new LoraAdapter("")));
        await Assert.ThrowsAnyAsync<ArgumentException>(() => EmbeddedModel.LoadAsync("starter", new() { Adapters = null! }, cancellationToken: Cancel));
    }

    [Fact]
    public async Task FilesThatAreNoAdapterOfTheModelAreRefusedInWordsAndTheModelLoadsWithoutThem()
    {
        using TemporaryFolder folder = new();
        (string one, string two) = WriteAdapters(folder, Starter);
        byte[] bytes = await File.ReadAllBytesAsync(one, Cancel);
        string truncated = folder.Write("truncated.gguf", bytes.AsSpan(0, bytes.Length - 1000));
        string text = folder.Write("text.gguf", "This is no adapter, but it is long enough to be one."u8);
        new SyntheticAdapter().Write(folder.PathOf("foreign.gguf"), GgufFile.Open(WriteModel(folder, "qwen2")));
        new SyntheticAdapter().Write(folder.PathOf("wide.gguf"), GgufFile.Open(WriteModel(folder, "llama")));

        Assert.Contains(truncated, (await Assert.ThrowsAsync<GgufFormatException>(() => LoadBesideOneAsync(truncated))).Message, StringComparison.Ordinal);
        Assert.Contains(text, (await Assert.ThrowsAsync<GgufFormatException>(() => LoadBesideOneAsync(text))).Message, StringComparison.Ordinal);
        Assert.Contains("'general.type' is missing", (await Assert.ThrowsAsync<GgufFormatException>(() => LoadBesideOneAsync(Starter))).Message, StringComparison.Ordinal);
        Assert.Contains("'qwen2', and the model's is 'llama'", (await Assert.ThrowsAsync<ModelLoadException>(() => LoadBesideOneAsync(folder.PathOf("foreign.gguf")))).Message, StringComparison.Ordinal);
        Assert.Contains("are not for 'blk.0.", (await Assert.ThrowsAsync<ModelLoadException>(() => LoadBesideOneAsync(folder.PathOf("wide.gguf")))).Message, StringComparison.Ordinal);
        Assert.Contains("cannot be read", (await Assert.ThrowsAsync<ModelLoadException>(() => LoadBesideOneAsync(folder.PathOf("missing.gguf")))).Message, StringComparison.Ordinal);
        await using EmbeddedModel model = await LoadBesideOneAsync(two);
        Assert.Equal(2, model.Adapters.Count);

        Task<EmbeddedModel> LoadBesideOneAsync(string path) => LoadAsync(Starter, new LoraAdapter(one), new LoraAdapter(path, "another"));
    }

    [Fact]
    public async Task AnEncoderTakesNone()
    {
        using TemporaryFolder folder = new();
        SyntheticEncoder.Write(folder.PathOf("encoder.gguf"), pooling: 1);
        (string one, _) = WriteAdapters(folder, Starter);
        Assert.Contains("encoder", (await Assert.ThrowsAsync<ModelLoadException>(() => LoadAsync(folder.PathOf("encoder.gguf"), new LoraAdapter(one)))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task EmbeddingsAreThoseOfTheModelItself()
    {
        using TemporaryFolder folder = new();
        await using EmbeddedModel model = await LoadAsync(folder, Starter);
        Task<ReadOnlyMemory<float>> expected = starter.Model.AsEmbeddingGenerator().GenerateVectorAsync("A text.", cancellationToken: Cancel);
        ReadOnlyMemory<float> actual = await model.AsEmbeddingGenerator().GenerateVectorAsync("A text.", cancellationToken: Cancel);
        Assert.All((await expected).ToArray().Zip(actual.ToArray()), pair => Assert.Equal(pair.First, pair.Second, 1e-3f));
    }

    [Fact]
    public async Task APrefixIsOfUseWithItsOwnAdaptersOnlyAlsoFromAFile()
    {
        using TemporaryFolder folder = new();
        string path = WriteModel(folder, "qwen2");
        (string one, string two) = WriteAdapters(folder, path);
        string file = folder.PathOf("prefix");
        int[] tokens;
        string expected;
        await using (EmbeddedModel model = await LoadAsync(path, new LoraAdapter(one), new LoraAdapter(two)))
        {
            tokens = model.Tokenize(string.Concat(Enumerable.Repeat("The instructions are long. ", 8)));
            await using PreloadedPrefix prefix = await model.PreloadTokensAsync(tokens, Both, Cancel);
            await prefix.SaveAsync(file, Cancel);
            string prompt = model.Detokenize(tokens) + "Go!";
            Assert.InRange(await CachedAsync(model, prompt, Both), tokens.Length - 2, tokens.Length);
            Assert.Equal(0, await CachedAsync(model, prompt, One));
            expected = await AskAsync(model, prompt, Both);
        }

        // The same files under other names and in another order.
        await using EmbeddedModel again = await LoadAsync(path, new LoraAdapter(two, "b", 0.5f), new LoraAdapter(one, "a"));
        foreach (IReadOnlyList<AdapterScale> others in new IReadOnlyList<AdapterScale>[] { [], [new("a")], [new("a"), new("b")], [new("a", 0.5f), new("b")] })
            Assert.Contains("adapters", (await Assert.ThrowsAsync<PrefixFileException>(() => again.RestoreAsync(file, others, Cancel))).Message, StringComparison.Ordinal);
        await using PreloadedPrefix restored = await again.RestoreAsync(file, cancellationToken: Cancel);
        string whole = again.Detokenize(tokens) + "Go!";
        Assert.Equal(0, await CachedAsync(again, whole, []));
        Assert.InRange(await CachedAsync(again, whole, null), tokens.Length - 2, tokens.Length);
        Assert.Equal(expected, await AskAsync(again, whole, null));
    }

    [Fact]
    public async Task AModelIsDisposedWhileRequestsWithAdaptersRunAndLoadsAgain()
    {
        using TemporaryFolder folder = new();
        for (int i = 0; i < 5; i++)
        {
            EmbeddedModel model = await LoadAsync(folder, Starter);
            PreloadedPrefix prefix = await model.PreloadTokensAsync(model.Tokenize(Prompt), One, Cancel);
            Task<string>[] requests = [.. new AdapterScale[]?[] { [], One, Two, Both, null }.Select(adapters => AskAsync(model, Prompt, adapters, 400))];
            await model.DisposeAsync();
            foreach (Task<string> request in requests)
            {
                // One that had ended before is fine as well.
                Exception? exception = await Record.ExceptionAsync(() => request);
                Assert.True(exception is null or ObjectDisposedException, exception?.ToString());
            }

            await prefix.DisposeAsync();
        }
    }

    private static void Merge(string modelPath, string adapterPath, float factor, string path)
    {
        GgufFile model = GgufFile.Open(modelPath);
        GgufFile adapter = GgufFile.Open(adapterPath);
        byte[] modelBytes = File.ReadAllBytes(modelPath);
        byte[] adapterBytes = File.ReadAllBytes(adapterPath);
        GgufWriter writer = new();
        foreach ((string key, GgufValue value) in model.Metadata)
            writer.Add(key, value);
        foreach (GgufTensorInfo tensor in model.Tensors)
        {
            byte[] data = modelBytes.AsSpan((int)(model.DataOffset + tensor.Offset), (int)tensor.ByteSize).ToArray();
            if (adapter.TryGetTensor(tensor.Name + ".lora_a", out GgufTensorInfo? a) && adapter.TryGetTensor(tensor.Name + ".lora_b", out GgufTensorInfo? b))
                AddProduct(MemoryMarshal.Cast<byte, float>(data.AsSpan()), Floats(a), Floats(b), (int)tensor.Dimensions[0], (int)b.Dimensions[0], factor);
            writer.AddTensor(tensor.Name, tensor.Type, tensor.Dimensions, data);
        }

        using FileStream stream = File.Create(path);
        writer.Write(stream, Cancel);

        ReadOnlySpan<float> Floats(GgufTensorInfo tensor) =>
            MemoryMarshal.Cast<byte, float>(adapterBytes.AsSpan((int)(adapter.DataOffset + tensor.Offset), (int)tensor.ByteSize));
    }

    private static void AddProduct(Span<float> weights, ReadOnlySpan<float> a, ReadOnlySpan<float> b, int columns, int rank, float factor)
    {
        for (int i = 0; i < weights.Length; i++)
        {
            (int row, int column) = (i / columns, i % columns);
            double sum = 0;
            for (int r = 0; r < rank; r++)
                sum += (double)b[(row * rank) + r] * a[(r * columns) + column];
            weights[i] += (float)(factor * sum);
        }
    }

    private static string WriteModel(TemporaryFolder folder, string architecture)
    {
        string path = folder.PathOf($"{architecture}.gguf");
        SyntheticShape shape = architecture == "llama" ? SyntheticShape.Small : SyntheticShape.TinyOf(architecture);
        SyntheticModel.Write(path, shape with { Mix = SyntheticMix.F32 }, SyntheticVocabulary.ByteLevel(600));
        return path;
    }

    private static (string One, string Two) WriteAdapters(TemporaryFolder folder, string modelPath)
    {
        GgufFile model = GgufFile.Open(modelPath);
        new SyntheticAdapter().Write(folder.PathOf("one.gguf"), model);
        new SyntheticAdapter { Seed = 2, Rank = 2 }.Write(folder.PathOf("two.gguf"), model);
        return (folder.PathOf("one.gguf"), folder.PathOf("two.gguf"));
    }

    /// <summary>A model with the adapters "one" and "two".</summary>
    private static Task<EmbeddedModel> LoadAsync(TemporaryFolder folder, string path, int? prefix = null, float scale = 1)
    {
        (string one, string two) = WriteAdapters(folder, path);
        return LoadAsync(path, prefix, new LoraAdapter(one, Scale: scale), new LoraAdapter(two, Scale: scale));
    }

    private static Task<EmbeddedModel> LoadAsync(string path, params LoraAdapter[] adapters) => LoadAsync(path, prefix: null, adapters);

    private static Task<EmbeddedModel> LoadAsync(string path, int? prefix, params LoraAdapter[] adapters)
    {
        bool isStarter = path == Starter;
        EmbeddedModelOptions options = new()
        {
            Adapters = adapters, PrefixCacheLength = prefix, Threads = 1, GpuLayers = 0, CacheLength = isStarter ? null : 8192,
            // What synthetic models say hangs on little, so nothing is rounded where it need not be.
            KeyCacheType = isStarter ? KvCacheType.F16 : KvCacheType.F32, ValueCacheType = isStarter ? KvCacheType.F16 : KvCacheType.F32, FlashAttention = isStarter ? null : false,
        };
        return EmbeddedModel.LoadAsync(path, options, cancellationToken: Cancel);
    }

    private static CompletionOptions Greedy(IReadOnlyList<AdapterScale>? adapters, int maxTokens = 24) => new() { Temperature = 0, MaxOutputTokens = maxTokens, Adapters = adapters };

    private static async Task<IReadOnlyList<GeneratedToken>> TokensAsync(EmbeddedModel model, string prompt, IReadOnlyList<AdapterScale>? adapters)
    {
        CompletionOptions options = Greedy(adapters);
        options.LogProbabilities = true;
        return (await model.CompleteAsync(prompt, options, Cancel)).Tokens;
    }

    private static void AssertSame(IReadOnlyList<GeneratedToken> expected, IReadOnlyList<GeneratedToken> actual)
    {
        Assert.Equal(expected.Select(token => token.Id), actual.Select(token => token.Id));
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First.LogProbability!.Value, pair.Second.LogProbability!.Value, Tolerance));
    }

    private static async Task<string> AskAsync(EmbeddedModel model, string prompt, IReadOnlyList<AdapterScale>? adapters, int maxTokens = 24) =>
        (await model.CompleteAsync(prompt, Greedy(adapters, maxTokens), Cancel)).Text;

    private static async Task<long> CachedAsync(EmbeddedModel model, string prompt, IReadOnlyList<AdapterScale>? adapters) =>
        (await model.CompleteAsync(prompt, Greedy(adapters, 1), Cancel)).Usage.CachedInputTokenCount!.Value;
}
