using System.Runtime.ExceptionServices;
using EmbeddedLlm.Gguf;
using Microsoft.Extensions.Logging;

namespace EmbeddedLlm.Runtime;

/// <summary>
/// Reads the progress from what llama.cpp logs when a tensor is done (<c>[   1/ 290] token_embd.weight - [ 64, 300, 1, 1], type = f16, …</c>), since it tells nobody else: the share of all weights' bytes.
/// </summary>
internal sealed class QuantizationProgress : ILogger
{
    private readonly Dictionary<string, long> _left;
    private readonly IProgress<float>? _progress;
    private readonly int _thread;
    private readonly long _total;
    private long _done;
    private ExceptionDispatchInfo? _failure;

    /// <param name="files">The model that is quantised.</param>
    /// <param name="progress">Who wants to know.</param>
    /// <param name="thread">The thread that quantises; what others log is about other models.</param>
    public QuantizationProgress(IReadOnlyList<GgufFile> files, IProgress<float>? progress, int thread)
    {
        _left = files.SelectMany(file => file.Tensors).ToDictionary(tensor => tensor.Name, tensor => tensor.ByteSize, StringComparer.Ordinal);
        _total = Math.Max(1, _left.Values.Sum());
        (_progress, _thread) = (progress, thread);
    }

    /// <summary>Throws what the caller's progress threw.</summary>
    public void ThrowIfFailed() => _failure?.Throw();

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (_failure is null && _progress is not null && Environment.CurrentManagedThreadId == _thread)
            Read(formatter(state, exception));
    }

    private void Read(string line)
    {
        int begin = line.IndexOf("] ", StringComparison.Ordinal);
        int end = line.IndexOf(" - [", StringComparison.Ordinal);
        if (begin < 0 || end <= begin || !_left.Remove(line[(begin + 2)..end].Trim(), out long bytes))
            return;

        _done += bytes;
        try
        {
            _progress!.Report((float)_done / _total);
        }
        catch (Exception exception)
        {
            // Below is native code, which it must not unwind through.
            _failure = ExceptionDispatchInfo.Capture(exception);
        }
    }
}
