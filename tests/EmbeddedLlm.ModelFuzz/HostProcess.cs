using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace EmbeddedLlm.ModelFuzz;

/// <summary>The child as its parent sees it; started anew when it has died.</summary>
internal sealed class HostProcess : IDisposable
{
    private const int KeptErrorLines = 12;

    private readonly TimeSpan _limit;
    private readonly string _program;
    private readonly Queue<string> _errors = new();
    private Process? _process;
    private int _files;

    /// <param name="folder">Where this program was built.</param>
    /// <param name="limit">How long one file may take.</param>
    public HostProcess(string folder, TimeSpan limit)
    {
        _limit = limit;
        _program = Path.Combine(folder, OperatingSystem.IsWindows() ? "EmbeddedLlm.ModelFuzz.exe" : "EmbeddedLlm.ModelFuzz");
    }

    /// <summary>Has a file loaded.</summary>
    /// <param name="path">The file.</param>
    /// <param name="number">Chooses the options.</param>
    /// <param name="adapter">The path of an adapter that the model is loaded with; null for none.</param>
    /// <returns>The child's line, or <c>died</c> or <c>hung</c> and how.</returns>
    public Task<string> LoadAsync(string path, int number, string? adapter = null) => SendAsync(string.Create(CultureInfo.InvariantCulture, $"{number}\t{path}{(adapter is null ? "" : "\t" + adapter)}"));

    /// <summary>Sends a line and returns the child's.</summary>
    internal async Task<string> SendAsync(string line)
    {
        // A leak shall not be blamed on a file that came after a thousand others.
        const int FilesPerChild = 1000;
        if (_files++ >= FilesPerChild)
            Stop();

        Process process = _process ??= Start();
        using CancellationTokenSource limit = new(_limit);
        string? answer;
        try
        {
            await process.StandardInput.WriteLineAsync(line).ConfigureAwait(false);
            await process.StandardInput.FlushAsync(limit.Token).ConfigureAwait(false);
            answer = await process.StandardOutput.ReadLineAsync(limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            Stop();
            return $"hung for {_limit.TotalSeconds:F0} s";
        }
        catch (IOException)
        {
            answer = null;
        }

        if (answer is not null)
            return answer;

        await process.WaitForExitAsync().ConfigureAwait(false);
        string errors;
        lock (_errors)
            errors = string.Join(" | ", _errors);
        string death = string.Create(CultureInfo.InvariantCulture, $"died with {process.ExitCode}: {errors}");
        Stop();
        return death;
    }

    public void Dispose() => Stop();

    private Process Start()
    {
        ProcessStartInfo start = new(_program, ["host"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardInputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false),
        };

        // Neither a dump nor a debugger is wanted when it dies.
        start.Environment["DOTNET_DbgEnableMiniDump"] = "0";
        start.Environment["GGML_NO_BACKTRACE"] = "1";
        Process process = Process.Start(start)!;
        process.ErrorDataReceived += (_, line) =>
        {
            lock (_errors)
            {
                if (line.Data is null)
                    return;
                _errors.Enqueue(line.Data);
                if (_errors.Count > KeptErrorLines)
                    _errors.Dequeue();
            }
        };
        process.BeginErrorReadLine();
        return process;
    }

    private void Stop()
    {
        if (_process is { } process)
        {
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
            process.Dispose();
        }

        _process = null;
        _files = 0;
        lock (_errors)
            _errors.Clear();
    }
}
