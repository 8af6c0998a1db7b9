using EmbeddedLlm.Interop;
using Microsoft.Extensions.Logging;

namespace EmbeddedLlm.Native.Tests.Interop;

public sealed class NativeLogTests
{
    [Fact]
    public void AFailedLoadLeavesItsReasonInTheLog()
    {
        long mark = Mark();
        string file = FailToLoad();
        Assert.Contains(NativeLog.Since(mark, Environment.CurrentManagedThreadId), line => line.Level == LogLevel.Error && Mentions(line.Text, file));
    }

    [Fact]
    public void ARegisteredLoggerGetsLinesUntilDisposed()
    {
        Mark();
        var logger = new ListLogger();
        string during, after;
        using (NativeLog.Register(logger))
            during = FailToLoad();
        after = FailToLoad();

        Assert.Contains(logger.Lines, line => line.Level == LogLevel.Error && Mentions(line.Text, during));
        Assert.DoesNotContain(logger.Lines, line => Mentions(line.Text, after));
    }

    [Fact]
    public void ALoggerThatThrowsDoesNotKeepLinesFromOthers()
    {
        Mark();
        var logger = new ListLogger();
        using IDisposable first = NativeLog.Register(new ThrowingLogger());
        using IDisposable second = NativeLog.Register(logger);

        string file = FailToLoad();

        Assert.Contains(logger.Lines, line => Mentions(line.Text, file));
    }

    [Fact]
    public void LinesBeforeAMarkAreNotGivenAfterIt()
    {
        Mark();
        string file = FailToLoad();
        Assert.DoesNotContain(NativeLog.Since(NativeLog.Mark()), line => Mentions(line.Text, file));
    }

    private static bool Mentions(string text, string file) => text.Contains(file, StringComparison.Ordinal);

    private static long Mark()
    {
        NativeLibraryLoader.Load();
        return NativeLog.Mark();
    }

    /// <summary>Loads a model that does not exist; its name is unique, since other tests log at the same time.</summary>
    private static string FailToLoad()
    {
        string name = $"{Guid.NewGuid():N}.gguf";
        using ModelHandle model = ModelHandle.Load(Path.Combine(Path.GetTempPath(), name), NativeMethods.llama_model_default_params());
        Assert.True(model.IsInvalid);
        return name;
    }

    private sealed class ListLogger : ILogger
    {
        private readonly List<(LogLevel Level, string Text)> _lines = [];

        public IReadOnlyList<(LogLevel Level, string Text)> Lines
        {
            get
            {
                lock (_lines)
                    return [.. _lines];
            }
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (_lines)
                _lines.Add((logLevel, formatter(state, exception)));
        }
    }

    private sealed class ThrowingLogger : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            throw new InvalidOperationException("a broken logger");
    }
}
