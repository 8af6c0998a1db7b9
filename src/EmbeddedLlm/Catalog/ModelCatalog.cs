using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;

namespace EmbeddedLlm.Catalog;

/// <summary>The models that are known by name, and the way from a name or a path to a verified file. Immutable and thread-safe.</summary>
internal sealed class ModelCatalog
{
    private const int MostBytes = 16 << 20;

    private readonly CatalogEntry[] _entries;
    private readonly string _packageFolder;

    /// <param name="entries">The known models. Of two with the same name the first counts.</param>
    /// <param name="packageFolder">Where packages put the models they bring.</param>
    public ModelCatalog(CatalogEntry[] entries, string packageFolder)
    {
        _entries = entries;
        _packageFolder = packageFolder;
    }

    /// <summary>The catalogue embedded in the library.</summary>
    public static ModelCatalog Default { get; } = new(ReadEmbedded(), Path.Combine(AppContext.BaseDirectory, "models"));

    public IReadOnlyList<CatalogEntry> Entries => _entries;

    /// <summary>This catalogue behind one of the user's own.</summary>
    /// <exception cref="ModelLoadException">The file cannot be read, or something in it is wrong; the message names the place.</exception>
    public ModelCatalog With(string path)
    {
        CatalogEntry[] own = ReadFile(path);
        return new ModelCatalog([.. own, .. _entries], _packageFolder);
    }

    /// <summary>Finds a model by its name, behind which a colon and a quantisation may stand.</summary>
    public (CatalogEntry Entry, string? Quantisation)? Find(string name)
    {
        int colon = name.LastIndexOf(':');
        // A drive of Windows has one letter.
        if (colon > 1 && QuantisationName.IsOne(name[(colon + 1)..]))
            return Named(name[..colon]) is { Package: null } entry ? (entry, name[(colon + 1)..].ToUpperInvariant()) : null;
        return Named(name) is { } whole ? (whole, null) : null;

        CatalogEntry? Named(string wanted) => Array.Find(_entries, entry => entry.Name.Equals(wanted, StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>Finds the file for a catalogue name or a path. A file that a package brought is checked against the catalogue's size and SHA-256.</summary>
    /// <returns>The full path, or null for a model that packages do not bring; and the catalogue's entry where a name was given.</returns>
    /// <exception cref="ModelLoadException">There is no such name or file, or the file is not the one in the catalogue.</exception>
    public async Task<(string? Path, CatalogEntry? Entry)> ResolveAsync(string nameOrPath, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(nameOrPath);
        if (Find(nameOrPath) is var (entry, _))
            return (entry.Package is null ? null : await ResolveAsync(entry, cancellationToken).ConfigureAwait(false), entry);
        if (File.Exists(nameOrPath))
            return (Path.GetFullPath(nameOrPath), null);
        if (Directory.Exists(nameOrPath))
            throw new ModelLoadException($"'{nameOrPath}' is a folder; give the path of a .gguf file in it.");
        if (LooksLikePath(nameOrPath))
            throw new ModelLoadException($"There is no file '{Path.GetFullPath(nameOrPath)}'.");
        throw new ModelLoadException(
            $"'{nameOrPath}' is neither a file nor a name in the catalogue, which has: {string.Join(", ", _entries.Select(e => e.Name).Distinct(StringComparer.OrdinalIgnoreCase))}.");
    }

    private async Task<string> ResolveAsync(CatalogEntry entry, CancellationToken cancellationToken)
    {
        string path = Path.Combine(_packageFolder, entry.File!);
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

    private static CatalogEntry[] ReadFile(string path)
    {
        try
        {
            if (new FileInfo(path).Length > MostBytes)
                throw new ModelLoadException($"The catalogue '{path}' has more than {MostBytes} bytes.");
            CatalogFile? file = JsonSerializer.Deserialize(File.ReadAllBytes(path), CatalogJson.Default.CatalogFile);
            return file is { Version: 1 } ? file.Models : throw new ModelLoadException($"The catalogue '{path}' is not of version 1.");
        }
        catch (JsonException exception)
        {
            string line = exception.LineNumber is { } number ? string.Create(CultureInfo.InvariantCulture, $", line {number + 1}") : "";
            string property = exception.Path is { Length: > 1 } place ? $", {place}" : "";
            throw new ModelLoadException($"The catalogue '{path}'{line}{property}: {ReasonOf(exception)}", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ModelLoadException($"The catalogue '{path}' cannot be read: {exception.Message}", exception);
        }
    }

    /// <summary>The serializer's own messages end with the place, which stands in front already.</summary>
    private static string ReasonOf(JsonException exception) =>
        exception.Message.IndexOf(" Path: ", StringComparison.Ordinal) is > 0 and int place ? exception.Message[..place] : exception.Message;
}
