using EmbeddedLlm.Catalog;

namespace EmbeddedLlm.Tests.Catalog;

public sealed class UserCatalogTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("embeddedllm-catalog");

    [Fact]
    public void TheUsersNamesGoBeforeOurs()
    {
        string path = Write(Model("\"name\": \"STARTER\", \"description\": \"mine\""));
        Assert.Equal("mine", ModelCatalog.Default.With(path).Find("starter")!.Value.Entry.Description);
        Assert.NotNull(ModelCatalog.Default.With(path).Find("qwen3-8b"));
    }

    [Theory]
    [InlineData("\"name\": \"a\", \"description\": 1", "line 4, $.models[0].description")]
    [InlineData("\"name\": \"../a\", \"description\": \"\"", "line 4, $.models[0].name: This is not a name")]
    [InlineData("\"name\": \"a\", \"description\": \"\", \"colour\": \"red\"", "line 4, $.models[0].colour")]
    [InlineData("\"name\": \"a\", \"description\": \"\", \"size\": -1", "line 4, $.models[0].size: This is not a whole number above 0")]
    [InlineData("\"name\": \"a\", \"description\": \"\", \"sha256\": \"abc\"", "line 4, $.models[0].sha256: This is not a SHA-256")]
    [InlineData("\"name\": \"a\", \"description\": \"\", \"abilities\": [\"flying\"]", "line 4, $.models[0].abilities[0]")]
    [InlineData("\"name\": \"a\", \"name\": \"b\", \"description\": \"\"", "line 4")]
    [InlineData("\"name\": \"a\"", "description")]
    [InlineData("\"name\": \"a\", \"description\": \"\", \"sampling\": { \"topP\": 0 }", "'topP' out of its range")]
    [InlineData("\"name\": \"a\", \"description\": \"\", \"sampling\": { \"topK\": -1 }", "'topK' out of its range")]
    [InlineData("\"name\": \"a\", \"description\": \"\", \"package\": \"P\"", "needs either 'package'")]
    [InlineData("\"name\": \"a\", \"description\": \"\", \"activeParameters\": 2", "more 'activeParameters' than 'parameters'")]
    [InlineData("\"name\": \"a\" \"description\": \"\"", "line 4")]
    public void AMistakeIsNamedWithItsPlace(string properties, string message)
    {
        string path = Write(Model(properties));
        ModelLoadException exception = Assert.Throws<ModelLoadException>(() => ModelCatalog.Default.With(path));
        Assert.Contains(path, exception.Message, StringComparison.Ordinal);
        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{\"version\": 2, \"models\": []}", "version 1")]
    [InlineData("null", "version 1")]
    [InlineData("[]", "line 1")]
    [InlineData("", "line 1")]
    public void WhatIsNoCatalogueIsRefused(string text, string message) =>
        Assert.Contains(message, Assert.Throws<ModelLoadException>(() => ModelCatalog.Default.With(Write(text))).Message, StringComparison.Ordinal);

    [Fact]
    public void AFileThatIsNotThereIsRefused() =>
        Assert.Contains("cannot be read", Assert.Throws<ModelLoadException>(() => ModelCatalog.Default.With(Path.Combine(_folder.FullName, "no.json"))).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("qwen3-8b", null)]
    [InlineData("Qwen3-8B:q8_0", "Q8_0")]
    public void ANameMayHaveAQuantisation(string name, string? quantisation) =>
        Assert.Equal(("qwen3-8b", quantisation), ModelCatalog.Default.Find(name) is var (entry, found) ? (entry.Name, found) : default);

    [Theory]
    [InlineData("starter:Q8_0")]
    [InlineData("qwen3-8b:best")]
    [InlineData("C:\\a.gguf")]
    public void OtherNamesAreNotFound(string name) => Assert.Null(ModelCatalog.Default.Find(name));

    [Fact]
    public void OurCatalogueHasDistinctNamesAndNothingCoarse()
    {
        IReadOnlyList<CatalogEntry> entries = ModelCatalog.Default.Entries;
        Assert.Equal(entries.Count, entries.Select(entry => entry.Name).Distinct(StringComparer.OrdinalIgnoreCase).Count());
        Assert.DoesNotContain(entries.SelectMany(entry => entry.Variants ?? []), variant => QuantisationName.IsCoarse(variant.Quantisation));
    }

    [Fact]
    public void AFilesNameTellsItsVariantsQuantisation() => Assert.All(
        ModelCatalog.Default.Entries.SelectMany(entry => entry.Variants ?? []).Where(variant => variant.File is not null),
        variant => Assert.Equal(variant.Quantisation, QuantisationName.Of(variant.File!)));

    [Fact]
    public void OurCatalogueNamesAllFilesAndKnowsTheSizesOfThoseTakenByDefault()
    {
        foreach (CatalogEntry entry in ModelCatalog.Default.Entries.Where(entry => entry.Variants is not null))
        {
            Assert.All(entry.Variants!, variant => Assert.NotNull(variant.File));
            Assert.NotNull(entry.Variants![0].Size);
            Assert.Equal(entry.Variants.Length, entry.Variants.Select(variant => variant.Quantisation).Distinct().Count());
        }
    }

    /// <summary>A slip in a size or a number of weights shows here: no tensor takes fewer bits, and those that are kept at more are the embeddings of small models.</summary>
    [Fact]
    public void OurCataloguesSizesAreThoseOfSoManyWeights()
    {
        Dictionary<string, double> leastBits = new() { ["MXFP4"] = 4.25, ["Q4_K_M"] = 4.5, ["Q5_K_M"] = 5.5, ["Q6_K"] = 6.5, ["Q8_0"] = 8.45 };
        foreach (CatalogEntry entry in ModelCatalog.Default.Entries)
        {
            foreach (CatalogVariant variant in (entry.Variants ?? []).Where(variant => variant.Size is not null))
            {
                double bits = variant.Size!.Value * 8.0 / entry.Parameters!.Value;
                Assert.True(bits / leastBits[variant.Quantisation] is >= 1 and < 1.8, $"{entry.Name}:{variant.Quantisation} has {bits:0.00} bits a weight.");
            }
        }
    }

    [Fact]
    public void OurCatalogueKnowsOfEachMixtureOfExpertsHowManyWeightsComputeAToken()
    {
        CatalogEntry[] mixtures = [.. ModelCatalog.Default.Entries.Where(entry => entry.Description.Contains("mixture of experts", StringComparison.OrdinalIgnoreCase))];
        Assert.Equal(4, mixtures.Length);
        Assert.Equal(mixtures, ModelCatalog.Default.Entries.Where(entry => entry.ActiveParameters is not null));
        Assert.All(mixtures, entry => Assert.InRange((double)entry.ActiveParameters!.Value / entry.Parameters!.Value, 0.05, 0.25));
    }

    [Fact]
    public void ATokenReadsTheWeightsThatComputeIt()
    {
        CatalogEntry dense = EntryOf("qwen3-32b"), mixture = EntryOf("qwen3-30b-a3b");
        Assert.Equal(dense.EstimateSize(), dense.EstimateBytesPerToken());
        Assert.Equal(mixture.EstimateSize() * 3.3e9 / 30_532_122_624, mixture.EstimateBytesPerToken(), 1.0);

        static CatalogEntry EntryOf(string name) => ModelCatalog.Default.Entries.Single(entry => entry.Name == name);
    }

    [Fact]
    public void NoTwoFilesOfOurCatalogueHaveOneChecksum()
    {
        string[] checksums = [.. ModelCatalog.Default.Entries.SelectMany(entry => entry.Variants ?? []).Select(variant => variant.Sha256).OfType<string>()];
        Assert.Equal(checksums.Length, checksums.Distinct(StringComparer.OrdinalIgnoreCase).Count());
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private static string Model(string properties) => $$"""
        {
          "version": 1,
          "models": [
            { {{properties}}, "repository": "a/b", "variants": [{ "quantisation": "Q4_K_M" }], "parameters": 1, "contextLength": 1, "license": "MIT" }
          ]
        }
        """;

    private string Write(string text)
    {
        string path = Path.Combine(_folder.FullName, "models.json");
        File.WriteAllText(path, text);
        return path;
    }
}
