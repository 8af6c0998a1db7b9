using System.Net;
using System.Text.Json;

namespace EmbeddedLlm.Catalog;

/// <summary>Asks the hub what is in a repository, and picks a model's files.</summary>
internal sealed class HubClient(ModelHttp http, Uri endpoint)
{
    /// <summary>A page of a thousand files has about 300 KB.</summary>
    private const int MostPageBytes = 16 << 20;

    private const int MostPages = 20;

    /// <summary>The files of a model, the first one first.</summary>
    /// <exception cref="ModelDownloadException">There is no such repository or model, or more than one.</exception>
    public async Task<IReadOnlyList<HubFile>> FindAsync(HubSource source, CancellationToken cancellationToken)
    {
        List<HubFile> files;
        try
        {
            files = await ListAsync(source, cancellationToken).ConfigureAwait(false);
        }
        catch (ModelDownloadException exception) when (source.File is not null && exception.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.MethodNotAllowed or HttpStatusCode.NotImplemented)
        {
            // A mirror without the hub's interface: the names follow from the first one.
            return [.. PathsOf(source.File!).Select(path => new HubFile(path, null, null))];
        }

        return Choose(source, files);
    }

    /// <summary>Where a file is.</summary>
    public Uri AddressOf(HubSource source, string path) =>
        new(endpoint, $"{Prefix}{Escape(source.Id)}/resolve/{Uri.EscapeDataString(source.Revision ?? "main")}/{Escape(path)}");

    /// <summary>Picks the model that a source names out of a repository's files.</summary>
    public static IReadOnlyList<HubFile> Choose(HubSource source, IReadOnlyList<HubFile> files)
    {
        // Not the projectors of multimodal models, nor matrices that quantisation was made with.
        HubFile[] models = [.. files.Where(file => IsModel(file.Name))];
        if (source.File is { } wanted)
            return Complete([Array.Find(models, file => file.Path == wanted) ?? throw new ModelDownloadException($"'{source.Id}' has no file '{wanted}'.")]);

        // The other files of a split model belong to its first.
        HubFile[] first = [.. models.Where(file => !SplitName.TryParse(file.Name, out SplitName name) || name.Number == 1)];
        string quantisation = source.Quantisation ?? QuantisationName.Default;
        HubFile[] matching = [.. first.Where(file => QuantisationName.Of(file.Name) == quantisation)];
        // Some repositories have the same model whole and split.
        matching = [.. matching.Where(file => !SplitName.TryParse(file.Name, out SplitName name) || !matching.Any(other => other.Name == name.Stem + ".gguf"))];
        if (matching.Length == 0 && source.Quantisation is null && first.Length == 1)
            matching = first;
        return matching.Length switch
        {
            1 => Complete(matching),
            0 when first.Length == 0 => throw new ModelDownloadException($"'{source.Id}' has no GGUF files."),
            0 => throw new ModelDownloadException(
                $"'{source.Id}' has no model quantised as {quantisation}; it has {string.Join(", ", first.Select(file => QuantisationName.Of(file.Name) ?? file.Path).Distinct().Order(StringComparer.Ordinal))}."),
            _ => throw new ModelDownloadException($"'{source.Id}' has several models quantised as {quantisation}; name one of them: {string.Join(", ", matching.Select(file => $"hf:{source.Id}/{file.Path}"))}."),
        };

        IReadOnlyList<HubFile> Complete(HubFile[] one) =>
        [
            .. from path in PathsOf(one[0].Path)
               select Array.Find(models, file => file.Path == path) ?? throw new ModelDownloadException($"'{source.Id}' lacks '{path}', a part of the model."),
        ];
    }

    private string Prefix => endpoint.AbsolutePath.EndsWith('/') ? endpoint.AbsolutePath : endpoint.AbsolutePath + "/";

    private static bool IsModel(string name) =>
        name.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase)
        && !name.StartsWith("mmproj", StringComparison.OrdinalIgnoreCase) && !name.Contains("-mmproj", StringComparison.OrdinalIgnoreCase) && !name.Contains("imatrix", StringComparison.OrdinalIgnoreCase);

    private static IEnumerable<string> PathsOf(string path)
    {
        int name = path.LastIndexOf('/') + 1;
        return SplitName.AllOf(path[name..]).Select(part => path[..name] + part);
    }

    private static string Escape(string path) => string.Join('/', path.Split('/').Select(Uri.EscapeDataString));

    private async Task<List<HubFile>> ListAsync(HubSource source, CancellationToken cancellationToken)
    {
        List<HubFile> files = [];
        Uri? page = new(endpoint, $"{Prefix}api/models/{Escape(source.Id)}/tree/{Uri.EscapeDataString(source.Revision ?? "main")}?recursive=true");
        for (int i = 0; page is not null; i++)
        {
            if (i == MostPages)
                throw new ModelDownloadException($"'{source.Id}' has too many files to look through; name one: hf:{source.Id}/file.gguf.");
            using ModelResponse response = await http.GetAsync(page, range: null, validator: null, cancellationToken).ConfigureAwait(false);
            if (response.Status != HttpStatusCode.OK)
                throw http.Refusal(response);
            foreach (HubTreeEntry entry in await ReadAsync(response, cancellationToken).ConfigureAwait(false))
            {
                // What has no harmless name is as good as not there.
                if (entry is { Type: "file", Path: { } path } && SafeName.IsSafePath(path))
                    files.Add(new HubFile(path, (entry.Lfs?.Size ?? entry.Size) is > 0 and var size ? size : null, IsSha256(entry.Lfs?.Oid) ? entry.Lfs!.Oid!.ToLowerInvariant() : null));
            }

            page = NextPage(response, page);
        }

        return files;
    }

    private static bool IsSha256(string? text) => text is { Length: 64 } && text.All(char.IsAsciiHexDigit);

    private async Task<HubTreeEntry[]> ReadAsync(ModelResponse response, CancellationToken cancellationToken)
    {
        using CancellationTokenSource stall = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            stall.CancelAfter(http.StallTimeout);
            await response.Content.LoadIntoBufferAsync(MostPageBytes, stall.Token).ConfigureAwait(false);
            Stream body = await response.Content.ReadAsStreamAsync(stall.Token).ConfigureAwait(false);
            return await JsonSerializer.DeserializeAsync(body, StoreJson.Default.HubTreeEntryArray, stall.Token).ConfigureAwait(false) ?? [];
        }
        catch (JsonException exception)
        {
            throw new ModelDownloadException($"'{ModelHttp.Describe(response.Address)}' is no list of files: {exception.Message}", exception);
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new ModelDownloadException($"'{ModelHttp.Describe(response.Address)}': the list of files did not come within {http.StallTimeout.TotalSeconds:0.#} seconds.", exception) { IsTransient = true };
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            bool isTooLong = exception is HttpRequestException { HttpRequestError: HttpRequestError.ConfigurationLimitExceeded };
            throw new ModelDownloadException($"'{ModelHttp.Describe(response.Address)}': the list of files cannot be read: {exception.Message}", exception) { IsTransient = !isTooLong };
        }
    }

    /// <summary>The address of the next page, which stays with the server of this one.</summary>
    private static Uri? NextPage(ModelResponse response, Uri page)
    {
        if (!response.Headers.TryGetValues("Link", out IEnumerable<string>? links))
            return null;
        foreach (string link in links.SelectMany(value => value.Split(',', StringSplitOptions.TrimEntries)))
        {
            int end = link.IndexOf('>', StringComparison.Ordinal);
            if (link.StartsWith('<') && end > 0 && link.Contains("rel=\"next\"", StringComparison.Ordinal)
                && Uri.TryCreate(page, link[1..end], out Uri? next) && ModelHttp.IsSameOrigin(next, page))
            {
                return next;
            }
        }

        return null;
    }
}

/// <summary>A file of a repository.</summary>
/// <param name="Path">Its path there, the parts separated by slashes, harmless as a path here.</param>
/// <param name="Size">Its size in bytes.</param>
/// <param name="Sha256">Its SHA-256 in hexadecimal digits in lower case.</param>
internal sealed record HubFile(string Path, long? Size, string? Sha256)
{
    public string Name => Path[(Path.LastIndexOf('/') + 1)..];
}

/// <summary>An entry in the hub's list of a repository's files.</summary>
internal sealed class HubTreeEntry
{
    public string? Type { get; init; }

    public string? Path { get; init; }

    public long? Size { get; init; }

    public HubLfs? Lfs { get; init; }
}

/// <summary>What Git LFS knows of a file.</summary>
internal sealed class HubLfs
{
    /// <summary>The SHA-256 in hexadecimal digits.</summary>
    public string? Oid { get; init; }

    public long? Size { get; init; }
}
