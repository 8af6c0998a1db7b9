using Microsoft.Extensions.Logging;

namespace EmbeddedLlm;

/// <summary>Where models are kept, and how they are downloaded.</summary>
/// <remarks>The options are read once, when the store is created; changing them afterwards has no effect.</remarks>
public sealed class ModelStoreOptions
{
    /// <summary>
    /// The folder of all that is downloaded. Default: the environment variable <c>EMBEDDEDLLM_HOME</c>, else <c>embeddedllm</c> in the user's caches: <c>XDG_CACHE_HOME</c> or <c>~/.cache</c> on
    /// Linux, <c>~/Library/Caches</c> on macOS, the local application data on Windows.
    /// </summary>
    public string? Folder { get; set; }

    /// <summary>The model hub's base address. Default: the environment variable <c>HF_ENDPOINT</c>, else <c>https://huggingface.co</c>.</summary>
    public Uri? Endpoint { get; set; }

    /// <summary>
    /// The access token, sent to the hub's own scheme, host and port and to nobody else, wherever the hub redirects to, and not in clear text over a network. Default: the environment variable
    /// <c>HF_TOKEN</c>.
    /// </summary>
    public string? Token { get; set; }

    /// <summary>Whether nothing may be asked of a network. Default: whether the environment variable <c>EMBEDDEDLLM_OFFLINE</c> is <c>1</c> or <c>true</c>.</summary>
    public bool? Offline { get; set; }

    /// <summary>How many parts of a file are downloaded at the same time, from 1 to 16. Default: 1.</summary>
    public int Connections { get; set; } = 1;

    /// <summary>How often in a row a request is tried again that failed for a reason that may pass and brought nothing new. Default: 5.</summary>
    public int MaxRetries { get; set; } = 5;

    /// <summary>How long a server may send nothing before the connection is given up and another is made. Default: 30 seconds.</summary>
    public TimeSpan StallTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// A catalogue of one's own in the format of <c>models.json</c>; its names go before the library's. Default: the environment variable <c>EMBEDDEDLLM_MODELS</c>, else <c>models.json</c> in
    /// <see cref="Folder"/> where there is one.
    /// </summary>
    public string? CatalogPath { get; set; }

    /// <summary>Where log lines go. Default: nowhere.</summary>
    public ILoggerFactory? LoggerFactory { get; set; }

    /// <summary>A copy that nobody else changes.</summary>
    internal ModelStoreOptions Copy() => (ModelStoreOptions)MemberwiseClone();

    /// <summary>Throws <see cref="ArgumentException"/>, naming the option, where a value makes no sense.</summary>
    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(Connections, 1, nameof(Connections));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Connections, 16, nameof(Connections));
        ArgumentOutOfRangeException.ThrowIfNegative(MaxRetries, nameof(MaxRetries));
        EmbeddedModelOptions.ThrowIfNoTimeout(StallTimeout, nameof(StallTimeout));
        if (Endpoint is { } endpoint && !(endpoint.IsAbsoluteUri && (endpoint.Scheme == Uri.UriSchemeHttps || endpoint.Scheme == Uri.UriSchemeHttp)))
            throw new ArgumentException($"'{endpoint}' is no http or https address.", nameof(Endpoint));
    }
}

/// <summary>What happens where a model is named that is not on the machine yet.</summary>
public enum ModelDownload
{
    /// <summary>The load ends with <see cref="ModelLoadException"/>, which says how to get the model.</summary>
    Never,

    /// <summary>The model is downloaded, which may take gigabytes and minutes, and kept for the next time.</summary>
    IfMissing,
}
