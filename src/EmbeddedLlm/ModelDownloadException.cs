using System.Net;

namespace EmbeddedLlm;

/// <summary>
/// A model could not be downloaded, or what came was not the model. What is already there is kept, and the next attempt goes on from it, unless the message says that it was wrong.
/// </summary>
public sealed class ModelDownloadException : EmbeddedLlmException
{
    /// <summary>Creates the exception with a message and, where there is one, its cause.</summary>
    public ModelDownloadException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }

    /// <summary>The server's answer, where that is what went wrong.</summary>
    public HttpStatusCode? StatusCode { get; init; }

    /// <summary>Whether the same request may succeed later.</summary>
    public bool IsTransient { get; init; }

    /// <summary>How long the server asks to wait.</summary>
    internal TimeSpan? RetryAfter { get; init; }
}
