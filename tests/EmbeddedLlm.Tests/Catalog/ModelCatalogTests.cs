using System.Security.Cryptography;
using EmbeddedLlm.Catalog;

namespace EmbeddedLlm.Tests.Catalog;

public sealed class ModelCatalogTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("embeddedllm-catalog");

    [Fact]
    public void TheEmbeddedCatalogueHasTheStarterModel() =>
        Assert.Contains(ModelCatalog.Default.Entries, entry => entry is { Name: "starter", Package: "EmbeddedLlm.Starter", License: "MIT" });

    [Fact]
    public async Task TheStarterModelsFileIsTheOneInTheCatalogue()
    {
        ModelCatalog catalog = new([.. ModelCatalog.Default.Entries], Path.Combine(SharedData.RepositoryRoot, "src", "EmbeddedLlm.Starter"));
        Assert.EndsWith("starter.gguf", (await catalog.ResolveAsync("Starter", TestContext.Current.CancellationToken)).Path, StringComparison.Ordinal);
    }

    [Fact]
    public async Task APathIsResolvedToItsFullPath()
    {
        string path = Path.Combine(_folder.FullName, "model.bin");
        await File.WriteAllTextAsync(path, "x", TestContext.Current.CancellationToken);
        Assert.Equal((path, null), await Create("x").ResolveAsync(path, TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("nothing", "'nothing' is neither a file nor a name in the catalogue, which has: tiny.")]
    [InlineData("missing.gguf", "There is no file")]
    [InlineData("tiny", "comes with the NuGet package Some.Package")]
    [InlineData(".", "is a folder")]
    public async Task WhatCannotBeFoundIsSaid(string name, string message)
    {
        ModelLoadException exception = await Assert.ThrowsAsync<ModelLoadException>(() => Create("x").ResolveAsync(name, TestContext.Current.CancellationToken));
        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("expected", "expected", null)]
    [InlineData("expected", "expectee", "another SHA-256")]
    [InlineData("expected", "short", "has 5 bytes where the catalogue says 8")]
    public async Task APackagesFileIsVerified(string expected, string actual, string? error)
    {
        await File.WriteAllTextAsync(Path.Combine(_folder.FullName, "tiny.gguf"), actual, TestContext.Current.CancellationToken);
        Exception? exception = await Record.ExceptionAsync(() => Create(expected).ResolveAsync("tiny", TestContext.Current.CancellationToken));
        if (error is null)
            Assert.Null(exception);
        else
            Assert.Contains(error, Assert.IsType<ModelLoadException>(exception).Message, StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private ModelCatalog Create(string content)
    {
        byte[] bytes = System.Text.Encoding.UTF8.GetBytes(content);
        CatalogEntry entry = new()
        {
            Name = "tiny",
            Description = "",
            Package = "Some.Package",
            File = "tiny.gguf",
            Size = bytes.Length,
            Sha256 = Convert.ToHexString(SHA256.HashData(bytes)),
            Parameters = 1,
            ContextLength = 1,
            License = "MIT",
        };
        return new ModelCatalog([entry], _folder.FullName);
    }
}
