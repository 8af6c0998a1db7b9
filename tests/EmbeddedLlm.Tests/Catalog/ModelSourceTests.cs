using EmbeddedLlm.Catalog;

namespace EmbeddedLlm.Tests.Catalog;

public sealed class ModelSourceTests
{
    private static readonly Uri Endpoint = new("https://hub.example");

    [Theory]
    [InlineData("hf:Qwen/Qwen3-8B-GGUF", "hf/Qwen/Qwen3-8B-GGUF", "hf:Qwen/Qwen3-8B-GGUF")]
    [InlineData("HF:Qwen/Qwen3-8B-GGUF:q8_0", "hf/Qwen/Qwen3-8B-GGUF", "hf:Qwen/Qwen3-8B-GGUF:Q8_0")]
    [InlineData("hf:a/b:UD-Q4_K_XL", "hf/a/b", "hf:a/b:UD-Q4_K_XL")]
    [InlineData("hf:a/b@v1.0:MXFP4", "hf/a/b@v1.0", "hf:a/b@v1.0:MXFP4")]
    [InlineData("hf:a/b/folder/c-Q4_K_M.gguf", "hf/a/b", "hf:a/b/folder/c-Q4_K_M.gguf")]
    [InlineData("https://hub.example/a/b/resolve/main/c.gguf?download=true", "hf/a/b", "hf:a/b/c.gguf")]
    [InlineData("https://hub.example/a/b/blob/0123abc/d/c.gguf", "hf/a/b@0123abc", "hf:a/b@0123abc/d/c.gguf")]
    public void SourcesAreRead(string text, string folder, string canonical)
    {
        Assert.True(ModelSource.TryParse(text, Endpoint, out ModelSource? source));
        Assert.Equal((folder, canonical), (source.Folder, source.ToString()));
    }

    [Theory]
    [InlineData("hf:")]
    [InlineData("hf:a")]
    [InlineData("hf:../b")]
    [InlineData("hf:a/..")]
    [InlineData("hf:a/b/../../../c.gguf")]
    [InlineData("hf:a/b/c.bin")]
    [InlineData("hf:a/b//c.gguf")]
    [InlineData("hf:a/b\\..\\c.gguf")]
    [InlineData("hf:a/b@../c:Q4_K_M")]
    [InlineData("hf:a/b:best")]
    [InlineData("hf:a/b:Q4_K_M/../x")]
    [InlineData("hf:NUL/b")]
    [InlineData("hf:a/.git")]
    [InlineData("https://user:password@hub.example/c.gguf")]
    [InlineData("https://hub.example/a/b/resolve/main/..%2F..%2Fc.gguf")]
    [InlineData("https://")]
    public void WhatIsNoSourceIsRefused(string text) => Assert.Throws<ArgumentException>(() => ModelSource.TryParse(text, Endpoint, out _));

    [Fact]
    public void PasswordsInAddressesAreNotSaidAgain()
    {
        ArgumentException exception = Assert.Throws<ArgumentException>(() => ModelSource.TryParse("https://user:secret@files.example/c.gguf", Endpoint, out _));
        Assert.Contains("files.example", exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("qwen3-8b")]
    [InlineData("C:\\models\\a.gguf")]
    [InlineData("./a.gguf")]
    public void NamesAndPathsAreNoSources(string text) => Assert.False(ModelSource.TryParse(text, Endpoint, out _));

    [Fact]
    public void AddressesThatDifferHaveFoldersThatDiffer()
    {
        string[] addresses = ["https://a.example/m.gguf", "https://b.example/m.gguf", "https://a.example/x/m.gguf", "https://a.example/m.gguf?v=2"];
        Assert.Equal(4, addresses.Select(address => ModelSource.TryParse(address, Endpoint, out ModelSource? source) ? source.Folder : "").Distinct().Count());
    }

    [Theory]
    [InlineData("a", true)]
    [InlineData("Qwen2.5-0.5B_Instruct (1).gguf", true)]
    [InlineData("模型.gguf", true)]
    [InlineData("", false)]
    [InlineData(".", false)]
    [InlineData("..", false)]
    [InlineData(".hidden", false)]
    [InlineData("-rf", false)]
    [InlineData("a/b", false)]
    [InlineData("a\\b", false)]
    [InlineData("a:b", false)]
    [InlineData("a\0b", false)]
    [InlineData("a\u202Efugg", false)]
    [InlineData("a.", false)]
    [InlineData("a ", false)]
    [InlineData("con", false)]
    [InlineData("NUL.gguf", false)]
    [InlineData("com1.tar.gguf", false)]
    [InlineData("a%2e", false)]
    [InlineData("com\u00B9.gguf", false)]
    [InlineData("LPT\u00B3", false)]
    [InlineData("a\u2067fugg", false)]
    [InlineData("\uFEFFa", false)]
    [InlineData("console.gguf", true)]
    public void OnlyHarmlessNamesAreSafe(string name, bool isSafe) => Assert.Equal(isSafe, SafeName.IsSafe(name));

    [Theory]
    [InlineData("qwen2.5-0.5b-instruct-q4_k_m.gguf", "Q4_K_M")]
    [InlineData("Qwen3-8B-Q4_K_M.gguf", "Q4_K_M")]
    [InlineData("nomic-embed-text-v1.5.Q8_0.gguf", "Q8_0")]
    [InlineData("qwen2.5-7b-instruct-q4_k_m-00001-of-00002.gguf", "Q4_K_M")]
    [InlineData("Qwen3-8B-UD-Q4_K_XL.gguf", "UD-Q4_K_XL")]
    [InlineData("gpt-oss-20b-mxfp4.gguf", "MXFP4")]
    [InlineData("model-IQ2_XXS.gguf", "IQ2_XXS")]
    [InlineData("model-BF16.gguf", "BF16")]
    [InlineData("model-f16.gguf", "F16")]
    [InlineData("Qwen3-8B.gguf", null)]
    [InlineData("model.gguf", null)]
    public void TheFileNameTellsTheQuantisation(string file, string? quantisation) => Assert.Equal(quantisation, QuantisationName.Of(file));

    [Theory]
    [InlineData("Q2_K", true)]
    [InlineData("IQ1_S", true)]
    [InlineData("UD-IQ2_M", true)]
    [InlineData("TQ1_0", true)]
    [InlineData("Q3_K_M", false)]
    [InlineData("Q4_K_M", false)]
    [InlineData("F16", false)]
    [InlineData(null, false)]
    public void BelowThreeBitsIsCoarse(string? quantisation, bool isCoarse) => Assert.Equal(isCoarse, QuantisationName.IsCoarse(quantisation));

    [Theory]
    [InlineData("m-00001-of-00003.gguf", 3)]
    [InlineData("m-00002-of-00003.gguf", 3)]
    [InlineData("m.gguf", 1)]
    [InlineData("m-00004-of-00003.gguf", 1)]
    [InlineData("m-00001-of-99999.gguf", 1)]
    public void ASplitModelsFilesFollowFromOne(string file, int count) => Assert.Equal(count, SplitName.AllOf(file).Length);

    [Theory]
    [InlineData(false, false, "/x/cache", "/x/cache/embeddedllm")]
    [InlineData(false, false, "relative", "/home/ana/.cache/embeddedllm")]
    [InlineData(false, false, null, "/home/ana/.cache/embeddedllm")]
    [InlineData(false, true, "/x/cache", "/home/ana/Library/Caches/embeddedllm")]
    [InlineData(true, false, "/x/cache", "/local/EmbeddedLlm")]
    public void EachSystemHasItsPlaceForDownloads(bool isWindows, bool isMacOS, string? xdg, string folder) =>
        Assert.Equal(folder, StoreFolder.Choose(name => name == "XDG_CACHE_HOME" ? xdg : null, isWindows, isMacOS, "/home/ana", "/local").Replace('\\', '/'));
}
