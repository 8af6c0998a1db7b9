using EmbeddedLlm.Catalog;
using EmbeddedLlm.Gguf;

namespace EmbeddedLlm.Native.Tests.Catalog;

/// <summary>A hub, a store, and a file to move between them.</summary>
public abstract class PullTestBase : IAsyncLifetime
{
    private protected const string Repository = "someone/Tiny-GGUF";
    private protected const string FileName = "Tiny-Q4_K_M.gguf";
    private protected const string Source = $"hf:{Repository}:Q4_K_M";

    private protected HubServer Server { get; private set; } = null!;

    private protected TemporaryFolder Folder { get; } = new();

    private protected byte[] Content { get; } = CreateModel(3 << 20);

    /// <summary>The pulled file's path.</summary>
    private protected string FilePath => Path.Combine([Folder.Path, "models", "hf", .. Repository.Split('/'), FileName]);

    private protected string PartialPath => FilePath + ".partial";

    private protected CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        Server = await HubServer.StartAsync();
        Server.Add($"{Repository}/{FileName}", Content);
    }

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        Folder.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>A store that does not let a test wait.</summary>
    private protected ModelStore CreateStore(Action<ModelStoreOptions>? configure = null, Func<DownloadSettings, DownloadSettings>? change = null)
    {
        ModelStoreOptions options = new() { Folder = Folder.Path, Endpoint = Server.Address, StallTimeout = TimeSpan.FromSeconds(20) };
        configure?.Invoke(options);
        DownloadSettings settings = new() { RetryDelay = TimeSpan.FromMilliseconds(1), SmallestSegment = 1 << 18, JournalInterval = 1 << 16 };
        return new ModelStore(options, ModelCatalog.Default, change?.Invoke(settings) ?? settings);
    }

    private protected void AssertNothingIsPulled()
    {
        Assert.False(File.Exists(FilePath));
        Assert.Null(CreateStore().Find(Source));
    }

    private protected async Task AssertPulledAsync(ModelStore store, byte[]? expected = null)
    {
        StoredModel model = await store.PullAsync(Source, cancellationToken: Cancellation);
        Assert.Equal(expected ?? Content, await File.ReadAllBytesAsync(model.Path, Cancellation));
        Assert.Equal([FileName, FileName + ".json"], Directory.EnumerateFiles(Path.GetDirectoryName(FilePath)!).Select(Path.GetFileName).Order());
    }

    private protected async Task AssertRefusedAsync(string message, bool listsSize = true)
    {
        string source = listsSize ? Source : new Uri(Server.Address, $"/cdn/{Repository}/{FileName}").AbsoluteUri;
        ModelDownloadException exception = await Assert.ThrowsAsync<ModelDownloadException>(() => CreateStore().PullAsync(source, cancellationToken: Cancellation));
        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
        AssertNothingIsPulled();
        Assert.Null(CreateStore().Find(source));
    }

    /// <summary>A GGUF file with one tensor of random bytes.</summary>
    /// <param name="bytes">The tensor's size.</param>
    /// <param name="part">Which of how many files it is.</param>
    private protected static byte[] CreateModel(int bytes, (int Number, int Count)? part = null)
    {
        GgufWriter writer = new();
        writer.Add("general.architecture", "llama");
        if (part is var (number, count))
        {
            writer.Add("split.no", (ushort)(number - 1));
            writer.Add("split.count", (ushort)count);
        }

        byte[] data = new byte[bytes];
        new Random(bytes + (part?.Number ?? 0)).NextBytes(data);
        writer.AddTensor($"tensor{part?.Number}", GgmlType.F32, [bytes / sizeof(float)], data);
        using MemoryStream stream = new();
        writer.Write(stream);
        return stream.ToArray();
    }
}
