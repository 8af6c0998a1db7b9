using System.Net;
using System.Net.Http.Headers;

namespace EmbeddedLlm.Catalog;

/// <summary>
/// Asks servers for files. It follows redirects itself: the token must not come along to another host, and what the hub says of a file is in the headers of its redirect.
/// </summary>
internal sealed class ModelHttp(Uri endpoint, string? token, bool isOffline, TimeSpan stallTimeout)
{
    private const int MostRedirects = 10;
    private static readonly TimeSpan MostPatience = TimeSpan.FromMinutes(2);

    /// <summary>One for the process: connections are shared, and renewed so that a changed address is noticed. Proxies are those of the environment.</summary>
    private static readonly HttpClient Client = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.None,
        UseCookies = false,
        ConnectTimeout = TimeSpan.FromSeconds(20),
        PooledConnectionLifetime = TimeSpan.FromMinutes(10),
    })
    {
        Timeout = Timeout.InfiniteTimeSpan,
    };

    /// <summary>How long a server may send nothing.</summary>
    public TimeSpan StallTimeout => stallTimeout;

    public static bool IsSameOrigin(Uri a, Uri b) =>
        a.Scheme == b.Scheme && a.Port == b.Port && a.IdnHost.Equals(b.IdnHost, StringComparison.OrdinalIgnoreCase);

    /// <summary>An address as messages have it: what is behind its question mark is left out, since that may be a signature or a token, which no log is to hold.</summary>
    public static string Describe(Uri address) => WithoutQuery(address.ToString());

    /// <summary>A model's name as messages have it: as it is, or as <see cref="Describe(Uri)"/> has it where it is an address.</summary>
    public static string Describe(string name) =>
        name.StartsWith("https://", StringComparison.OrdinalIgnoreCase) || name.StartsWith("http://", StringComparison.OrdinalIgnoreCase) ? WithoutQuery(name) : name;

    private static string WithoutQuery(string text)
    {
        // Schemes that have no query keep it as a part of the path, escaped.
        int end = text.IndexOf('?') is >= 0 and var mark ? mark : text.IndexOf("%3F", StringComparison.OrdinalIgnoreCase);
        return end < 0 ? text : text[..end] + "?…";
    }

    /// <exception cref="ModelDownloadException">Nothing may be asked of a network.</exception>
    public void EnsureOnline(Uri address)
    {
        if (isOffline)
            throw new ModelDownloadException($"'{Describe(address)}' would have to be asked for, and offline mode ({nameof(ModelStoreOptions)}.{nameof(ModelStoreOptions.Offline)} or EMBEDDEDLLM_OFFLINE) forbids it.");
    }

    /// <summary>Sends a request and returns the answer behind all redirects, as soon as its headers are there.</summary>
    /// <param name="address">What to get.</param>
    /// <param name="range">Which part of it; null for all without ranges.</param>
    /// <param name="validator">The mark of the content of which the range is wanted; the server sends all of another content.</param>
    /// <param name="cancellationToken">Stops the request.</param>
    /// <exception cref="ModelDownloadException">There is no answer.</exception>
    public async Task<ModelResponse> GetAsync(Uri address, RangeHeaderValue? range, string? validator, CancellationToken cancellationToken)
    {
        EnsureOnline(address);
        bool isAtHome = true;
        HubHeaders hub = default;
        Uri current = address;
        for (int hop = 0; hop <= MostRedirects; hop++)
        {
            // Once another host has had a say, the way back is not trusted either.
            isAtHome &= IsSameOrigin(current, endpoint);
            HttpResponseMessage response = await SendAsync(current, range, validator, isAtHome, cancellationToken).ConfigureAwait(false);
            hub = hub.Or(HubHeaders.Of(response));
            if (!IsRedirect(response.StatusCode))
                return new ModelResponse(response, address, hub);

            using (response)
                current = Follow(current, response.Headers.Location);
        }

        throw new ModelDownloadException($"'{Describe(address)}' redirects more than {MostRedirects} times.");
    }

    /// <summary>Turns an answer that is no content into the exception that says so.</summary>
    public ModelDownloadException Refusal(ModelResponse response)
    {
        string from = $"'{Describe(response.Address)}': the server answers {(int)response.Status} ({response.Status})";
        TimeSpan? retryAfter = response.RetryAfter;
        bool mayPass = response.Status is HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests or HttpStatusCode.InternalServerError
            or HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout;
        string message = response.Status switch
        {
            HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden when !IsSameOrigin(response.Address, endpoint) =>
                $"{from}. It asks for a login, and none is sent: a token goes to '{endpoint}' alone.",
            HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden when token is null =>
                $"{from}. There is no such repository, or it asks for a token: accept the model's terms on its page, create an access token and set it as HF_TOKEN.",
            HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden =>
                $"{from}. The token is not valid here or gives no access: accept the model's terms on its page, with the account that the token belongs to.",
            HttpStatusCode.NotFound or HttpStatusCode.Gone => $"{from}. There is no such file.",
            _ when mayPass && retryAfter > MostPatience => $"{from} and wants to be left alone for {retryAfter}.",
            _ => $"{from}.",
        };
        return new ModelDownloadException(message)
        {
            StatusCode = response.Status,
            IsTransient = mayPass && !(retryAfter > MostPatience),
            RetryAfter = retryAfter,
        };
    }

    private async Task<HttpResponseMessage> SendAsync(Uri address, RangeHeaderValue? range, string? validator, bool isAtHome, CancellationToken cancellationToken)
    {
        using HttpRequestMessage request = new(HttpMethod.Get, address);
        request.Headers.UserAgent.Add(new ProductInfoHeaderValue("EmbeddedLlm", typeof(ModelHttp).Assembly.GetName().Version?.ToString(3)));
        request.Headers.Range = range;
        if (validator is not null)
            request.Headers.IfRange = RangeConditionHeaderValue.Parse(validator);
        // Without TLS whoever carries the request reads the token.
        if (token is not null && isAtHome && (address.Scheme == Uri.UriSchemeHttps || address.IsLoopback))
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);

        using CancellationTokenSource stall = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        stall.CancelAfter(stallTimeout);
        try
        {
            return await Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, stall.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new ModelDownloadException($"'{Describe(address)}': the server did not answer within {stallTimeout.TotalSeconds:0.#} seconds.", exception) { IsTransient = true };
        }
        catch (HttpRequestException exception)
        {
            bool mayPass = exception.HttpRequestError is not (HttpRequestError.SecureConnectionError or HttpRequestError.UserAuthenticationError or HttpRequestError.ConfigurationLimitExceeded);
            throw new ModelDownloadException($"'{Describe(address)}' cannot be reached: {exception.Message}", exception) { IsTransient = mayPass };
        }
    }

    private static bool IsRedirect(HttpStatusCode status) =>
        status is HttpStatusCode.MovedPermanently or HttpStatusCode.Found or HttpStatusCode.SeeOther or HttpStatusCode.TemporaryRedirect or HttpStatusCode.PermanentRedirect;

    private static Uri Follow(Uri from, Uri? location)
    {
        if (location is null || !Uri.TryCreate(from, location, out Uri? target))
            throw new ModelDownloadException($"'{Describe(from)}' redirects to nowhere.");
        bool isWeb = target.Scheme == Uri.UriSchemeHttps || (target.Scheme == Uri.UriSchemeHttp && from.Scheme == Uri.UriSchemeHttp);
        return isWeb ? target : throw new ModelDownloadException($"'{Describe(from)}' redirects to '{Describe(target)}', which is less safe than where it comes from.");
    }
}

/// <summary>What the hub says of a file it redirects from.</summary>
/// <param name="Sha256">The file's SHA-256.</param>
/// <param name="Size">Its size in bytes.</param>
/// <param name="Commit">The commit it is of.</param>
internal readonly record struct HubHeaders(string? Sha256, long? Size, string? Commit)
{
    public static HubHeaders Of(HttpResponseMessage response)
    {
        string? tag = Value(response, "X-Linked-ETag")?.Trim('"');
        bool isSha256 = tag is { Length: 64 } && tag.All(char.IsAsciiHexDigit);
        bool hasSize = long.TryParse(Value(response, "X-Linked-Size"), out long size) && size > 0;
        string? commit = Value(response, "X-Repo-Commit");
        return new HubHeaders(isSha256 ? tag!.ToLowerInvariant() : null, hasSize ? size : null, commit is { Length: <= 64 } && commit.All(char.IsAsciiHexDigit) ? commit : null);
    }

    /// <summary>These, and what they leave open from others.</summary>
    public HubHeaders Or(HubHeaders others) => new(Sha256 ?? others.Sha256, Size ?? others.Size, Commit ?? others.Commit);

    private static string? Value(HttpResponseMessage response, string name) => response.Headers.TryGetValues(name, out IEnumerable<string>? values) ? values.First() : null;
}

/// <summary>An answer whose content has not been read yet.</summary>
internal sealed class ModelResponse(HttpResponseMessage message, Uri address, HubHeaders hub) : IDisposable
{
    /// <summary>What was asked for.</summary>
    public Uri Address => address;

    public HubHeaders Hub => hub;

    public HttpStatusCode Status => message.StatusCode;

    public HttpContent Content => message.Content;

    public HttpHeaders Headers => message.Headers;

    /// <summary>The content's mark, where it stands for its very bytes.</summary>
    public string? ETag => message.Headers.ETag is { IsWeak: false, Tag: ['"', ..] } tag ? tag.ToString() : null;

    /// <summary>Where the sent part begins and how long the whole is; null where the server sends no part.</summary>
    public ContentRangeHeaderValue? Range => Status == HttpStatusCode.PartialContent && Content.Headers.ContentRange is { Unit: "bytes", HasRange: true } range ? range : null;

    public TimeSpan? RetryAfter => message.Headers.RetryAfter switch
    {
        { Delta: { } delta } => delta,
        { Date: { } date } when date > DateTimeOffset.UtcNow => date - DateTimeOffset.UtcNow,
        _ => null,
    };

    public void Dispose() => message.Dispose();
}
