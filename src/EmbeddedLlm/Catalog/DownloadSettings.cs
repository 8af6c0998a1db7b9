using Polly;
using Polly.Retry;

namespace EmbeddedLlm.Catalog;

/// <summary>How a file is downloaded; tests set what the machine or the clock would.</summary>
internal sealed record DownloadSettings
{
    /// <summary>How many bytes a download of unknown length leaves free on the disk.</summary>
    public const long SpaceToLeave = 256L << 20;

    public int Connections { get; init; } = 1;

    public int MaxRetries { get; init; } = 5;

    /// <summary>The first wait before a request is tried again; further ones double.</summary>
    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The smallest part worth a connection of its own, in bytes.</summary>
    public long SmallestSegment { get; init; } = 8L << 20;

    /// <summary>How many bytes may come before the journal is written again.</summary>
    public long JournalInterval { get; init; } = 4L << 20;

    public TimeProvider Time { get; init; } = TimeProvider.System;

    public Func<string, PartialFile> OpenPartial { get; init; } = path => new PartialFile(path);

    /// <summary>How many bytes fit into a folder's disk; null where that cannot be told.</summary>
    public Func<string, long?> FreeSpace { get; init; } = DiskSpace.FreeIn;

    /// <summary>Tries again what failed for a reason that may pass, later each time, or when the server says.</summary>
    /// <param name="retrying">Called ahead of each further attempt, with what went wrong.</param>
    public ResiliencePipeline CreatePipeline(Action<Exception?, TimeSpan> retrying)
    {
        if (MaxRetries == 0)
            return ResiliencePipeline.Empty;
        return new ResiliencePipelineBuilder { TimeProvider = Time }.AddRetry(new RetryStrategyOptions
        {
            ShouldHandle = arguments => ValueTask.FromResult(arguments.Outcome.Exception is ModelDownloadException { IsTransient: true }),
            MaxRetryAttempts = MaxRetries,
            BackoffType = DelayBackoffType.Exponential,
            UseJitter = true,
            Delay = RetryDelay,
            MaxDelay = TimeSpan.FromSeconds(60),
            DelayGenerator = arguments => ValueTask.FromResult((arguments.Outcome.Exception as ModelDownloadException)?.RetryAfter),
            OnRetry = arguments =>
            {
                retrying(arguments.Outcome.Exception, arguments.RetryDelay);
                return ValueTask.CompletedTask;
            },
        }).Build();
    }
}
