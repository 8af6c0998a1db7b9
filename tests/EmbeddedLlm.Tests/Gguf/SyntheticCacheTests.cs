using EmbeddedLlm.Gguf;
using EmbeddedLlm.SyntheticModels;

namespace EmbeddedLlm.Tests.Gguf;

public sealed class SyntheticCacheTests : IDisposable
{
    private static readonly SyntheticChoice Tiny = new(new SyntheticPreset("tiny", SyntheticShape.Tiny, 300, "qwen2", 0), SyntheticMix.Q8_0);

    private readonly string _folder = Path.Combine(Path.GetTempPath(), $"embeddedllm-{Guid.NewGuid():N}");
    private readonly List<string> _reports = [];

    private SyntheticCache Cache => new(_folder, line =>
    {
        lock (_reports)
            _reports.Add(line);
    });

    public void Dispose()
    {
        if (Directory.Exists(_folder))
            Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void ModelIsWrittenOnceAndIsWhole()
    {
        string path = Cache.GetOrWrite(Tiny, vocabularyPath: null);

        Assert.Equal(path, Cache.GetOrWrite(Tiny, vocabularyPath: null));
        Assert.Contains("GB/s", Assert.Single(_reports), StringComparison.Ordinal);
        Assert.Equal([path], Directory.GetFiles(_folder));
        Assert.Equal(SyntheticModel.LengthOf(SyntheticModel.Describe(Tiny.Shape, Tiny.Preset.CreateVocabulary())), new FileInfo(path).Length);
        GgufModelValidator.Validate(GgufFile.Open(path));
    }

    [Fact]
    public void NameHoldsAllThatTheBytesDependOn()
    {
        SyntheticChoice[] choices = [Tiny, Tiny with { Mix = SyntheticMix.F16 }, Tiny with { Preset = Tiny.Preset with { Name = "other" } }];
        string[] paths = [.. choices.SelectMany(choice => new[] { Cache.PathOf(choice, null), Cache.PathOf(choice, "ggml-vocab-qwen2.gguf") })];

        Assert.Equal(6, paths.Distinct().Count());
        Assert.Equal($"tiny-q8_0-generated-v{SyntheticCache.Version}.gguf", Path.GetFileName(paths[0]));
        Assert.Equal($"tiny-q8_0-qwen2-v{SyntheticCache.Version}.gguf", Path.GetFileName(paths[1]));
    }

    [Fact]
    public async Task ManyMayAskAtOnce()
    {
        string[] paths = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => Cache.GetOrWrite(Tiny, vocabularyPath: null), TestContext.Current.CancellationToken)));

        Assert.Equal([paths.Distinct().Single()], Directory.GetFiles(_folder));
        GgufModelValidator.Validate(GgufFile.Open(paths[0]));
    }

    [Fact]
    public void ModelThatDoesNotFitIsRefusedBeforeItIsWritten()
    {
        SyntheticChoice huge = Tiny with { Preset = Tiny.Preset with { Shape = SyntheticShape.Tiny with { Width = 1 << 20, FeedForward = 1 << 29 } } };

        IOException exception = Assert.Throws<IOException>(() => Cache.GetOrWrite(huge, vocabularyPath: null));

        Assert.Contains("TMPDIR", exception.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(_folder));
    }

    [Fact]
    public void WhenItIsCancelledNothingIsLeft()
    {
        Assert.Throws<OperationCanceledException>(() => Cache.GetOrWrite(Tiny, vocabularyPath: null, new CancellationToken(canceled: true)));
        Assert.Empty(Directory.GetFiles(_folder));
    }

    [Fact]
    public void TemporaryModelGoesWithWhatWasMadeBesideIt()
    {
        using (SyntheticPartialFile file = Cache.WritePartial(Tiny, vocabularyPath: null))
        {
            Assert.True(File.Exists(file.Path));
            File.WriteAllText(file.Path + ".more", "");
        }

        Assert.Empty(Directory.GetFiles(_folder));
    }

    [Fact]
    public void OnlyOldLeftoversAreDeleted()
    {
        string old = Leftover("old", TimeSpan.FromDays(2)), young = Leftover("young", TimeSpan.FromMinutes(5));

        string path = Cache.GetOrWrite(Tiny, vocabularyPath: null);

        Assert.Equal(new[] { path, young }.Order(), Directory.GetFiles(_folder).Order());
        Assert.False(File.Exists(old));
    }

    [Fact]
    public void VocabularyOfAnotherSizeIsRefused()
    {
        string vocabulary = Cache.GetOrWrite(Tiny, vocabularyPath: null);
        SyntheticChoice other = Tiny with { Preset = Tiny.Preset with { TokenCount = 301 } };

        Assert.Throws<ArgumentException>(() => Cache.GetOrWrite(other, vocabulary));
    }

    private string Leftover(string name, TimeSpan age)
    {
        Directory.CreateDirectory(_folder);
        string path = Path.Combine(_folder, $"{name}.partial");
        File.WriteAllText(path, "");
        File.SetLastWriteTimeUtc(path, DateTime.UtcNow - age);
        return path;
    }
}
