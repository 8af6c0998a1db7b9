using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace EmbeddedLlm.Benchmarks.Peers;

/// <summary>
/// A program that a peer runs in. It ends, with all that it started, when it is disposed, and at the latest with this process, however that is asked to end. Its streams are UTF-8, and its numbers those of
/// the C locale, whatever the machine has.
/// </summary>
internal sealed class ChildProcess : IAsyncDisposable
{
    private const int MostErrorLines = 12;

    /// <summary>
    /// Runs a program until it ends, or until nobody holds the other end of standard input any more: so it is ended even where this process is killed and cannot do anything. The shell's exit code is the
    /// program's.
    /// </summary>
    private const string Guard = """
        exec 3<&0
        "$@" </dev/null 3<&- &
        program=$!
        { cat <&3 >/dev/null; kill -KILL $program; } 2>/dev/null >/dev/null &
        guard=$!
        exec 3<&- </dev/null
        wait $program
        code=$?
        kill $guard 2>/dev/null
        exit $code
        """;

    private static readonly Lock s_gate = new();
    private static readonly HashSet<ChildProcess> s_running = [];
    private static readonly PosixSignalRegistration[] s_signals = WatchTheEnd();

    private readonly Process _process;
    private readonly string _name;
    private readonly Queue<string> _errors = [];
    private readonly Task _errorsRead;

    private ChildProcess(Process process, string name)
    {
        _process = process;
        _name = name;
        _errorsRead = ReadErrorsAsync();
    }

    public bool HasExited => _process.HasExited;

    public int Id => _process.Id;

    /// <param name="path">The program.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="folder">Where it runs; null for here.</param>
    /// <param name="environment">Variables that it gets besides this process's.</param>
    /// <param name="readsInput">Whether it reads standard input, and ends where that ends; else it gets none.</param>
    /// <exception cref="PeerException">It cannot be started.</exception>
    public static ChildProcess Start(
        string path, IEnumerable<string> arguments, string? folder = null, IReadOnlyDictionary<string, string>? environment = null, bool readsInput = false)
    {
        UTF8Encoding utf8 = new(encoderShouldEmitUTF8Identifier: false);
        bool isGuarded = !readsInput && !OperatingSystem.IsWindows();
        ProcessStartInfo start = new(isGuarded ? "/bin/sh" : path, isGuarded ? ["-c", Guard, "sh", path, .. arguments] : arguments)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardInputEncoding = utf8,
            StandardOutputEncoding = utf8,
            StandardErrorEncoding = utf8,
            WorkingDirectory = folder ?? "",
        };
        start.Environment["LC_ALL"] = start.Environment["LANG"] = "C";
        foreach ((string name, string value) in environment ?? new Dictionary<string, string>())
            start.Environment[name] = value;
        lock (s_gate)
        {
            try
            {
                GC.KeepAlive(s_signals);
                ChildProcess child = new(Process.Start(start)!, Path.GetFileName(path));
                s_running.Add(child);
                return child;
            }
            catch (Exception failure) when (failure is System.ComponentModel.Win32Exception or IOException)
            {
                throw new PeerException($"could not be started: {failure.Message}", failure);
            }
        }
    }

    /// <summary>Runs a program to its end.</summary>
    /// <returns>What it wrote to standard output.</returns>
    /// <exception cref="PeerException">It failed.</exception>
    public static async Task<string> RunAsync(
        string path, IEnumerable<string> arguments, CancellationToken cancellationToken, string? folder = null, IReadOnlyDictionary<string, string>? environment = null)
    {
        await using ChildProcess child = Start(path, arguments, folder, environment);
        string output = await child._process.StandardOutput.ReadToEndAsync(cancellationToken);
        await child._process.WaitForExitAsync(cancellationToken);
        return child._process.ExitCode == 0 ? output.TrimStart('\uFEFF') : throw await child.FailureAsync();
    }

    /// <summary>Lets go of its standard input, as this process's end does.</summary>
    public void CloseInput() => _process.StandardInput.Close();

    /// <summary>Reads standard output to its end, and forgets it: a program that nobody reads stops at a full pipe.</summary>
    public void IgnoreOutput() => _ = _process.StandardOutput.BaseStream.CopyToAsync(Stream.Null);

    /// <summary>Writes a line and reads the next that the program writes.</summary>
    /// <exception cref="PeerException">The program has ended.</exception>
    public async Task<string> AskAsync(string line, CancellationToken cancellationToken)
    {
        try
        {
            await _process.StandardInput.WriteAsync($"{line}\n".AsMemory(), cancellationToken);
            await _process.StandardInput.FlushAsync(cancellationToken);
            if (await _process.StandardOutput.ReadLineAsync(cancellationToken) is { } answer)
                return answer.TrimStart('\uFEFF');
        }
        catch (IOException)
        {
            // The pipe is broken: below is said why.
        }

        throw await FailureAsync();
    }

    /// <summary>That the program has ended, with the last lines of its standard error.</summary>
    public async Task<PeerException> FailureAsync()
    {
        Kill();
        await _process.WaitForExitAsync();
        await Task.WhenAny(_errorsRead, Task.Delay(TimeSpan.FromSeconds(1)));
        lock (_errors)
            return new PeerException($"failed: {_name} ended with exit code {_process.ExitCode}{(_errors.Count == 0 ? "" : ": " + string.Join(" / ", _errors))}");
    }

    public async ValueTask DisposeAsync()
    {
        Kill();
        await _process.WaitForExitAsync();
        lock (s_gate)
            s_running.Remove(this);
        _process.Dispose();
    }

    private static PosixSignalRegistration[] WatchTheEnd()
    {
        AppDomain.CurrentDomain.ProcessExit += (_, _) => KillAll();
        // What else a signal does is left to others.
        return [.. new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP, PosixSignal.SIGQUIT }.Select(signal => PosixSignalRegistration.Create(signal, _ => KillAll()))];
    }

    private static void KillAll()
    {
        lock (s_gate)
        {
            foreach (ChildProcess child in s_running)
                child.Kill();
        }
    }

    private void Kill()
    {
        try
        {
            if (!_process.HasExited)
                _process.Kill(entireProcessTree: true);
        }
        catch (Exception failure) when (failure is InvalidOperationException or System.ComponentModel.Win32Exception or AggregateException)
        {
            // It ended in between.
        }
    }

    private async Task ReadErrorsAsync()
    {
        try
        {
            while (await _process.StandardError.ReadLineAsync() is { } line)
            {
                if (string.IsNullOrWhiteSpace(line))
                    continue;
                lock (_errors)
                {
                    _errors.Enqueue(line.Trim());
                    if (_errors.Count > MostErrorLines)
                        _errors.Dequeue();
                }
            }
        }
        catch (Exception failure) when (failure is IOException or ObjectDisposedException or InvalidOperationException)
        {
            // Nobody writes any more.
        }
    }
}
