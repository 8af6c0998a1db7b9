using System.Security.Cryptography;
using System.Text;
using EmbeddedLlm.Catalog;
using EmbeddedLlm.Gguf;
using Polly;

namespace EmbeddedLlm;

/// <content>The files: what is there, what is to come, and how it goes.</content>
public sealed partial class ModelStore
{
    /// <summary>What is to be downloaded.</summary>
    /// <param name="Source">As a person writes it.</param>
    /// <param name="FirstFile">The path of the first file in its repository, or its name.</param>
    /// <param name="Quantisation">What the file's name tells.</param>
    /// <param name="Items">The files.</param>
    private sealed record Plan(string Source, string FirstFile, string? Quantisation, IReadOnlyList<DownloadItem> Items);

    private async Task<Plan> PlanAsync(ModelSource source, CatalogVariant? variant, CancellationToken cancellationToken)
    {
        if (source is AddressSource { IsAbridged: true })
            throw new ModelDownloadException($"'{source}' is not there. The store keeps nothing of what is behind an address's question mark, so to download the model takes the whole address.");
        if (source is AddressSource address)
        {
            string[] names = SplitName.AllOf(address.FileName);
            DownloadItem[] items = [.. names.Select(name => new DownloadItem(Sibling(address.Address, address.FileName, name), PathOf(source, name), null, null))];
            return new Plan(source.ToString()!, address.FileName, QuantisationName.Of(address.FileName), items);
        }

        HubSource hub = (HubSource)source;
        ResiliencePipeline pipeline = _settings.CreatePipeline((_, _) => { });
        IReadOnlyList<HubFile> files = await pipeline.ExecuteAsync(async token => await _hub.FindAsync(hub, token).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
        string first = files[0].Path;
        string? quantisation = QuantisationName.Of(files[0].Name) ?? hub.Quantisation;
        string name = (hub with { File = first, Quantisation = null }).ToString();
        if (files.Count == 1 && variant is { Size: not null } or { Sha256: not null })
            files = [Promised(files[0], variant!)];
        return new Plan(name, first, quantisation, [.. files.Select(file => new DownloadItem(_hub.AddressOf(hub, file.Path), PathOf(source, file.Path), file.Size, file.Sha256))]);
    }

    /// <summary>What the catalogue promises goes before what the hub says now.</summary>
    private static HubFile Promised(HubFile file, CatalogVariant variant)
    {
        string? sha256 = variant.Sha256?.ToLowerInvariant();
        if (sha256 is not null && file.Sha256 is { } other && other != sha256)
            throw new ModelDownloadException($"The hub's '{file.Path}' is not the one in the catalogue: its SHA-256 is {other}, where {sha256} was promised.");
        return file with { Size = variant.Size ?? file.Size, Sha256 = sha256 ?? file.Sha256 };
    }

    /// <summary>Brings all files, and tells whether each had a SHA-256 to be held against.</summary>
    private async Task<(StoredModel Model, bool IsVouchedFor)> DownloadAsync(Plan plan, DownloadMeter meter, CancellationToken cancellationToken)
    {
        meter.SetTotal(plan.Items);
        CheckSpace(plan);
        List<StoredFile> files = [];
        string? revision = null;
        bool isVouchedFor = true;
        foreach (DownloadItem item in plan.Items)
        {
            if (await TryKeepAsync(item, cancellationToken).ConfigureAwait(false) is { } kept)
            {
                meter.Begin(kept.Name, kept.Size);
                meter.End();
                files.Add(kept);
                isVouchedFor &= item.Sha256 is not null;
                continue;
            }

            using FileDownload download = new(_http, item, _settings, meter, _loggers.CreateLogger("EmbeddedLlm.Catalog.Download"));
            DownloadedFile file = await download.RunAsync(cancellationToken).ConfigureAwait(false);
            files.Add(file.File);
            isVouchedFor &= file.IsVouchedFor;
            revision ??= file.Commit;
        }

        string first = plan.Items[0].Path;
        CheckParts(plan.Items);
        StoredManifest manifest = new()
        {
            Version = 1,
            Source = plan.Source,
            FirstFile = plan.FirstFile,
            Quantisation = plan.Quantisation,
            Revision = revision,
            Pulled = _settings.Time.GetUtcNow(),
            Files = [.. files],
        };
        manifest.Write(first + StoredManifest.Ending);
        StoredModel model = TryOpen(first + StoredManifest.Ending) ?? throw new ModelDownloadException($"'{first}' was removed while it was downloaded.");
        return (model, isVouchedFor);
    }

    /// <summary>A file has its name only once it has been found right, so one that a break left without the others need not come again, unless it is another by now.</summary>
    private static async Task<StoredFile?> TryKeepAsync(DownloadItem item, CancellationToken cancellationToken)
    {
        FileInfo file = new(item.Path);
        if (!file.Exists || (item.Size ?? file.Length) != file.Length)
            return null;
        string sha256 = await FileDownload.HashAsync(item.Path, cancellationToken).ConfigureAwait(false);
        return (item.Sha256 ?? sha256) == sha256 ? new StoredFile(item.Name, file.Length, sha256) : null;
    }

    /// <summary>Each file was found whole; that they are the files of one model only they together tell. Those that nobody vouches for do not stay, since the next attempt would take them for good ones.</summary>
    private static void CheckParts(IReadOnlyList<DownloadItem> items)
    {
        string first = items[0].Path;
        try
        {
            GgufSplitChecks.Check(GgufFile.OpenParts(first));
        }
        catch (Exception exception) when (exception is GgufFormatException or FileNotFoundException)
        {
            foreach (DownloadItem item in items.Where(item => item.Sha256 is null))
                File.Delete(item.Path);
            throw new ModelDownloadException($"The {items.Count} files that came as '{first}' are not one model: {exception.Message}", exception);
        }
    }

    private void CheckSpace(Plan plan)
    {
        Int128 sum = 0;
        foreach (DownloadItem item in plan.Items.Where(item => !File.Exists(item.Path)))
            sum += (item.Size ?? 0) - (DownloadJournal.TryPeek(item.Path + FileDownload.JournalEnding)?.Done ?? 0);
        long needed = (long)Int128.Min(sum, long.MaxValue);
        Directory.CreateDirectory(ModelsFolder);
        if (_settings.FreeSpace(ModelsFolder) is { } free && needed > free)
            throw FileDownload.NoSpace(plan.Items[0].Path, needed, free);
    }

    private static async Task<string?> ProblemOfAsync(string path, StoredFile file, CancellationToken cancellationToken)
    {
        try
        {
            FileInfo found = new(path);
            if (!found.Exists)
                return $"'{path}' is missing.";
            if (found.Length != file.Size)
                return $"'{path}' has {found.Length} bytes, where it had {file.Size}.";
            string sha256 = await FileDownload.HashAsync(path, cancellationToken).ConfigureAwait(false);
            return sha256 == file.Sha256 ? null : $"'{path}' has the SHA-256 {sha256}, where it had {file.Sha256}.";
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return $"'{path}' cannot be read: {exception.Message}";
        }
    }

    private StoredModel? Find(ModelSource source)
    {
        (string Path, StoredManifest Manifest)[] stored =
        [
            .. from path in ManifestsBelow(FolderOf(source), CancellationToken.None)
               let manifest = StoredManifest.TryRead(path)
               where manifest is not null
               select (path, manifest),
        ];
        int index = Array.FindIndex(stored, one => source.Names(one.Manifest));
        // A repository with only one model has it taken whatever its quantisation, and so has the store.
        if (index < 0 && stored.Length == 1 && source is HubSource { File: null, Quantisation: null })
            index = 0;
        return index < 0 ? null : TryOpen(stored[index].Path);
    }

    /// <summary>The model whose manifest this is, where all its files are there.</summary>
    private StoredModel? TryOpen(string manifestPath)
    {
        if (StoredManifest.TryRead(manifestPath) is not { } manifest)
            return null;
        string folder = Path.GetDirectoryName(manifestPath)!;
        string[] files = [.. manifest.Files.Select(file => Path.Combine(folder, file.Name))];
        for (int i = 0; i < files.Length; i++)
        {
            FileInfo file = new(files[i]);
            if (!file.Exists || file.Length != manifest.Files[i].Size)
                return null;
        }

        string name = EntryOf(manifest, out CatalogVariant? variant) is not { } entry ? manifest.Source
            : variant == entry.Variants![0] ? entry.Name : $"{entry.Name}:{variant!.Quantisation}";
        return new StoredModel(name, manifest.Source, files[0], files)
        {
            Quantisation = manifest.Quantisation,
            Size = manifest.Files.Sum(file => file.Size),
            Revision = manifest.Revision,
            Pulled = manifest.Pulled,
        };
    }

    private bool Remove(StoredModel model)
    {
        using FileLock taken = FileLock.TryAcquire(LockOf(model.Path)) ?? throw BeingDownloaded(model.Name);
        // First what makes it a model: a removal that breaks off must not leave half of one.
        WholeFile.Delete(model.Path + StoredManifest.Ending);
        foreach (string file in model.Files)
            File.Delete(file);
        RemoveEmptyFolders(Path.GetDirectoryName(model.Path)!);
        return true;
    }

    private bool RemovePartial(ModelSource source)
    {
        string folder = FolderOf(source);
        if (!Directory.Exists(folder))
            return false;
        HashSet<string> stored = [.. ManifestsBelow(folder, CancellationToken.None).Select(TryOpen).OfType<StoredModel>().SelectMany(model => model.Files)];
        string[] firsts = [.. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
            .Select(WithoutPartialEnding)
            .Where(path => path.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase) && source.NamesFile(Path.GetFileName(path)) && !stored.Contains(path))
            .Select(path => Path.Combine(Path.GetDirectoryName(path)!, SplitName.AllOf(Path.GetFileName(path))[0]))
            .Distinct(StringComparer.Ordinal)];
        foreach (string first in firsts)
        {
            using FileLock taken = FileLock.TryAcquire(LockOf(first)) ?? throw BeingDownloaded(source.ToString()!);
            // The parts of a split model, too, that are whole by themselves.
            foreach (string part in SplitName.AllOf(Path.GetFileName(first)).Select(name => Path.Combine(Path.GetDirectoryName(first)!, name)))
            {
                File.Delete(part + FileDownload.PartialEnding);
                WholeFile.Delete(part + FileDownload.JournalEnding);
                File.Delete(part);
            }

            WholeFile.Delete(first + StoredManifest.Ending);
        }

        RemoveEmptyFolders(folder);
        return firsts.Length > 0;

        static string WithoutPartialEnding(string path) => path.EndsWith(FileDownload.PartialEnding, StringComparison.Ordinal) ? path[..^FileDownload.PartialEnding.Length] : path;
    }

    private static IOException BeingDownloaded(string name) => new($"'{name}' is being downloaded.");

    private void RemoveEmptyFolders(string folder)
    {
        while (folder.Length > ModelsFolder.Length && folder.StartsWith(ModelsFolder, StringComparison.Ordinal) && Directory.Exists(folder) && !Directory.EnumerateFileSystemEntries(folder).Any())
        {
            Directory.Delete(folder);
            folder = Path.GetDirectoryName(folder)!;
        }
    }

    private static IEnumerable<string> ManifestsBelow(string folder, CancellationToken cancellationToken)
    {
        if (!Directory.Exists(folder))
            yield break;
        foreach (string path in Directory.EnumerateFiles(folder, "*.gguf" + StoredManifest.Ending, SearchOption.AllDirectories))
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return path;
        }
    }

    private string FolderOf(ModelSource source) => Path.Combine([ModelsFolder, .. source.Folder.Split('/')]);

    /// <summary>The place of a source's file. Its parts were found harmless; that it lies where it should is checked all the same.</summary>
    private string PathOf(ModelSource source, string file)
    {
        string folder = FolderOf(source);
        string path = Path.GetFullPath(Path.Combine([folder, .. file.Split('/')]));
        return path.StartsWith(folder + Path.DirectorySeparatorChar, StringComparison.Ordinal) && SafeName.IsSafePath(file)
            ? path
            : throw new ModelDownloadException($"'{file}' is no name that a file may get.");
    }

    /// <summary>A name of its own for each model: the lock's file stays, so it is not put beside the model's.</summary>
    private string LockOf(string firstFile)
    {
        string relative = Path.GetRelativePath(ModelsFolder, firstFile).Replace('\\', '/').ToUpperInvariant();
        return Path.Combine(Folder, "locks", Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(relative)))[..32] + ".lock");
    }

    private static Uri Sibling(Uri address, string fileName, string sibling)
    {
        if (fileName == sibling)
            return address;
        UriBuilder builder = new(address);
        int name = builder.Path.LastIndexOf('/') + 1;
        builder.Path = builder.Path[..name] + Uri.EscapeDataString(sibling);
        return builder.Uri;
    }
}
