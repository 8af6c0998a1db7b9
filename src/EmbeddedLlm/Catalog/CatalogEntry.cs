using System.Text.Json;
using System.Text.Json.Serialization;

namespace EmbeddedLlm.Catalog;

/// <summary>One model of <c>models.json</c>. It comes with a NuGet package, with a size and a SHA-256, or from a repository of the hub, in variants.</summary>
internal sealed class CatalogEntry : IJsonOnDeserialized
{
    /// <summary>The name by which the model is loaded.</summary>
    [JsonConverter(typeof(CatalogNameConverter))]
    public required string Name { get; init; }

    public required string Description { get; init; }

    /// <summary>The NuGet package that brings the file, beside the application under <c>models/</c>.</summary>
    public string? Package { get; init; }

    /// <summary>The name of the package's file.</summary>
    public string? File { get; init; }

    /// <summary>The package's file's size in bytes.</summary>
    [JsonConverter(typeof(PositiveLongConverter))]
    public long? Size { get; init; }

    /// <summary>The package's file's SHA-256 in hexadecimal digits.</summary>
    [JsonConverter(typeof(Sha256Converter))]
    public string? Sha256 { get; init; }

    /// <summary>The hub's repository, <c>owner/name</c>.</summary>
    [JsonConverter(typeof(RepositoryConverter))]
    public string? Repository { get; init; }

    /// <summary>The quantisations that the repository has; the first is taken where nobody says which.</summary>
    public CatalogVariant[]? Variants { get; init; }

    /// <summary>The number of weights of the language model: exact where it is known, or else as the model's makers round it.</summary>
    [JsonConverter(typeof(PositiveLongConverter))]
    public required long? Parameters { get; init; }

    /// <summary>Of a mixture of experts, the number of weights that compute one token, as the model's makers round it; null where all do.</summary>
    [JsonConverter(typeof(PositiveLongConverter))]
    public long? ActiveParameters { get; init; }

    /// <summary>The context length that the model's makers name, in tokens.</summary>
    public required int ContextLength { get; init; }

    /// <summary>The SPDX identifier of the licence.</summary>
    public required string License { get; init; }

    /// <summary>What the model can do.</summary>
    public CatalogAbility[]? Abilities { get; init; }

    /// <summary>What the model's makers recommend for sampling; what is left out is the library's default.</summary>
    public CatalogSampling? Sampling { get; init; }

    public CatalogVariant? FindVariant(string? quantisation) =>
        quantisation is null ? Variants?.FirstOrDefault() : Array.Find(Variants ?? [], variant => variant.Quantisation.Equals(quantisation, StringComparison.OrdinalIgnoreCase));

    /// <summary>
    /// The bytes of the file that is taken by default; where they are not known, what so many weights take at its quantisation. Bits a weight as llama.cpp's quantize names them for an 8B
    /// model, F16 left out.
    /// </summary>
    public long EstimateSize()
    {
        CatalogVariant? variant = FindVariant(null);
        if ((Size ?? variant?.Size) is { } known)
            return known;
        double bits = variant?.Quantisation.ToUpperInvariant() switch
        {
            "Q4_K_M" => 4.9,
            "Q5_K_M" => 5.7,
            "Q6_K" => 6.6,
            "Q8_0" => 8.5,
            "MXFP4" => 4.5,
            _ => 16,
        };
        return (long)((Parameters ?? 0) * bits / 8);
    }

    /// <summary>The bytes of weights that are read for each token of an answer, if each weight takes as many bits as any other.</summary>
    public long EstimateBytesPerToken() => this is { ActiveParameters: { } active, Parameters: { } all } ? (long)((double)EstimateSize() * active / all) : EstimateSize();

    /// <summary>
    /// The bytes that one token takes in a KV cache of 16-bit numbers, as far as the number of weights tells: 64 KiB for a model of 10⁹ that compute a token, and more as the power 0.4. That is within a quarter
    /// of what the headers of Llama 3 and Qwen3 from 3B to 70B say, and too much for models with attention in some layers only.
    /// </summary>
    public long EstimateCellBytes() => (long)(65_536 * Math.Pow((ActiveParameters ?? Parameters ?? 0) / 1e9, 0.4));

    /// <summary>The place of a variant on the hub.</summary>
    public HubSource SourceOf(CatalogVariant variant)
    {
        string[] id = Repository!.Split('/');
        return new HubSource(id[0], id[1], Revision: null, variant.File is null ? variant.Quantisation : null, variant.File);
    }

    void IJsonOnDeserialized.OnDeserialized()
    {
        if (Package is not null ? File is null || Size is null || Sha256 is null : Repository is null || Variants is not { Length: > 0 })
            throw new JsonException($"The model '{Name}' needs either 'package', 'file', 'size' and 'sha256', or 'repository' and 'variants'.");
        if (File is not null && !SafeName.IsSafe(File))
            throw new JsonException($"The model '{Name}' has no harmless name as 'file'.");
        if (ActiveParameters > Parameters)
            throw new JsonException($"The model '{Name}' has more 'activeParameters' than 'parameters'.");
        if (ContextLength < 1)
            throw new JsonException($"The model '{Name}' has a 'contextLength' below 1.");
        if (Sampling?.FindInvalid() is { } option)
            throw new JsonException($"The model '{Name}' has a '{option}' out of its range.");
    }
}

/// <summary>One quantisation of a model.</summary>
internal sealed class CatalogVariant
{
    /// <summary>Such as <c>Q4_K_M</c>.</summary>
    [JsonConverter(typeof(QuantisationConverter))]
    public required string Quantisation { get; init; }

    /// <summary>The path of the file, or of the first of several, in the repository; found in the repository's list by its quantisation where it is left out.</summary>
    [JsonConverter(typeof(FilePathConverter))]
    public string? File { get; init; }

    /// <summary>The size in bytes of a model that is one file, where it is known.</summary>
    [JsonConverter(typeof(PositiveLongConverter))]
    public long? Size { get; init; }

    /// <summary>The SHA-256 of a model that is one file, where it is known.</summary>
    [JsonConverter(typeof(Sha256Converter))]
    public string? Sha256 { get; init; }
}

/// <summary>Something that not every model can do.</summary>
internal enum CatalogAbility
{
    [JsonStringEnumMemberName("tools")]
    Tools,

    [JsonStringEnumMemberName("thinking")]
    Thinking,

    [JsonStringEnumMemberName("vision")]
    Vision,

    [JsonStringEnumMemberName("embedding")]
    Embedding,
}

/// <summary>Recommended sampling options; see the request's options of the same names.</summary>
internal sealed class CatalogSampling
{
    public float? Temperature { get; init; }

    public int? TopK { get; init; }

    public float? TopP { get; init; }

    public float? MinP { get; init; }

    /// <summary>The name, as the catalogue has it, of an option that is out of its range; null where none is.</summary>
    public string? FindInvalid() =>
        Temperature is not (null or (>= 0 and < float.PositiveInfinity)) ? "temperature"
        : TopK < 0 ? "topK"
        : TopP is not (null or (> 0 and <= 1)) ? "topP"
        : MinP is not (null or (>= 0 and <= 1)) ? "minP"
        : null;
}

/// <summary>The file <c>models.json</c>.</summary>
internal sealed class CatalogFile
{
    /// <summary>Where the format is described, for editors.</summary>
    [JsonPropertyName("$schema")]
    public string? Schema { get; init; }

    /// <summary>The format's version, 1.</summary>
    public required int Version { get; init; }

    public required CatalogEntry[] Models { get; init; }
}

[JsonSerializable(typeof(CatalogFile))]
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    AllowDuplicateProperties = false,
    RespectNullableAnnotations = true,
    UseStringEnumConverter = true,
    ReadCommentHandling = JsonCommentHandling.Skip,
    AllowTrailingCommas = true)]
internal sealed partial class CatalogJson : JsonSerializerContext;
