using EmbeddedLlm.Catalog;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace EmbeddedLlm;

/// <summary>
/// The models on this machine: downloads them from the model hub or an address, checks them, lists and removes them. All members may be called from any thread, and any number of processes may share a
/// folder: two that want the same model share one download.
/// </summary>
/// <remarks>
/// A model is named by its name in the catalogue (<c>qwen2.5-0.5b-instruct</c>, <c>qwen2.5-0.5b-instruct:Q8_0</c>), a repository of the hub (<c>hf:owner/repository</c>,
/// <c>hf:owner/repository:Q4_K_M</c>, <c>hf:owner/repository@revision/folder/file.gguf</c>) or an <c>https</c> address. Models that are split over several files are named by the first.
/// </remarks>
public sealed partial class ModelStore
{
    private readonly ModelCatalog _catalog;
    private readonly DownloadSettings _settings;
    private readonly ModelHttp _http;
    private readonly HubClient _hub;
    private readonly Uri _endpoint;
    private readonly ILogger _logger;
    private readonly ILoggerFactory _loggers;

    /// <summary>Opens the store.</summary>
    /// <param name="options">Where it is, and how it downloads.</param>
    /// <exception cref="ArgumentException">An option makes no sense.</exception>
    /// <exception cref="ModelLoadException">The user's own catalogue cannot be read, or something in it is wrong; the message names the line and the property.</exception>
    public ModelStore(ModelStoreOptions? options = null)
        : this(options ?? new ModelStoreOptions(), ModelCatalog.Default, new DownloadSettings())
    {
    }

    internal ModelStore(ModelStoreOptions options, ILoggerFactory? loggers)
        : this(options, ModelCatalog.Default, new DownloadSettings(), loggers)
    {
    }

    internal ModelStore(ModelStoreOptions options, ModelCatalog catalog, DownloadSettings settings, ILoggerFactory? loggers = null)
    {
        options.Validate();
        Folder = Path.GetFullPath(options.Folder ?? StoreFolder.Default());
        string? own = options.CatalogPath ?? (Environment.GetEnvironmentVariable("EMBEDDEDLLM_MODELS") is { Length: > 0 } variable ? variable : null);
        if (own is null && Path.Combine(Folder, "models.json") is var beside && File.Exists(beside))
            own = beside;
        _catalog = own is null ? catalog : catalog.With(own);
        _settings = settings with { Connections = options.Connections, MaxRetries = options.MaxRetries };
        _endpoint = options.Endpoint ?? EndpointOfEnvironment();
        string? token = options.Token ?? Environment.GetEnvironmentVariable("HF_TOKEN");
        bool isOffline = options.Offline ?? Environment.GetEnvironmentVariable("EMBEDDEDLLM_OFFLINE") is { } offline && (offline == "1" || offline.Equals("true", StringComparison.OrdinalIgnoreCase));
        _http = new ModelHttp(_endpoint, string.IsNullOrWhiteSpace(token) ? null : token.Trim(), isOffline, options.StallTimeout);
        _hub = new HubClient(_http, _endpoint);
        _loggers = options.LoggerFactory ?? loggers ?? NullLoggerFactory.Instance;
        _logger = _loggers.CreateLogger("EmbeddedLlm.Catalog");
    }

    /// <summary>The full path of the folder that has it all.</summary>
    public string Folder { get; }

    /// <summary>The known models, the user's own first, each name once.</summary>
    internal IEnumerable<CatalogEntry> Entries => _catalog.Entries.DistinctBy(entry => entry.Name, StringComparer.OrdinalIgnoreCase);

    /// <inheritdoc cref="ModelHttp.StallTimeout"/>
    internal TimeSpan StallTimeout => _http.StallTimeout;

    private string ModelsFolder => Path.Combine(Folder, "models");

    /// <summary>Downloads a model, unless it is there already; then no server is asked. To get a newer one, remove it first.</summary>
    /// <param name="name">The model; see <see cref="ModelStore"/>.</param>
    /// <param name="progress">Gets how far it is, several times a second at most, on the downloading threads.</param>
    /// <param name="cancellationToken">Stops the download; what is there is kept for the next time.</param>
    /// <exception cref="ArgumentException">The name is malformed.</exception>
    /// <exception cref="ModelDownloadException">The model could not be had or kept, or what came is not the model.</exception>
    /// <exception cref="ModelLoadException">There is no such name in the catalogue, or its model comes with a package.</exception>
    public async Task<StoredModel> PullAsync(string name, IProgress<ModelDownloadProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        (ModelSource source, CatalogVariant? variant) = SourceOf(name);
        try
        {
            return Find(source) ?? await PullAsync(name, source, variant, progress, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // What servers and connections do wrong has been told apart: this is the disk.
            throw new ModelDownloadException($"'{ModelHttp.Describe(name)}' cannot be kept in '{Folder}': {exception.Message}", exception);
        }
    }

    private async Task<StoredModel> PullAsync(string name, ModelSource source, CatalogVariant? variant, IProgress<ModelDownloadProgress>? progress, CancellationToken cancellationToken)
    {
        using DownloadMeter meter = new(progress, _settings.Time);
        Plan plan = await PlanAsync(source, variant, cancellationToken).ConfigureAwait(false);
        string first = plan.Items[0].Path;
        string lockPath = LockOf(first);
        using FileLock taken = await FileLock.AcquireAsync(lockPath, ReportOther, cancellationToken).ConfigureAwait(false);
        // Whoever had the lock may have brought it.
        if (TryOpen(first + StoredManifest.Ending) is { } brought)
            return brought;
        if (QuantisationName.IsCoarse(plan.Quantisation))
            LogCoarse(ModelHttp.Describe(name), plan.Quantisation!);
        (StoredModel model, bool isVouchedFor) = await DownloadAsync(plan, meter, cancellationToken).ConfigureAwait(false);
        if (!isVouchedFor)
            LogNoChecksum(ModelHttp.Describe(name));
        else if (variant is { Sha256: null })
            LogChecksumOfServer(name);
        return model;

        void ReportOther()
        {
            if (DownloadJournal.TryPeek(first + FileDownload.JournalEnding) is var (done, size))
                progress?.Report(new ModelDownloadProgress(Path.GetFileName(first), done, size, 0));
        }
    }

    /// <summary>The models that are there, whole, by name.</summary>
    /// <param name="cancellationToken">Stops the search.</param>
    public Task<IReadOnlyList<StoredModel>> ListAsync(CancellationToken cancellationToken = default) => Task.Run<IReadOnlyList<StoredModel>>(
        () => [.. ManifestsBelow(ModelsFolder, cancellationToken).Select(TryOpen).OfType<StoredModel>().OrderBy(model => model.Name, StringComparer.OrdinalIgnoreCase)],
        cancellationToken);

    /// <summary>Finds a model that is there, whole, without asking any server.</summary>
    /// <param name="name">The model; see <see cref="ModelStore"/>.</param>
    /// <returns>The model, or null where it is not there.</returns>
    /// <exception cref="ArgumentException">The name is malformed.</exception>
    /// <exception cref="ModelLoadException">There is no such name in the catalogue, or its model comes with a package.</exception>
    public StoredModel? Find(string name)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        return Find(SourceOf(name).Source);
    }

    /// <summary>Removes a model, or what has come of it so far.</summary>
    /// <param name="name">The model; see <see cref="ModelStore"/>.</param>
    /// <param name="cancellationToken">Stops before anything is removed.</param>
    /// <returns>Whether there was anything.</returns>
    /// <exception cref="ArgumentException">The name is malformed.</exception>
    /// <exception cref="ModelLoadException">There is no such name in the catalogue, or its model comes with a package.</exception>
    /// <exception cref="IOException">The model is being downloaded, or a file is in use.</exception>
    public Task<bool> RemoveAsync(string name, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        ModelSource source = SourceOf(name).Source;
        return Task.Run(() => Find(source) is { } stored ? Remove(stored) : RemovePartial(source), cancellationToken);
    }

    /// <summary>Reads all of a model's files again and compares them with what they were when they came.</summary>
    /// <param name="name">The model; see <see cref="ModelStore"/>.</param>
    /// <param name="progress">Gets how far it is.</param>
    /// <param name="cancellationToken">Stops the check.</param>
    /// <exception cref="ArgumentException">The name is malformed.</exception>
    /// <exception cref="ModelLoadException">The model is not there.</exception>
    public async Task<ModelVerification> VerifyAsync(string name, IProgress<ModelDownloadProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        StoredModel model = Find(name) ?? throw new ModelLoadException($"'{ModelHttp.Describe(name)}' has not been downloaded.");
        StoredManifest manifest = StoredManifest.TryRead(model.Path + StoredManifest.Ending) ?? throw new ModelLoadException($"'{ModelHttp.Describe(name)}' has been removed.");
        using DownloadMeter meter = new(progress, _settings.Time);
        meter.SetTotal(model.Size);
        List<string> problems = [];
        foreach (StoredFile file in manifest.Files)
        {
            string path = Path.Combine(Path.GetDirectoryName(model.Path)!, file.Name);
            meter.Begin(file.Name, 0);
            if (await ProblemOfAsync(path, file, cancellationToken).ConfigureAwait(false) is { } problem)
                problems.Add(problem);
            meter.Restart(file.Size);
            meter.End();
        }

        return new ModelVerification(model, problems);
    }

    /// <inheritdoc cref="ModelHttp.EnsureOnline"/>
    internal void EnsureOnline(Uri address) => _http.EnsureOnline(address);

    /// <summary>Finds the file to load for a catalogue name, a source or a path, and downloads it where that is wanted.</summary>
    internal async Task<(string Path, CatalogEntry? Entry)> ResolveAsync(
        string nameOrPath, ModelDownload download, IProgress<ModelDownloadProgress>? progress, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(nameOrPath);
        CatalogEntry? entry = null;
        if (!ModelSource.TryParse(nameOrPath, _endpoint, out _))
        {
            (string? path, entry) = await _catalog.ResolveAsync(nameOrPath, cancellationToken).ConfigureAwait(false);
            if (path is not null)
                return (path, entry);
        }

        StoredModel? model = Find(nameOrPath);
        if (model is null && download == ModelDownload.Never)
        {
            string shown = ModelHttp.Describe(nameOrPath);
            throw new ModelLoadException(
                $"'{shown}' has not been downloaded to '{Folder}'. Get it with 'embeddedllm pull {shown}' or {nameof(ModelStore)}.{nameof(PullAsync)}, " +
                $"or set {nameof(EmbeddedModelOptions)}.{nameof(EmbeddedModelOptions.Download)} to {nameof(ModelDownload.IfMissing)}.");
        }

        model ??= await PullAsync(nameOrPath, progress, cancellationToken).ConfigureAwait(false);
        return (model.Path, entry ?? EntryOf(StoredManifest.TryRead(model.Path + StoredManifest.Ending), out _));
    }

    private (ModelSource Source, CatalogVariant? Variant) SourceOf(string name)
    {
        if (ModelSource.TryParse(name, _endpoint, out ModelSource? source))
            return (source, null);
        if (_catalog.Find(name) is not var (entry, quantisation))
        {
            throw new ModelLoadException(
                $"'{name}' is neither hf:owner/repository, an address, nor a name in the catalogue, which has: {string.Join(", ", _catalog.Entries.Where(e => e.Package is null).Select(e => e.Name).Distinct(StringComparer.OrdinalIgnoreCase))}.");
        }

        if (entry.Package is { } package)
            throw new ModelLoadException($"The model '{entry.Name}' comes with the NuGet package {package} and is not downloaded.");
        CatalogVariant variant = entry.FindVariant(quantisation)
            ?? throw new ModelLoadException($"The catalogue has '{entry.Name}' quantised as {string.Join(", ", entry.Variants!.Select(v => v.Quantisation))}, not as {quantisation}; hf:{entry.Repository}:{quantisation} looks in its repository.");
        return (entry.SourceOf(variant), variant);
    }

    /// <summary>The catalogue's entry of a stored model.</summary>
    private CatalogEntry? EntryOf(StoredManifest? manifest, out CatalogVariant? variant)
    {
        variant = null;
        foreach (CatalogEntry entry in _catalog.Entries)
        {
            if (entry.Repository is not { } repository || manifest is null || !manifest.Source.StartsWith($"hf:{repository}/", StringComparison.OrdinalIgnoreCase))
                continue;
            variant = Array.Find(entry.Variants!, variant => entry.SourceOf(variant).Names(manifest));
            if (variant is not null)
                return entry;
        }

        return null;
    }

    private static Uri EndpointOfEnvironment()
    {
        const string Variable = "HF_ENDPOINT";
        string text = Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } given ? given : "https://huggingface.co";
        return Uri.TryCreate(text, UriKind.Absolute, out Uri? endpoint) && (endpoint.Scheme == Uri.UriSchemeHttps || endpoint.Scheme == Uri.UriSchemeHttp)
            ? endpoint
            : throw new ArgumentException($"The environment variable {Variable} is '{text}', which is no http or https address.");
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Model} is quantised as {Quantisation}: with less than three bits a weight, answers are noticeably worse than with Q4_K_M.")]
    private partial void LogCoarse(string model, string quantisation);

    [LoggerMessage(Level = LogLevel.Information, Message = "The catalogue has no SHA-256 of {Model}: what came has the one that the server names.")]
    private partial void LogChecksumOfServer(string model);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Nobody names a SHA-256 of {Model}: what came was only found to be a whole GGUF file.")]
    private partial void LogNoChecksum(string model);
}
