using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace EmbeddedLlm.Catalog;

/// <summary>Where a model comes from: a repository of the hub, or an address.</summary>
internal abstract record ModelSource
{
    private const string HubPrefix = "hf:";

    /// <summary>The folder of its files below the store's, its parts separated by slashes.</summary>
    public abstract string Folder { get; }

    /// <summary>Whether a stored model is what this source names.</summary>
    public abstract bool Names(StoredManifest manifest);

    /// <summary>Whether a file that has not come whole yet is of what this source names.</summary>
    public abstract bool NamesFile(string fileName);

    /// <summary>Reads <c>hf:owner/repository[@revision][:quantisation]</c>, <c>hf:owner/repository[@revision]/file.gguf</c> or an address.</summary>
    /// <returns>False where the text begins like none of them, and may be a name or a path.</returns>
    /// <exception cref="ArgumentException">It begins like one of them, and is none.</exception>
    public static bool TryParse(string text, Uri endpoint, [NotNullWhen(true)] out ModelSource? source)
    {
        source = text.StartsWith(HubPrefix, StringComparison.OrdinalIgnoreCase) ? ParseHub(text[HubPrefix.Length..], text)
            : text.StartsWith("https://", StringComparison.OrdinalIgnoreCase) || text.StartsWith("http://", StringComparison.OrdinalIgnoreCase) ? ParseAddress(text, endpoint)
            : null;
        return source is not null;
    }

    private static HubSource ParseHub(string text, string whole)
    {
        string[] parts = text.Split('/');
        if (parts.Length < 2)
            throw Malformed();
        string owner = parts[0];
        string? quantisation = null;
        string? file = null;
        string repository = parts[1];
        if (parts.Length > 2)
            file = string.Join('/', parts[2..]);
        else if (repository.IndexOf(':') is >= 0 and int colon)
            (repository, quantisation) = (repository[..colon], repository[(colon + 1)..].ToUpperInvariant());
        string? revision = null;
        if (repository.IndexOf('@') is >= 0 and int at)
            (repository, revision) = (repository[..at], repository[(at + 1)..]);

        bool isWellFormed = SafeName.IsSafe(owner) && SafeName.IsSafe(repository) && (revision is null || SafeName.IsSafe(revision))
            && (file is null || (SafeName.IsSafePath(file) && file.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase)))
            && (quantisation is null || QuantisationName.IsOne(quantisation));
        return isWellFormed ? new HubSource(owner, repository, revision, quantisation, file) : throw Malformed();

        ArgumentException Malformed() => new($"'{whole}' is not of the form hf:owner/repository, hf:owner/repository:Q4_K_M or hf:owner/repository/file.gguf.", nameof(text));
    }

    private static ModelSource ParseAddress(string text, Uri endpoint)
    {
        if (!Uri.TryCreate(text, UriKind.Absolute, out Uri? address))
            throw new ArgumentException($"'{text}' is no address.", nameof(text));
        if (address.UserInfo.Length > 0)
            throw new ArgumentException($"The address of a file on '{address.Host}' has a user or a password in it, which would be kept in the store: an address without is needed.", nameof(text));

        // The address of a file on the hub is told by its form, so that it shares its copy with the other ways to name it.
        string[] parts = Uri.UnescapeDataString(address.AbsolutePath).Split('/');
        if (ModelHttp.IsSameOrigin(address, endpoint) && parts is ["", var owner, var repository, "resolve" or "blob", var revision, .. { Length: > 0 } file])
        {
            string tail = revision == "main" ? "" : "@" + revision;
            return ParseHub($"{owner}/{repository}{tail}/{string.Join('/', file)}", text);
        }

        string name = parts[^1];
        bool isModel = SafeName.IsSafe(name) && name.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase);
        return new AddressSource(address, isModel ? name : "model.gguf");
    }
}

/// <summary>A model in a repository of the hub.</summary>
/// <param name="Owner">Whose repository it is.</param>
/// <param name="Repository">Its name.</param>
/// <param name="Revision">The branch, tag or commit; null for the main branch.</param>
/// <param name="Quantisation">Which of the repository's models; null where <paramref name="File"/> says it, or for the usual one.</param>
/// <param name="File">The path of the model's first file.</param>
internal sealed record HubSource(string Owner, string Repository, string? Revision, string? Quantisation, string? File) : ModelSource
{
    public override string Folder => $"hf/{Owner}/{Repository}{(Revision is null ? "" : "@" + Revision)}";

    public string Id => $"{Owner}/{Repository}";

    public override bool Names(StoredManifest manifest) => File is not null
        ? manifest.FirstFile == File
        : string.Equals(manifest.Quantisation, Quantisation ?? QuantisationName.Default, StringComparison.OrdinalIgnoreCase);

    public override bool NamesFile(string fileName) =>
        File is not null ? SplitName.AllOf(File[(File.LastIndexOf('/') + 1)..]).Contains(fileName) : QuantisationName.Of(fileName) == (Quantisation ?? QuantisationName.Default);

    /// <summary>The source as a person writes it.</summary>
    public override string ToString() => $"hf:{Id}{(Revision is null ? "" : "@" + Revision)}{(File is not null ? "/" + File : Quantisation is not null ? ":" + Quantisation : "")}";
}

/// <summary>A file at an address.</summary>
/// <param name="Address">The address.</param>
/// <param name="FileName">The name it gets.</param>
internal sealed record AddressSource(Uri Address, string FileName) : ModelSource
{
    private const int MarkLength = 16;

    /// <summary>Different addresses have different folders, however much their names are alike.</summary>
    public override string Folder
    {
        get
        {
            string host = new([.. Address.Host.Select(character => char.IsAsciiLetterOrDigit(character) || character is '.' or '-' ? character : '_')]);
            return $"url/h-{host}/{Mark}";
        }
    }

    /// <summary>Whether it is one as <see cref="ToString"/> has it, by which a stored model is found but nothing can be downloaded.</summary>
    public bool IsAbridged => Address is { Query: "", Fragment: ['#', .. { Length: MarkLength } mark] } && mark.All(char.IsAsciiHexDigitLower);

    /// <summary>What tells the address from others.</summary>
    private string Mark => IsAbridged ? Address.Fragment[1..] : Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Address.AbsoluteUri)))[..MarkLength];

    public override bool Names(StoredManifest manifest) => manifest.FirstFile == FileName;

    public override bool NamesFile(string fileName) => true;

    /// <summary>The address as it may be kept: in place of what is behind its question mark, which may be a signature or a token, a fragment that tells it from others.</summary>
    public override string ToString() => Address.Query.Length == 0 ? Address.AbsoluteUri : $"{Address.GetLeftPart(UriPartial.Path)}#{Mark}";
}
