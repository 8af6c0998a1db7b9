using System.Text.Json;
using System.Text.Json.Serialization;

namespace EmbeddedLlm.Catalog;

/// <summary>What the store writes beside a model's first file, as the last thing: a model without it is not whole.</summary>
internal sealed class StoredManifest
{
    public const string Ending = ".json";

    private const int MostBytes = 1 << 20;

    public required int Version { get; init; }

    /// <summary>Where the model came from.</summary>
    public required string Source { get; init; }

    /// <summary>The path of the first file in its repository, or its name.</summary>
    public required string FirstFile { get; init; }

    public string? Quantisation { get; init; }

    /// <summary>The commit that the hub named.</summary>
    public string? Revision { get; init; }

    public required DateTimeOffset Pulled { get; init; }

    /// <summary>All files, in one folder.</summary>
    public required StoredFile[] Files { get; init; }

    /// <summary>Reads what the store wrote; null where it is damaged or absent.</summary>
    public static StoredManifest? TryRead(string path)
    {
        try
        {
            FileInfo file = new(path);
            if (!file.Exists || file.Length > MostBytes)
                return null;
            StoredManifest? manifest = JsonSerializer.Deserialize(File.ReadAllBytes(path), StoreJson.Default.StoredManifest);
            return manifest is { Version: 1, Source: not null, FirstFile: not null, Files.Length: > 0 } && SafeName.IsSafePath(manifest.FirstFile)
                && manifest.Files.All(stored => stored is { Name: not null, Sha256: not null, Size: >= 0 } && SafeName.IsSafe(stored.Name)) ? manifest : null;
        }
        catch (Exception exception) when (exception is JsonException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    public void Write(string path) => WholeFile.Write(path, JsonSerializer.SerializeToUtf8Bytes(this, StoreJson.Default.StoredManifest));
}

/// <summary>One file of a stored model.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Size">Its size in bytes.</param>
/// <param name="Sha256">Its SHA-256 in hexadecimal digits, as it was when it came.</param>
internal sealed record StoredFile(string Name, long Size, string Sha256);

[JsonSerializable(typeof(StoredManifest))]
[JsonSerializable(typeof(DownloadJournal.Record))]
[JsonSerializable(typeof(HubTreeEntry[]))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
internal sealed partial class StoreJson : JsonSerializerContext;
