using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;

namespace EmbeddedLlm.Interop;

/// <summary>A line that native code logged.</summary>
/// <param name="Number">Counts all lines of the process, from 1.</param>
/// <param name="ThreadId">The managed id of the thread that logged it.</param>
/// <param name="Level">The level that loggers get.</param>
/// <param name="Text">Without a line end.</param>
internal readonly record struct NativeLogLine(long Number, int ThreadId, LogLevel Level, string Text);

/// <summary>
/// llama.cpp's log, which is one for the process: whole lines go to every registered logger, once however many models it is registered for (to none: silence), and the last few are kept,
/// so that a failed load can say llama.cpp's own reason. Thread-safe; called back on any native thread.
/// </summary>
internal static unsafe partial class NativeLog
{
    private const int Kept = 32;

    private static readonly Lock Gate = new();

    // Apart, so that a load that goes well on another thread, at length, does not push out why this one fails.
    private static readonly Queue<NativeLogLine> RecentWarnings = new(Kept);
    private static readonly Queue<NativeLogLine> RecentOthers = new(Kept);
    private static ImmutableArray<Registration> _loggers = [];
    private static long _count;

    // Threads log at the same time (loading, computing), each its own pieces.
    [ThreadStatic]
    private static LogLineAssembler? _assembler;

    /// <summary>Sends all lines from now on to <paramref name="logger"/>, until disposed.</summary>
    public static IDisposable Register(ILogger logger)
    {
        var registration = new Registration(logger);
        ImmutableInterlocked.Update(ref _loggers, static (loggers, added) => loggers.Add(added), registration);
        return registration;
    }

    /// <summary>A point in the log, for <see cref="Since"/>.</summary>
    public static long Mark()
    {
        lock (Gate)
            return _count;
    }

    /// <summary>The lines after a mark, oldest first: the last 32 warnings and errors at most, and as many others. With <paramref name="thread"/>, those of that thread only.</summary>
    public static IReadOnlyList<NativeLogLine> Since(long mark, int? thread = null)
    {
        lock (Gate)
            return [.. RecentWarnings.Concat(RecentOthers).Where(line => line.Number > mark && (thread is null || line.ThreadId == thread)).OrderBy(line => line.Number)];
    }

    /// <summary>Takes over the callbacks of llama.cpp and ggml. By the loader, before anything else can log.</summary>
    internal static void Attach()
    {
        NativeMethods.llama_log_set(&OnLog, null);
        NativeMethods.ggml_set_abort_callback(&OnAbort);
    }

    /// <summary>Below the caller is native code, which an exception must never reach; a line that cannot be delivered is dropped.</summary>
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnLog(ggml_log_level level, byte* text, void* userData)
    {
        try
        {
            _assembler ??= new LogLineAssembler(static (lineLevel, line) => Deliver(ToLogLevel(lineLevel), line));
            _assembler.Append(level, MemoryMarshal.CreateReadOnlySpanFromNullTerminated(text));
        }
        catch (Exception)
        {
        }
    }

    /// <summary>
    /// ggml is about to end the process. Loggers may not get to write before it does, so the message goes to standard error as well, where
    /// it would have gone without this callback.
    /// </summary>
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnAbort(byte* message)
    {
        try
        {
            string text = Marshal.PtrToStringUTF8((nint)message) ?? "";
            Console.Error.WriteLine(text);
            Console.Error.Flush();
            Deliver(LogLevel.Critical, text);
        }
        catch (Exception)
        {
        }
    }

    private static void Deliver(LogLevel level, string text)
    {
        if (level == LogLevel.Warning && IsMistaken(text))
            level = LogLevel.Debug;
        lock (Gate)
        {
            Queue<NativeLogLine> recent = level >= LogLevel.Warning ? RecentWarnings : RecentOthers;
            if (recent.Count == Kept)
                recent.Dequeue();
            recent.Enqueue(new NativeLogLine(++_count, Environment.CurrentManagedThreadId, level, text));
        }

        ImmutableArray<Registration> loggers = _loggers;
        for (int i = 0; i < loggers.Length; i++)
        {
            if (!IsRepeated(loggers, i))
                loggers[i].Write(level, text);
        }
    }

    /// <summary>
    /// Whether llama.cpp warns of what is as it should be: it takes the cells that all requests share for the context of one, and a pooling that a request names for a mistake. Where a context is
    /// longer than the model was trained for, the loader warns by itself.
    /// </summary>
    internal static bool IsMistaken(string warning) =>
        warning.Contains("possible training context overflow", StringComparison.Ordinal)
        || warning.Contains("the full capacity of the model will not be utilized", StringComparison.Ordinal)
        || warning.Contains("model default pooling_type is", StringComparison.Ordinal);

    /// <summary>Whether an earlier registration is of the same logger: models that one application loads share its.</summary>
    private static bool IsRepeated(ImmutableArray<Registration> loggers, int index)
    {
        for (int i = 0; i < index; i++)
        {
            if (loggers[i].Logger == loggers[index].Logger)
                return true;
        }

        return false;
    }

    /// <summary>llama.cpp informs at the length of pages about every load, which is a library's detail: one level down from its own.</summary>
    private static LogLevel ToLogLevel(ggml_log_level level) => level switch
    {
        ggml_log_level.ERROR => LogLevel.Error,
        ggml_log_level.WARN => LogLevel.Warning,
        ggml_log_level.DEBUG => LogLevel.Trace,
        _ => LogLevel.Debug,
    };

    [LoggerMessage(EventId = 1, EventName = "NativeLog", Message = "llama.cpp: {Line}")]
    private static partial void WriteLine(ILogger logger, LogLevel level, string line);

    private sealed class Registration(ILogger logger) : IDisposable
    {
        public ILogger Logger => logger;

        public void Write(LogLevel level, string text)
        {
            try
            {
                WriteLine(logger, level, text);
            }
            catch (Exception)
            {
                // One logger's failure must not keep the line from the others.
            }
        }

        public void Dispose() => ImmutableInterlocked.Update(ref _loggers, static (loggers, removed) => loggers.Remove(removed), this);
    }
}
