using EmbeddedLlm.Gguf;
using EmbeddedLlm.Interop;
using EmbeddedLlm.SyntheticModels;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace EmbeddedLlm.Native.Tests.Client;

public sealed class EmbeddingTests(StarterModelFixture starter)
{
    private static readonly string[] Texts = ["The cat sat.", "A dog ran fast, and the cat ran slow.", "1 + 1", "x", "Count to five.", "Where does Ana live?"];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static string Starter => Path.Combine(AppContext.BaseDirectory, "models", "starter.gguf");

    [Fact]
    public async Task VectorsHaveALengthOfOneAndTheModelsDimensions()
    {
        GeneratedEmbeddings<Embedding<float>> embeddings = await starter.Model.AsEmbeddingGenerator().GenerateAsync(Texts, cancellationToken: Cancel);
        Assert.Equal(Texts.Length, embeddings.Count);
        Assert.All(embeddings, embedding =>
        {
            Assert.Equal(starter.Model.Info.EmbeddingLength, embedding.Vector.Length);
            Assert.Equal(1, LengthOf(embedding.Vector), 1e-5);
            Assert.Equal("starter", embedding.ModelId);
        });
        Assert.Equal(Texts.Sum(text => starter.Model.Tokenize(text).Length), embeddings.Usage!.InputTokenCount);
    }

    [Theory]
    [InlineData(EmbeddingPooling.Mean, llama_pooling_type.MEAN)]
    [InlineData(EmbeddingPooling.Cls, llama_pooling_type.CLS)]
    [InlineData(EmbeddingPooling.Last, llama_pooling_type.LAST)]
    public async Task ADecodersVectorIsTheOneLlamaCppGives(EmbeddingPooling pooling, object native)
    {
        EmbeddingOptions options = new() { Pooling = pooling, Normalizes = false };
        GeneratedEmbeddings<Embedding<float>> embeddings = await starter.Model.AsEmbeddingGenerator(options).GenerateAsync(Texts, cancellationToken: Cancel);
        for (int i = 0; i < Texts.Length; i++)
            AssertClose(ReferenceEmbedder.Embed(Starter, Texts[i], (llama_pooling_type)native), embeddings[i].Vector);
    }

    [Fact]
    public async Task ManyInputsGetEachTheVectorTheyGetAlone()
    {
        IEmbeddingGenerator<string, Embedding<float>> generator = starter.Model.AsEmbeddingGenerator();
        string[] texts = [.. Enumerable.Range(0, 200).Select(i => string.Concat(Enumerable.Repeat($"{i} is a number. ", 1 + (i % 7))))];
        GeneratedEmbeddings<Embedding<float>> together = await generator.GenerateAsync(texts, cancellationToken: Cancel);
        for (int i = 0; i < texts.Length; i += 13)
            AssertClose((await generator.GenerateVectorAsync(texts[i], cancellationToken: Cancel)).ToArray(), together[i].Vector);
    }

    [Theory]
    [InlineData(EmbeddingPooling.Mean)]
    [InlineData(EmbeddingPooling.Cls)]
    [InlineData(EmbeddingPooling.Last)]
    public async Task AnInputThatIsLongerThanABatchGetsTheVectorOfTheWhole(EmbeddingPooling pooling)
    {
        string text = string.Concat(Enumerable.Range(0, 60).Select(i => $"Ana is {i} years old. "));
        await using EmbeddedModel small = await EmbeddedModel.LoadAsync("starter", new() { BatchSize = 32 }, cancellationToken: Cancel);
        Assert.InRange(small.Tokenize(text).Length, 100, 511);
        EmbeddingOptions options = new() { Pooling = pooling };
        ReadOnlyMemory<float> whole = await starter.Model.AsEmbeddingGenerator(options).GenerateVectorAsync(text, cancellationToken: Cancel);
        GeneratedEmbeddings<Embedding<float>> inPieces = await small.AsEmbeddingGenerator(options).GenerateAsync(["x", text, "y"], cancellationToken: Cancel);
        AssertClose(whole.ToArray(), inPieces[1].Vector);
    }

    /// <summary>llama.cpp ends the process where the tokens of a batch cannot be dealt out evenly to its sequences.</summary>
    [Theory]
    [InlineData(9, false)]
    [InlineData(65, false)]
    [InlineData(257, false)]
    [InlineData(9, true)]
    [InlineData(257, true)]
    public async Task ABatchMayHaveAnyLength(int batchSize, bool isEncoder)
    {
        using TemporaryFolder folder = new();
        string path = isEncoder ? folder.PathOf("bert.gguf") : "starter";
        if (isEncoder)
            SyntheticEncoder.Write(path, SyntheticEncoder.Mean);
        string[] texts = [.. Enumerable.Range(1, 30).Select(i => string.Concat(Enumerable.Repeat("cat ", i)))];
        await using EmbeddedModel usual = await EmbeddedModel.LoadAsync(path, cancellationToken: Cancel);
        await using EmbeddedModel model = await EmbeddedModel.LoadAsync(path, new() { BatchSize = batchSize }, cancellationToken: Cancel);
        foreach (int? most in new int?[] { null, 101 })
        {
            EmbeddingOptions options = new() { Pooling = EmbeddingPooling.Mean, MaxInputTokens = most };
            GeneratedEmbeddings<Embedding<float>> expected = await usual.AsEmbeddingGenerator(options).GenerateAsync(texts, cancellationToken: Cancel);
            GeneratedEmbeddings<Embedding<float>> actual = await model.AsEmbeddingGenerator(options).GenerateAsync(texts, cancellationToken: Cancel);
            for (int i = 0; i < texts.Length; i++)
                AssertClose(expected[i].Vector.ToArray(), actual[i].Vector);
        }
    }

    [Theory]
    [InlineData(SyntheticEncoder.Mean, llama_pooling_type.MEAN)]
    [InlineData(SyntheticEncoder.Cls, llama_pooling_type.CLS)]
    public async Task AnEncodersVectorIsTheOneLlamaCppGives(uint pooling, object native)
    {
        using TemporaryFolder folder = new();
        string path = folder.PathOf("bert.gguf");
        SyntheticEncoder.Write(path, pooling);
        await using EmbeddedModel model = await EmbeddedModel.LoadAsync(path, cancellationToken: Cancel);
        string[] texts = ["the cat sat on the mat.", "a dog", "", "The DOG ran fast, the cat ran slow?"];
        GeneratedEmbeddings<Embedding<float>> embeddings = await model.AsEmbeddingGenerator(new() { Normalizes = false }).GenerateAsync(texts, cancellationToken: Cancel);
        for (int i = 0; i < texts.Length; i++)
            AssertClose(ReferenceEmbedder.Embed(path, texts[i], (llama_pooling_type)native), embeddings[i].Vector);
    }

    [Fact]
    public async Task AnEncoderMakesNoText()
    {
        using TemporaryFolder folder = new();
        string path = folder.PathOf("bert.gguf");
        SyntheticEncoder.Write(path, SyntheticEncoder.Mean);
        await using EmbeddedModel model = await EmbeddedModel.LoadAsync(path, cancellationToken: Cancel);
        Assert.Contains("encoder", Assert.Throws<NotSupportedException>(() => model.AsChatClient()).Message, StringComparison.Ordinal);
        await model.DrainAsync(Cancel);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => model.AsEmbeddingGenerator().GenerateAsync(["x"], cancellationToken: Cancel));
    }

    [Fact]
    public async Task ThePoolingAndTheEndOfTheModelsFileAreUsed()
    {
        using TemporaryFolder folder = new();
        string path = folder.PathOf("last.gguf");
        GgufWriter writer = SyntheticModel.Describe(SyntheticShape.Tiny with { Architecture = "qwen3", Mix = SyntheticMix.F32 }, SyntheticVocabulary.ByteLevel(512));
        writer.Add("qwen3.pooling_type", 3u);
        writer.Add("tokenizer.ggml.add_eos_token", true);
        using (FileStream stream = File.Create(path))
            writer.Write(stream, Cancel);
        await using EmbeddedModel model = await EmbeddedModel.LoadAsync(path, cancellationToken: Cancel);
        GeneratedEmbeddings<Embedding<float>> embeddings = await model.AsEmbeddingGenerator(new() { Normalizes = false }).GenerateAsync(["hello world", ""], cancellationToken: Cancel);
        int end = model.Tokenize("<|im_end|>", parseSpecial: true)[0];
        AssertClose(ReferenceEmbedder.Embed(path, [.. model.Tokenize("hello world"), end], llama_pooling_type.LAST), embeddings[0].Vector);
        AssertClose(ReferenceEmbedder.Embed(path, [end], llama_pooling_type.LAST), embeddings[1].Vector);
    }

    [Fact]
    public async Task AnInputThatIsTooLongIsNamedWithBothCounts()
    {
        IEmbeddingGenerator<string, Embedding<float>> generator = starter.Model.AsEmbeddingGenerator(new() { MaxInputTokens = 10 });
        string text = string.Concat(Enumerable.Repeat("cat ", 30));
        EmbeddingInputTooLongException exception = await Assert.ThrowsAsync<EmbeddingInputTooLongException>(() => generator.GenerateAsync(["x", text], cancellationToken: Cancel));
        Assert.Equal((1, starter.Model.Tokenize(text).Length, 10), (exception.Index, exception.Tokens, exception.MaxTokens));
    }

    [Fact]
    public async Task ATruncatedInputKeepsTheTokensAroundIt()
    {
        using TemporaryFolder folder = new();
        string path = folder.PathOf("bert.gguf");
        SyntheticEncoder.Write(path, SyntheticEncoder.Mean);
        await using EmbeddedModel model = await EmbeddedModel.LoadAsync(path, cancellationToken: Cancel);
        string text = string.Concat(Enumerable.Repeat("the cat sat. ", 100));
        GeneratedEmbeddings<Embedding<float>> embeddings = await model.AsEmbeddingGenerator(new() { TruncatesInputs = true, Normalizes = false }).GenerateAsync([text], cancellationToken: Cancel);
        int[] kept = [2, .. model.Tokenize(text)[..(SyntheticEncoder.ContextLength - 2)], 3];
        AssertClose(ReferenceEmbedder.Embed(path, kept, llama_pooling_type.MEAN), embeddings[0].Vector);
        Assert.Equal(SyntheticEncoder.ContextLength, embeddings.Usage!.InputTokenCount);
    }

    [Fact]
    public async Task MoreTokensThanTheModelWasTrainedWithAreRefused()
    {
        using TemporaryFolder folder = new();
        string path = folder.PathOf("bert.gguf");
        SyntheticEncoder.Write(path, SyntheticEncoder.Mean);
        await using EmbeddedModel model = await EmbeddedModel.LoadAsync(path, cancellationToken: Cancel);
        EmbeddingOptions options = new() { MaxInputTokens = SyntheticEncoder.ContextLength + 1 };
        Assert.Contains("MaxInputTokens", Assert.Throws<ArgumentOutOfRangeException>(() => model.AsEmbeddingGenerator(options)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task FewerDimensionsAreTheFirstOnesAtLengthOne()
    {
        IEmbeddingGenerator<string, Embedding<float>> generator = starter.Model.AsEmbeddingGenerator();
        float[] whole = (await generator.GenerateVectorAsync("The cat sat.", cancellationToken: Cancel)).ToArray();
        ReadOnlyMemory<float> part = await generator.GenerateVectorAsync("The cat sat.", new() { Dimensions = 13 }, Cancel);
        double length = LengthOf(whole.AsMemory(0, 13));
        AssertClose([.. whole[..13].Select(value => (float)(value / length))], part);
        await Assert.ThrowsAsync<NotSupportedException>(() => generator.GenerateAsync(["x"], new() { Dimensions = whole.Length + 1 }, Cancel));
    }

    [Fact]
    public async Task AnEmptyInputThatHasNoTokensIsNamed()
    {
        ArgumentException exception = await Assert.ThrowsAsync<ArgumentException>(() => starter.Model.AsEmbeddingGenerator().GenerateAsync(["x", ""], cancellationToken: Cancel));
        Assert.Contains("Input 1", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task NothingGivesNothing()
    {
        GeneratedEmbeddings<Embedding<float>> embeddings = await starter.Model.AsEmbeddingGenerator().GenerateAsync([], cancellationToken: Cancel);
        Assert.Empty(embeddings);
        Assert.Equal(0, embeddings.Usage!.InputTokenCount);
    }

    [Fact]
    public async Task CallersAtOnceGetEachTheirVectorsInOrder()
    {
        IEmbeddingGenerator<string, Embedding<float>> generator = starter.Model.AsEmbeddingGenerator();
        GeneratedEmbeddings<Embedding<float>> expected = await generator.GenerateAsync(Texts, cancellationToken: Cancel);
        GeneratedEmbeddings<Embedding<float>>[] all = await Task.WhenAll(Enumerable.Range(0, 32).Select(caller =>
            generator.GenerateAsync(Enumerable.Range(0, Texts.Length).Select(i => Texts[(caller + i) % Texts.Length]), cancellationToken: Cancel)));
        for (int caller = 0; caller < all.Length; caller++)
        {
            for (int i = 0; i < Texts.Length; i++)
                AssertClose(expected[(caller + i) % Texts.Length].Vector.ToArray(), all[caller][i].Vector);
        }
    }

    [Fact]
    public async Task ChatsAndEmbeddingsRunAtOnce()
    {
        IEmbeddingGenerator<string, Embedding<float>> generator = starter.Model.AsEmbeddingGenerator();
        Task<ChatResponse> chat = starter.Chat.GetResponseAsync("Count to five.", cancellationToken: Cancel);
        await generator.GenerateAsync(Texts, cancellationToken: Cancel);
        Assert.Equal("1, 2, 3, 4, 5.", (await chat).Text);
    }

    [Fact]
    public async Task CancellationEndsARequestThatRuns()
    {
        IEmbeddingGenerator<string, Embedding<float>> generator = starter.Model.AsEmbeddingGenerator();
        await generator.GenerateAsync(["x"], cancellationToken: Cancel);
        using CancellationTokenSource source = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        string text = string.Concat(Enumerable.Repeat("The cat sat. ", 60));
        Task<GeneratedEmbeddings<Embedding<float>>> running = generator.GenerateAsync(Enumerable.Repeat(text, 2000), cancellationToken: source.Token);
        await generator.GenerateAsync(["x"], cancellationToken: Cancel);
        await source.CancelAsync();
        OperationCanceledException exception = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        Assert.Equal(source.Token, exception.CancellationToken);
        Assert.Equal(1, LengthOf(await generator.GenerateVectorAsync("still there", cancellationToken: Cancel)), 1e-5);
    }

    [Fact]
    public async Task DisposalEndsARequestThatRuns()
    {
        EmbeddedModel model = await EmbeddedModel.LoadAsync("starter", cancellationToken: Cancel);
        IEmbeddingGenerator<string, Embedding<float>> generator = model.AsEmbeddingGenerator();
        await generator.GenerateAsync(["x"], cancellationToken: Cancel);
        string text = string.Concat(Enumerable.Repeat("The cat sat. ", 60));
        Task<GeneratedEmbeddings<Embedding<float>>> running = generator.GenerateAsync(Enumerable.Repeat(text, 2000), cancellationToken: Cancel);
        await generator.GenerateAsync(["x"], cancellationToken: Cancel);
        await model.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => running);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => generator.GenerateAsync(["x"], cancellationToken: Cancel));
    }

    [Fact]
    public async Task ARequestThatTakesTooLongEndsWithItsTimeLimit()
    {
        await using EmbeddedModel model = await EmbeddedModel.LoadAsync("starter", new() { RequestTimeout = TimeSpan.FromMilliseconds(1) }, cancellationToken: Cancel);
        string text = string.Concat(Enumerable.Repeat("The cat sat. ", 60));
        await Assert.ThrowsAsync<TimeoutException>(() => model.AsEmbeddingGenerator().GenerateAsync(Enumerable.Repeat(text, 500), cancellationToken: Cancel));
    }

    /// <summary>One token's embedding is NaN, as numbers that overflow are in the end. Who comes later, or at once, gets the vector that a whole model would give.</summary>
    [Theory]
    [InlineData("qwen2")]
    [InlineData("gemma2")]
    [InlineData("mamba2")]
    [InlineData("granitehybrid")]
    [InlineData("lfm2")]
    [InlineData("bert")]
    public async Task NumbersThatAreNoneReachNoOtherInput(string architecture)
    {
        using TemporaryFolder folder = new();
        string path = folder.PathOf(architecture + ".gguf");
        if (architecture == "bert")
            SyntheticEncoder.Write(path, SyntheticEncoder.Mean);
        else
            SyntheticModel.Write(path, SyntheticShape.TinyOf(architecture) with { Mix = SyntheticMix.F32 }, SyntheticVocabulary.ByteLevel(300));
        int poison;
        await using (EmbeddedModel healthy = await EmbeddedModel.LoadAsync(path, cancellationToken: Cancel))
            poison = healthy.Tokenize("9").Single();
        DamagedModel.BreakEmbedding(path, poison);
        string[] texts = ["the cat", "a dog ran", "slow"];
        foreach (bool usesKernel in (bool[])[true, false])
        {
            EmbeddedModelOptions options = new() { Threads = 1, ContextLength = 128, GpuLayers = 0, FlashAttention = usesKernel };
            await using EmbeddedModel model = await EmbeddedModel.LoadAsync(path, options, cancellationToken: Cancel);
            IEmbeddingGenerator<string, Embedding<float>> generator = model.AsEmbeddingGenerator();
            GeneratedEmbeddings<Embedding<float>> before = await generator.GenerateAsync(texts, cancellationToken: Cancel);
            await Assert.ThrowsAsync<DecodeException>(() => generator.GenerateAsync(["9"], cancellationToken: Cancel));
            await AssertSameAsync();
            Task<GeneratedEmbeddings<Embedding<float>>>[] bad = [.. Enumerable.Range(0, 20).Select(_ => generator.GenerateAsync(["cat", "9 dogs"], cancellationToken: Cancel))];
            await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => AssertSameAsync()));
            foreach (Task task in bad)
                await Assert.ThrowsAsync<DecodeException>(() => task);
            await AssertSameAsync();

            async Task AssertSameAsync()
            {
                GeneratedEmbeddings<Embedding<float>> after = await generator.GenerateAsync(texts, cancellationToken: Cancel);
                for (int i = 0; i < texts.Length; i++)
                    AssertClose(before[i].Vector.ToArray(), after[i].Vector);
            }
        }
    }

    [Fact]
    public void ServicesAreAnswered()
    {
        IEmbeddingGenerator<string, Embedding<float>> generator = starter.Model.AsEmbeddingGenerator();
        EmbeddingGeneratorMetadata metadata = generator.GetRequiredService<EmbeddingGeneratorMetadata>();
        Assert.Equal(("embeddedllm", "starter", starter.Model.Info.EmbeddingLength), (metadata.ProviderName, metadata.DefaultModelId, metadata.DefaultModelDimensions));
        Assert.Same(starter.Model, generator.GetService<EmbeddedModel>());
        Assert.Null(generator.GetService(typeof(IEmbeddingGenerator), "key"));
    }

    [Fact]
    public async Task AContainerLoadsTheModelWithTheFirstRequestAndFreesIt()
    {
        ServiceProvider services = new ServiceCollection().AddEmbeddedLlmEmbeddings("starter", options: new() { Pooling = EmbeddingPooling.Last }).BuildServiceProvider();
        IEmbeddingGenerator<string, Embedding<float>> generator = services.GetRequiredService<IEmbeddingGenerator<string, Embedding<float>>>();
        Assert.Null(generator.GetService<EmbeddedModel>());
        Assert.Equal(1, LengthOf(await generator.GenerateVectorAsync("x", cancellationToken: Cancel)), 1e-5);
        EmbeddedModel model = generator.GetRequiredService<EmbeddedModel>();
        await services.DisposeAsync();
        Assert.Throws<ObjectDisposedException>(() => model.Tokenize("x"));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => generator.GenerateAsync(["x"], cancellationToken: Cancel));
    }

    [Fact]
    public async Task AContainersGeneratorHasTheOptionsThatItWasRegisteredWith()
    {
        EmbeddingOptions options = new();
        await using ServiceProvider services = new ServiceCollection().AddEmbeddedLlmEmbeddings("starter", options: options).BuildServiceProvider();
        options.Normalizes = false;
        options.MaxInputTokens = -1;
        Assert.Equal(1, LengthOf(await services.GetRequiredService<IEmbeddingGenerator<string, Embedding<float>>>().GenerateVectorAsync("x", cancellationToken: Cancel)), 1e-5);
    }

    private static double LengthOf(ReadOnlyMemory<float> vector) => Math.Sqrt(vector.ToArray().Sum(value => (double)value * value));

    /// <summary>Batches of other sizes go through kernels that sum in another order, so vectors are the same but for rounding.</summary>
    private static void AssertClose(float[] expected, ReadOnlyMemory<float> actual)
    {
        double scale = LengthOf(expected), distance = LengthOf(expected.Zip(actual.ToArray(), (left, right) => left - right).ToArray());
        Assert.Equal(expected.Length, actual.Length);
        Assert.True(scale > 0 && distance / scale < 2e-3, $"The vectors differ by {distance / scale:E2} of their length.");
    }
}
