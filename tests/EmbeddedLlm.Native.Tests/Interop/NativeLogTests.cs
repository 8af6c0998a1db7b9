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
    public void LoadsThatGoWellOnAnotherThreadDoNotPushItOut()
    {
        long mark = Mark();
        string file = FailToLoad();
        Thread other = new(() =>
        {
            for (int i = 0; i < 5; i++)
                ModelHandle.Load(TestPaths.Starter, NativeMethods.llama_model_default_params()).Dispose();
        });
        other.Start();
        other.Join();
        Assert.True(NativeLog.Mark() > mark + 100);
        Assert.Contains(NativeLog.Since(mark, Environment.CurrentManagedThreadId), line => Mentions(line.Text, file));
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

    /// <summary>As it is where an application loads several models.</summary>
    [Fact]
    public void ALoggerThatIsRegisteredTwiceGetsEachLineOnceAsLongAsItIsRegistered()
    {
        Mark();
        var logger = new ListLogger();
        string both, one;
        using (NativeLog.Register(logger))
        {
            using (NativeLog.Register(logger))
                both = FailToLoad();
            one = FailToLoad();
        }

        string[] lines = [.. logger.Lines.Where(line => Mentions(line.Text, both)).Select(line => line.Text)];
        Assert.NotEmpty(lines);
        Assert.Equal(lines.Distinct(), lines);
        Assert.Contains(logger.Lines, line => Mentions(line.Text, one));
    }

    /// <summary>The cells of all requests are more than one was trained for, and to pool is what embeddings are asked for: neither is amiss.</summary>
    [Fact]
    public async Task ALoadWithUsualOptionsWarnsOfNothing()
    {
        var logger = new ListLogger();
        using ListLoggerFactory loggers = new(logger);
        await using EmbeddedModel model = await EmbeddedModel.LoadAsync("starter", new() { MaxSequences = 8, LoggerFactory = loggers }, cancellationToken: TestContext.Current.CancellationToken);
        await model.AsEmbeddingGenerator().GenerateAsync(["Hello"], cancellationToken: TestContext.Current.CancellationToken);
        Assert.True(model.CacheLength > model.Info.ContextLength);
        Assert.Contains(logger.Lines, line => line.Level == LogLevel.Debug && NativeLog.IsMistaken(line.Text));
        Assert.DoesNotContain(logger.Lines, line => line.Level == LogLevel.Warning && NativeLog.IsMistaken(line.Text));
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

    private sealed class ListLoggerFactory(ListLogger logger) : ILoggerFactory
    {
        public ILogger CreateLogger(string categoryName) => logger;

        public void AddProvider(ILoggerProvider provider)
        {
        }

        public void Dispose()
        {
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
