using EmbeddedLlm.Catalog;
using EmbeddedLlm.Gguf;
using EmbeddedLlm.Runtime;

namespace EmbeddedLlm;

/// <content>What can be said of a model without loading it.</content>
public sealed partial class EmbeddedModel
{
    // Buffers and a KV cache of usual length of a model whose header is not there: about a tenth of the weights, and what even the smallest take.
    private const int EstimatedShare = 10;
    private const long EstimatedLeast = 64L << 20;

    private static readonly HttpClient Http = new();

    /// <summary>Works out what memory a model takes with given options and what there is, without loading it: from the header of its file.</summary>
    /// <param name="nameOrPath">A name in the catalogue, the path of a .gguf file, or the http or https address of one, of which only the header is read.</param>
    /// <param name="options">How it would be loaded.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="ArgumentException">An option makes no sense.</exception>
    /// <exception cref="DeviceUnavailableException">The options ask for a GPU that cannot be used.</exception>
    /// <exception cref="ModelLoadException">There is no such model, or it cannot have a KV cache of the types asked for.</exception>
    /// <exception cref="ModelDownloadException">An address is given, and nothing may be asked of a network.</exception>
    /// <exception cref="GgufFormatException">The file is damaged or no GGUF file.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    public static async Task<MemoryPlan> PlanAsync(string nameOrPath, EmbeddedModelOptions? options = null, CancellationToken cancellationToken = default)
    {
        options = EmbeddedModelOptions.Fix(options);
        IReadOnlyList<GgufFile> files = await ReadHeadersAsync(StoreOf(options), nameOrPath, cancellationToken).ConfigureAwait(false);
        MachineMemory machine = await Task.Run(() => MachineMemory.Read(options), cancellationToken).ConfigureAwait(false);
        MemoryPlan plan = await Task.Run(() => Plan(files, nameOrPath, options, machine), cancellationToken).ConfigureAwait(false);
        ContextPlan.EnsureBlocksFit(GgufModelInfo.From(files), options);
        return plan;
    }

    /// <summary>Reads the headers of a model's files without loading it: metadata, tensors, chat template, tokenizer. <see cref="GgufModelInfo.From(IReadOnlyList{GgufFile})"/> sums them up.</summary>
    /// <param name="nameOrPath">A name in the catalogue, the path of a .gguf file, or the http or https address of one, of which only the header is read.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>One header for each file that the model is split over.</returns>
    /// <exception cref="ModelLoadException">There is no such model.</exception>
    /// <exception cref="ModelDownloadException">An address is given, and nothing may be asked of a network.</exception>
    /// <exception cref="GgufFormatException">A file is damaged or no GGUF file.</exception>
    /// <exception cref="IOException">A file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">A file may not be read.</exception>
    public static Task<IReadOnlyList<GgufFile>> ReadHeadersAsync(string nameOrPath, CancellationToken cancellationToken = default) =>
        ReadHeadersAsync(new ModelStore(), nameOrPath, cancellationToken);

    private static async Task<IReadOnlyList<GgufFile>> ReadHeadersAsync(ModelStore store, string nameOrPath, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(nameOrPath);
        if (Uri.TryCreate(nameOrPath, UriKind.Absolute, out Uri? address) && (address.Scheme == Uri.UriSchemeHttp || address.Scheme == Uri.UriSchemeHttps))
        {
            store.EnsureOnline(address);
            GgufFile first = await RemoteHeader.ReadAsync(new HttpRemoteFile(Http, address, store.StallTimeout), cancellationToken).ConfigureAwait(false);
            List<GgufFile> parts = [first];
            long bytes = first.DataOffset;
            foreach (string path in GgufSplitChecks.OtherPaths(first, address.AbsolutePath))
            {
                parts.Add(await RemoteHeader.ReadAsync(new HttpRemoteFile(Http, new UriBuilder(address) { Path = path }.Uri, store.StallTimeout), cancellationToken).ConfigureAwait(false));
                // A server may call a model split over as many files as it likes.
                bytes += parts[^1].DataOffset;
                if (bytes > RemoteHeader.MostBytes)
                    throw new IOException($"The headers of the files of '{ModelHttp.Describe(address)}' are longer than {RemoteHeader.MostBytes >> 20} MiB.");
            }

            return parts;
        }

        (string file, _) = await store.ResolveAsync(nameOrPath, ModelDownload.Never, progress: null, cancellationToken).ConfigureAwait(false);
        try
        {
            return await Task.Run(() => GgufFile.OpenParts(file), cancellationToken).ConfigureAwait(false);
        }
        catch (GgufFormatException exception)
        {
            throw exception.In(file);
        }
    }

    private static ModelStore StoreOf(EmbeddedModelOptions options) => new(options.Store ?? new ModelStoreOptions(), options.LoggerFactory);

    /// <summary>
    /// The models of the catalogue that this machine can run, the best first: the largest of those that make at least ten tokens per second, then the rest by their speed. Where the options name a
    /// <see cref="EmbeddedModelOptions.ContextLength"/>, those that were made for shorter contexts are left out. A model whose file cannot be used counts as one that is not there.
    /// </summary>
    /// <param name="options">How they would be loaded.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="ArgumentException">An option makes no sense.</exception>
    /// <exception cref="ModelLoadException">The user's own catalogue cannot be read, or something in it is wrong.</exception>
    /// <exception cref="DeviceUnavailableException">The options ask for a GPU that cannot be used.</exception>
    public static async Task<IReadOnlyList<ModelRecommendation>> RecommendAsync(EmbeddedModelOptions? options = null, CancellationToken cancellationToken = default)
    {
        options = EmbeddedModelOptions.Fix(options);
        (MachineMemory machine, double bandwidth) = await Task.Run(() => (MachineMemory.Read(options), MemoryBandwidth.EstimateDecoding()), cancellationToken).ConfigureAwait(false);
        ModelStore store = StoreOf(options);
        List<ModelRecommendation> fitting = [];
        foreach (CatalogEntry entry in store.Entries)
        {
            if (entry.ContextLength < options.ContextLength)
                continue;
            if (await RecommendAsync(store, entry, options, machine, bandwidth, cancellationToken).ConfigureAwait(false) is { } recommendation)
                fitting.Add(recommendation);
        }

        return Rank(fitting);
    }

    internal static IReadOnlyList<ModelRecommendation> Rank(IEnumerable<ModelRecommendation> models)
    {
        const double Fluent = 10;
        return [.. models.OrderByDescending(model => model.TokensPerSecond is not < Fluent)
            .ThenByDescending(model => model.TokensPerSecond is not < Fluent ? model.Parameters : model.TokensPerSecond)];
    }

    private static async Task<ModelRecommendation?> RecommendAsync(
        ModelStore store, CatalogEntry entry, EmbeddedModelOptions options, MachineMemory machine, double bandwidth, CancellationToken cancellationToken)
    {
        long parameters = entry.Parameters ?? 0;
        try
        {
            IReadOnlyList<GgufFile> files = await ReadHeadersAsync(store, entry.Name, cancellationToken).ConfigureAwait(false);
            MemoryPlan plan = Plan(files, entry.Name, options, machine);
            double? speed = plan.GpuLayers > 0 ? null : bandwidth / Math.Max(1, plan.BytesPerToken);
            return plan.Fits && ContextPlan.FindMisfit(GgufModelInfo.From(files), options) is null ? new ModelRecommendation(entry.Name, entry.Description, parameters, plan.TotalBytes, IsEstimate: false, speed) : null;
        }
        catch (Exception exception) when (exception is ModelLoadException or GgufFormatException or IOException or UnauthorizedAccessException)
        {
            // Not on this machine yet, or to be downloaded again.
            long size = entry.EstimateSize();
            long bytes = size + Math.Max(EstimatedLeast, size / EstimatedShare) + EstimateCache(entry, options);
            bool fitsGpu = machine.Gpus.Any(gpu => bytes <= gpu.Available);
            return fitsGpu || machine.Main is not { } available || bytes <= available
                ? new ModelRecommendation(entry.Name, entry.Description, parameters, bytes, IsEstimate: true, fitsGpu ? null : bandwidth / Math.Max(1, entry.EstimateBytesPerToken()))
                : null;
        }
    }

    /// <summary>The bytes of a KV cache as long as the options ask for; 0 where they leave its length to the memory that there is.</summary>
    private static long EstimateCache(CatalogEntry entry, EmbeddedModelOptions options)
    {
        // A number of the cache, in its usual type of two bytes.
        const int Sample = 256;
        if ((options.CacheLength ?? options.ContextLength) is not { } cells)
            return 0;
        long bytes = GgmlTypes.RowBytes(ContextPlan.GgufType(options.KeyCacheType), Sample) + GgmlTypes.RowBytes(ContextPlan.GgufType(options.ValueCacheType), Sample);
        return (long)(entry.EstimateCellBytes() * ((double)bytes / (4 * Sample)) * cells);
    }

    private static MemoryPlan Plan(IReadOnlyList<GgufFile> files, string name, EmbeddedModelOptions options, MachineMemory machine)
    {
        GgufModelValidator.Validate(files);
        return new MemoryPlanner(new ModelMemory(files), options, machine).Choose(name).Plan;
    }
}
