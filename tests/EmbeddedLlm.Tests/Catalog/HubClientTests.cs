using EmbeddedLlm.Catalog;

namespace EmbeddedLlm.Tests.Catalog;

public sealed class HubClientTests
{
    [Theory]
    [InlineData("hf:a/b", "m-Q4_K_M.gguf", "m-Q4_K_M.gguf", "m-Q8_0.gguf", "mmproj-m-Q4_K_M.gguf", "m.imatrix.gguf", "README.md")]
    [InlineData("hf:a/b:Q8_0", "m-Q8_0.gguf", "m-Q4_K_M.gguf", "m-Q8_0.gguf")]
    [InlineData("hf:a/b", "only-IQ4_XS.gguf", "only-IQ4_XS.gguf", "config.json")]
    [InlineData("hf:a/b", "m-q4_k_m.gguf", "m-q4_k_m-00001-of-00002.gguf", "m-q4_k_m-00002-of-00002.gguf", "m-q4_k_m.gguf")]
    [InlineData("hf:a/b/x/m-Q4_K_M.gguf", "x/m-Q4_K_M.gguf", "m-Q4_K_M.gguf", "x/m-Q4_K_M.gguf")]
    public void TheRightFileIsChosen(string source, string expected, params string[] files) => Assert.Equal([expected], Choose(source, files));

    [Fact]
    public void AllFilesOfASplitModelAreChosenInOrder() => Assert.Equal(
        ["x/m-Q4_K_M-00001-of-00002.gguf", "x/m-Q4_K_M-00002-of-00002.gguf"],
        Choose("hf:a/b", ["x/m-Q4_K_M-00002-of-00002.gguf", "x/m-Q4_K_M-00001-of-00002.gguf"]));

    [Theory]
    [InlineData("hf:a/b", "several models quantised as Q4_K_M; name one of them: hf:a/b/m-Q4_K_M.gguf, hf:a/b/n-Q4_K_M.gguf", "m-Q4_K_M.gguf", "n-Q4_K_M.gguf")]
    [InlineData("hf:a/b:Q2_K", "no model quantised as Q2_K; it has Q4_K_M, Q8_0", "m-Q8_0.gguf", "m-Q4_K_M.gguf")]
    [InlineData("hf:a/b", "lacks 'm-Q4_K_M-00002-of-00002.gguf'", "m-Q4_K_M-00001-of-00002.gguf")]
    [InlineData("hf:a/b", "has no GGUF files", "model.safetensors")]
    public void WhatCannotBeChosenIsSaid(string source, string message, params string[] files) =>
        Assert.Contains(message, Assert.Throws<ModelDownloadException>(() => Choose(source, files)).Message, StringComparison.Ordinal);

    private static string[] Choose(string source, string[] files)
    {
        Assert.True(ModelSource.TryParse(source, new Uri("https://hub.example"), out ModelSource? parsed));
        return [.. HubClient.Choose((HubSource)parsed, [.. files.Select(path => new HubFile(path, null, null))]).Select(file => file.Path)];
    }
}
