using System.Text.Json.Serialization;

namespace EmbeddedLlm.Catalog;

/// <summary>One model of <c>models.json</c>.</summary>
internal sealed class CatalogEntry
{
    /// <summary>The name by which the model is loaded.</summary>
    public required string Name { get; init; }

    public required string Description { get; init; }

    /// <summary>The NuGet package that brings the file, beside the application under <c>models/</c>.</summary>
    public string? Package { get; init; }

    /// <summary>The file's name.</summary>
    public required string File { get; init; }

    /// <summary>The file's size in bytes.</summary>
    public required long Size { get; init; }

    /// <summary>The file's SHA-256 in hexadecimal digits.</summary>
    public required string Sha256 { get; init; }

    /// <summary>The number of weights.</summary>
    public required long Parameters { get; init; }

    /// <summary>The context length the model was trained with, in tokens.</summary>
    public required int ContextLength { get; init; }

    /// <summary>The SPDX identifier of the licence.</summary>
    public required string License { get; init; }

    /// <summary>What the model's makers recommend for sampling; what is left out is the library's default.</summary>
    public CatalogSampling? Sampling { get; init; }
}

/// <summary>Recommended sampling options; see the request's options of the same names.</summary>
internal sealed class CatalogSampling
{
    public float? Temperature { get; init; }

    public int? TopK { get; init; }

    public float? TopP { get; init; }

    public float? MinP { get; init; }
}

/// <summary>The file <c>models.json</c>.</summary>
internal sealed class CatalogFile
{
    /// <summary>The format's version, 1.</summary>
    public required int Version { get; init; }

    public required CatalogEntry[] Models { get; init; }
}

[JsonSerializable(typeof(CatalogFile))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
internal sealed partial class CatalogJson : JsonSerializerContext;
