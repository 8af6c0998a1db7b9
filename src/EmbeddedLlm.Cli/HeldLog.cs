using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace EmbeddedLlm.Cli;

/// <summary>
/// Holds what the store says of a model, since lines would break up the bar that is on the screen meanwhile. What it says of single attempts is for <c>--verbose</c>. Thread-safe.
/// </summary>
internal sealed class HeldLog : ILoggerFactory, ILogger
{
    private readonly ConcurrentQueue<string> _lines = new();

    public ILogger CreateLogger(string categoryName) => categoryName == "EmbeddedLlm.Catalog" ? this : NullLogger.Instance;

    public bool IsEnabled(LogLevel logLevel) => logLevel is >= LogLevel.Information and < LogLevel.None;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (IsEnabled(logLevel))
            _lines.Enqueue(formatter(state, exception));
    }

    public void WriteTo(Terminal terminal)
    {
        while (_lines.TryDequeue(out string? line))
            terminal.Note(line);
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException("The log is held for standard error and goes nowhere else.");

    public void Dispose()
    {
    }
}
