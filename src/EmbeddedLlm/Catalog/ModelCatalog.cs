using System.Security.Cryptography;
using System.Text.Json;

namespace EmbeddedLlm.Catalog;

/// <summary>The models that are known by name, and the way from a name or a path to a verified file. Immutable and thread-safe.</summary>
internal sealed class ModelCatalog
{
    private readonly CatalogEntry[] _entries;
    private readonly string _packageFolder;

    /// <param name="entries">The known models.</param>
    /// <param name="packageFolder">Where packages put the models they bring.</param>
    public ModelCatalog(CatalogEntry[] entries, string packageFolder)
    {
        _entries = entries;
        _packageFolder = packageFolder;
    }

    /// <summary>The catalogue embedded in the library.</summary>
    public static ModelCatalog Default { get; } = new(ReadEmbedded(), Path.Combine(AppContext.BaseDirectory, "models"));

    public IReadOnlyList<CatalogEntry> Entries => _entries;

    /// <summary>Finds the file for a catalogue name or a path. A file that a package brought is checked against the catalogue's size and SHA-256.</summary>
    /// <returns>The full path, and the catalogue's entry where a name was given.</returns>
    /// <exception cref="ModelLoadException">There is no such name or file, or the file is not the one in the catalogue.</exception>
    public async Task<(string Path, CatalogEntry? Entry)> ResolveAsync(string nameOrPath, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(nameOrPath);
        if (Array.Find(_entries, entry => entry.Name.Equals(nameOrPath, StringComparison.OrdinalIgnoreCase)) is { } entry)
            return (await ResolveAsync(entry, cancellationToken).ConfigureAwait(false), entry);
        if (File.Exists(nameOrPath))
            return (Path.GetFullPath(nameOrPath), null);
        if (Directory.Exists(nameOrPath))
            throw new ModelLoadException($"'{nameOrPath}' is a folder; give the path of a .gguf file in it.");
        if (LooksLikePath(nameOrPath))
            throw new ModelLoadException($"There is no file '{Path.GetFullPath(nameOrPath)}'.");
        throw new ModelLoadException(
            $"'{nameOrPath}' is neither a file nor a name in the catalogue, which has: {string.Join(", ", _entries.Select(e => e.Name))}.");
    }

    private async Task<string> ResolveAsync(CatalogEntry entry, CancellationToken cancellationToken)
    {
        string path = Path.Combine(_packageFolder, entry.File);
        FileInfo file = new(path);
        if (!file.Exists)
            throw new ModelLoadException($"The model '{entry.Name}' comes with the NuGet package {entry.Package}, but there is no '{path}'. Add the package to the application's project.");
        if (file.Length != entry.Size)
            throw new ModelLoadException($"'{path}' has {file.Length} bytes where the catalogue says {entry.Size}: the copy is damaged or of another version.");

        FileStream stream = new(path, new FileStreamOptions { Options = FileOptions.Asynchronous | FileOptions.SequentialScan, BufferSize = 1 << 17 });
        await using (stream.ConfigureAwait(false))
        {
            byte[] hash = await SHA256.HashDataAsync(stream, cancellationToken).ConfigureAwait(false);
            if (!Convert.ToHexStringLower(hash).Equals(entry.Sha256, StringComparison.OrdinalIgnoreCase))
                throw new ModelLoadException($"'{path}' has another SHA-256 than the catalogue says: the copy is damaged or of another version.");
        }

        return path;
    }

    private static bool LooksLikePath(string nameOrPath) =>
        nameOrPath.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase) ||
        nameOrPath.AsSpan().ContainsAny(Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar);

    private static CatalogEntry[] ReadEmbedded()
    {
        using Stream stream = typeof(ModelCatalog).Assembly.GetManifestResourceStream("EmbeddedLlm.models.json")
            ?? throw new InvalidOperationException("The catalogue is missing from the assembly.");
        return JsonSerializer.Deserialize(stream, CatalogJson.Default.CatalogFile)!.Models;
    }
}
