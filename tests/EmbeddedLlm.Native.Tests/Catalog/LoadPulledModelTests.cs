using EmbeddedLlm.Native.Tests.Interop;
using EmbeddedLlm.SyntheticModels;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Native.Tests.Catalog;

/// <summary>Models that are loaded by what they are pulled by.</summary>
public sealed class LoadPulledModelTests : PullTestBase
{
    private const string StarterSource = "hf:someone/Starter-GGUF:Q8_0";

    [Fact]
    public async Task AMissingModelIsDownloadedWhereTheOptionsSaySo()
    {
        AddStarter();
        await using EmbeddedModel model = await EmbeddedModel.LoadAsync(StarterSource, Options(ModelDownload.IfMissing), cancellationToken: Cancellation);
        using IChatClient chat = model.AsChatClient();
        Assert.NotEmpty((await chat.GetResponseAsync("Hello.", cancellationToken: Cancellation)).Text);
    }

    [Fact]
    public async Task APulledModelIsLoadedWithoutAServer()
    {
        AddStarter();
        StoredModel stored = await CreateStore().PullAsync(StarterSource, cancellationToken: Cancellation);
        int requests = Server.Requests.Count;
        await using EmbeddedModel model = await EmbeddedModel.LoadAsync(StarterSource, Options(ModelDownload.Never), cancellationToken: Cancellation);
        Assert.Equal(stored.Path, model.Path);
        Assert.Equal(requests, Server.Requests.Count);
    }

    [Theory]
    [InlineData(StarterSource)]
    [InlineData("qwen2.5-0.5b-instruct")]
    [InlineData("qwen2.5-0.5b-instruct:q8_0")]
    public async Task NothingIsDownloadedBySurprise(string name)
    {
        AddStarter();
        ModelLoadException exception = await Assert.ThrowsAsync<ModelLoadException>(() => EmbeddedModel.LoadAsync(name, Options(ModelDownload.Never), cancellationToken: Cancellation));
        Assert.Contains($"Get it with 'embeddedllm pull {name}'", exception.Message, StringComparison.Ordinal);
        Assert.Empty(Server.Requests);
    }

    [Fact]
    public async Task AModelOfTheUsersCatalogueIsLoadedByItsName()
    {
        AddStarter();
        Folder.Write("models.json", """
            {
              "version": 1,
              "models": [{
                "name": "mine", "description": "", "repository": "someone/Starter-GGUF", "variants": [{ "quantisation": "Q8_0" }],
                "parameters": 1, "contextLength": 512, "license": "MIT", "sampling": { "temperature": 0 }
              }]
            }
            """u8);
        await using EmbeddedModel model = await EmbeddedModel.LoadAsync("Mine", Options(ModelDownload.IfMissing), cancellationToken: Cancellation);
        Assert.Equal("mine", model.Id);
        Assert.Equal("mine", Assert.Single(await CreateStore().ListAsync(Cancellation)).Name);
    }

    [Fact]
    public async Task APlanLooksWhereALoadWouldLook()
    {
        AddStarter();
        await CreateStore().PullAsync(StarterSource, cancellationToken: Cancellation);
        Assert.True((await EmbeddedModel.PlanAsync(StarterSource, Options(ModelDownload.Never), Cancellation)).TotalBytes > 1 << 20);
    }

    [Fact]
    public async Task TheUsersCatalogueIsRecommendedFrom()
    {
        Folder.Write("models.json", """
            {
              "version": 1,
              "models": [{
                "name": "mine", "description": "", "repository": "someone/Starter-GGUF", "variants": [{ "quantisation": "Q8_0" }],
                "parameters": 1000, "contextLength": 512, "license": "MIT"
              }]
            }
            """u8);
        IReadOnlyList<ModelRecommendation> models = await EmbeddedModel.RecommendAsync(Options(ModelDownload.Never), Cancellation);
        Assert.Contains(models, model => model is { Name: "mine", Parameters: 1000, IsEstimate: true });
        Assert.Contains(models, model => model.Name == "starter");
    }

    /// <summary>One that was cut short keeps nobody from hearing of the others.</summary>
    [Fact]
    public async Task ADamagedModelIsRecommendedAsOneThatIsNotThere()
    {
        AddStarter();
        Folder.Write("models.json", """
            {
              "version": 1,
              "models": [{
                "name": "mine", "description": "", "repository": "someone/Starter-GGUF", "variants": [{ "quantisation": "Q8_0" }],
                "parameters": 1000, "contextLength": 512, "license": "MIT"
              }]
            }
            """u8);
        string path = (await CreateStore().PullAsync("mine", cancellationToken: Cancellation)).Path;
        Assert.Contains(await EmbeddedModel.RecommendAsync(Options(ModelDownload.Never), Cancellation), model => model is { Name: "mine", IsEstimate: false });
        await File.WriteAllBytesAsync(path, (await File.ReadAllBytesAsync(path, Cancellation))[..1000], Cancellation);
        IReadOnlyList<ModelRecommendation> models = await EmbeddedModel.RecommendAsync(Options(ModelDownload.Never), Cancellation);
        Assert.Contains(models, model => model is { Name: "mine", IsEstimate: true });
        Assert.Contains(models, model => model.Name == "starter");
    }

    [Fact]
    public async Task AModelThatCannotHaveTheCacheAskedForIsNotRecommended()
    {
        string path = Folder.PathOf("tiny.gguf");
        SyntheticModel.Write(path, SyntheticShape.Tiny, SyntheticVocabulary.ByteLevel(300));
        Server.Add("someone/Starter-GGUF/starter-Q8_0.gguf", await File.ReadAllBytesAsync(path, Cancellation));
        Folder.Write("models.json", """
            {
              "version": 1,
              "models": [{
                "name": "mine", "description": "", "repository": "someone/Starter-GGUF", "variants": [{ "quantisation": "Q8_0" }],
                "parameters": 1000, "contextLength": 512, "license": "MIT"
              }]
            }
            """u8);
        await CreateStore().PullAsync("mine", cancellationToken: Cancellation);
        EmbeddedModelOptions options = Options(ModelDownload.Never);
        Assert.Contains(await EmbeddedModel.RecommendAsync(options, Cancellation), model => model is { Name: "mine", IsEstimate: false });
        options.KeyCacheType = KvCacheType.Q8_0;
        IReadOnlyList<ModelRecommendation> models = await EmbeddedModel.RecommendAsync(options, Cancellation);
        Assert.DoesNotContain(models, model => model.Name == "mine");
        Assert.Contains(models, model => model.Name == "starter");
    }

    [Fact]
    public async Task OfflineNoAddressIsPlanned()
    {
        AddStarter();
        EmbeddedModelOptions options = Options(ModelDownload.Never);
        string address = new Uri(Server.Address, "/someone/Starter-GGUF/resolve/main/starter-Q8_0.gguf").AbsoluteUri;
        Assert.True((await EmbeddedModel.PlanAsync(address, options, Cancellation)).TotalBytes > 1 << 20);
        int requests = Server.Requests.Count;
        options.Store!.Offline = true;
        ModelDownloadException exception = await Assert.ThrowsAsync<ModelDownloadException>(() => EmbeddedModel.PlanAsync(address, options, Cancellation));
        Assert.Contains("offline mode", exception.Message, StringComparison.Ordinal);
        Assert.Equal(requests, Server.Requests.Count);
    }

    [Fact]
    public async Task AChecksumOfTheUsersCatalogueGoesBeforeTheHubs()
    {
        AddStarter();
        Folder.Write("models.json", System.Text.Encoding.UTF8.GetBytes($$"""
            {
              "version": 1,
              "models": [{
                "name": "mine", "description": "", "repository": "someone/Starter-GGUF", "variants": [{ "quantisation": "Q8_0", "sha256": "{{new string('c', 64)}}" }],
                "parameters": 1, "contextLength": 512, "license": "MIT"
              }]
            }
            """));
        ModelDownloadException exception = await Assert.ThrowsAsync<ModelDownloadException>(() => CreateStore().PullAsync("mine", cancellationToken: Cancellation));
        Assert.Contains("is not the one in the catalogue", exception.Message, StringComparison.Ordinal);
        Assert.Empty(Server.Contents);
    }

    private void AddStarter() => Server.Add("someone/Starter-GGUF/starter-Q8_0.gguf", File.ReadAllBytes(TestPaths.Starter));

    private EmbeddedModelOptions Options(ModelDownload download) => new() { Download = download, Store = new ModelStoreOptions { Folder = Folder.Path, Endpoint = Server.Address } };
}
