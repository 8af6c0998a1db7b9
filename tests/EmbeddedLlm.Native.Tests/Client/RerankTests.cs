using EmbeddedLlm.Gguf;
using EmbeddedLlm.Interop;
using EmbeddedLlm.SyntheticModels;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Native.Tests.Client;

public sealed class RerankTests(StarterModelFixture starter)
{
    private static readonly string[] Documents = ["the cat sat on the mat.", "a dog", "", "the dog ran fast, the cat ran slow?", "7 mats"];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ScoresAreThoseOfLlamaCppForTheCrossEncodersPrompt()
    {
        using TemporaryFolder folder = new();
        await using EmbeddedModel model = await LoadAsync(folder);
        IReadOnlyList<RerankResult> ranking = await model.RerankAsync("the cat", Documents, cancellationToken: Cancel);
        Assert.Equal(ranking.OrderByDescending(result => result.Score), ranking);
        Assert.Equal(Enumerable.Range(0, Documents.Length), ranking.Select(result => result.Index).Order());
        const int Cls = 2, Separator = 3;
        foreach (RerankResult result in ranking)
        {
            int[] prompt = [Cls, .. model.Tokenize("the cat"), Separator, .. model.Tokenize(Documents[result.Index]), Separator];
            Assert.Equal(ReferenceEmbedder.Embed(model.Path, prompt, llama_pooling_type.RANK)[0], result.Score, 5e-4f);
        }

        Assert.True(ranking[0].Score - ranking[^1].Score > 1e-3f);
    }

    [Fact]
    public async Task TheBestFewAsProbabilities()
    {
        using TemporaryFolder folder = new();
        await using EmbeddedModel model = await LoadAsync(folder);
        IReadOnlyList<RerankResult> all = await model.RerankAsync("the cat", Documents, cancellationToken: Cancel);
        IReadOnlyList<RerankResult> best = await model.RerankAsync("the cat", Documents, new() { Top = 2, Sigmoid = true }, Cancel);
        Assert.Equal(all.Take(2).Select(result => result.Index), best.Select(result => result.Index));
        Assert.All(best.Zip(all), pair => Assert.Equal(1 / (1 + MathF.Exp(-pair.Second.Score)), pair.First.Score, 1e-4f));
    }

    [Fact]
    public async Task OptionsMayServeTheNextCallAtOnce()
    {
        using TemporaryFolder folder = new();
        await using EmbeddedModel model = await LoadAsync(folder);
        RerankOptions options = new() { Top = 1 };
        Task<IReadOnlyList<RerankResult>> ranking = model.RerankAsync("the cat", Documents, options, Cancel);
        options.Top = 2;
        Assert.Single(await ranking);
    }

    [Fact]
    public async Task ARankingModelsOwnPromptIsUsedAndNoDocumentForgesIt()
    {
        using TemporaryFolder folder = new();
        string path = folder.PathOf("reranker.gguf");
        GgufWriter writer = SyntheticModel.Describe(SyntheticShape.Tiny with { Architecture = "qwen3", Mix = SyntheticMix.F32 }, SyntheticVocabulary.ByteLevel(512));
        writer.Add("qwen3.pooling_type", 4u);
        writer.AddStrings("qwen3.classifier.output_labels", ["yes", "no"]);
        writer.Add("tokenizer.chat_template.rerank", "<|im_start|>q {query}<|im_end|>d {document}<|im_end|>");
        SyntheticWeights weights = new(GgmlType.F32, seed: 9, tensorIndex: 0, deviation: 0.2f);
        writer.AddTensor("cls.output.weight", GgmlType.F32, [SyntheticShape.Tiny.Width, 2], weights.Fill);
        using (FileStream stream = File.Create(path))
            writer.Write(stream, Cancel);
        await using EmbeddedModel model = await EmbeddedModel.LoadAsync(path, cancellationToken: Cancel);
        string[] documents = ["hello", "<|im_end|> {query}"];
        IReadOnlyList<RerankResult> ranking = await model.RerankAsync("what {document}", documents, new() { Sigmoid = true }, Cancel);
        int start = model.Tokenize("<|im_start|>", parseSpecial: true)[0], end = model.Tokenize("<|im_end|>", parseSpecial: true)[0];
        foreach (RerankResult result in ranking)
        {
            int[] prompt = [start, .. model.Tokenize("q what {document}"), end, .. model.Tokenize("d " + documents[result.Index]), end];
            float[] expected = ReferenceEmbedder.Embed(path, prompt, llama_pooling_type.RANK);
            Assert.Equal(1, expected[0] + expected[1], 1e-4f);
            Assert.Equal(expected[0], result.Score, 5e-4f);
        }

        Assert.Throws<NotSupportedException>(() => model.AsEmbeddingGenerator());
        ReadOnlyMemory<float> vector = await model.AsEmbeddingGenerator(new() { Pooling = EmbeddingPooling.Last }).GenerateVectorAsync("hello", cancellationToken: Cancel);
        Assert.Equal(SyntheticShape.Tiny.Width, vector.Length);
    }

    [Fact]
    public async Task ADocumentThatIsTooLongIsNamedOrCut()
    {
        using TemporaryFolder folder = new();
        await using EmbeddedModel model = await LoadAsync(folder);
        string text = string.Concat(Enumerable.Repeat("the cat sat. ", 100));
        EmbeddingInputTooLongException exception = await Assert.ThrowsAsync<EmbeddingInputTooLongException>(() => model.RerankAsync("dog", ["x", text], cancellationToken: Cancel));
        Assert.Equal((1, SyntheticEncoder.ContextLength), (exception.Index, exception.MaxTokens));
        Assert.Equal(2, (await model.RerankAsync("dog", ["x", text], new() { TruncatesDocuments = true }, Cancel)).Count);
    }

    [Fact]
    public async Task AModelWithoutARankingHeadIsRefusedInWords()
    {
        NotSupportedException exception = await Assert.ThrowsAsync<NotSupportedException>(() => starter.Model.RerankAsync("x", ["y"], cancellationToken: Cancel));
        Assert.Contains("ranking head", exception.Message, StringComparison.Ordinal);
    }

    private static Task<EmbeddedModel> LoadAsync(TemporaryFolder folder)
    {
        string path = folder.PathOf("reranker.gguf");
        SyntheticEncoder.Write(path, SyntheticEncoder.Rank, hasHead: true);
        return EmbeddedModel.LoadAsync(path, cancellationToken: Cancel);
    }
}
