using System.Diagnostics;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;

namespace EmbeddedLlm.Native.Tests.Cli;

/// <summary>The built command line as a process of its own.</summary>
internal sealed partial class CliProcess : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    private readonly Process _process;
    private bool _outputIsClosed;

    private CliProcess(ProcessStartInfo start)
    {
        start.RedirectStandardInput = start.RedirectStandardOutput = start.RedirectStandardError = true;
        start.StandardInputEncoding = start.StandardOutputEncoding = start.StandardErrorEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        start.UseShellExecute = false;
        _process = Process.Start(start)!;
    }

    /// <summary>Where the command line was built, which the project file tells.</summary>
    public static string Folder { get; } = System.IO.Path.GetFullPath(
        typeof(CliProcess).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(data => data.Key == "CliFolder").Value!);

    public static string Path { get; } = System.IO.Path.Combine(Folder, OperatingSystem.IsWindows() ? "EmbeddedLlm.Cli.exe" : "EmbeddedLlm.Cli");

    public StreamWriter Input => _process.StandardInput;

    public StreamReader Output => _process.StandardOutput;

    public static CliProcess Start(params ReadOnlySpan<string> arguments) => new(new ProcessStartInfo(Path, arguments.ToArray()));

    /// <summary>Starts it with environment variables of its own.</summary>
    public static CliProcess StartWith(IReadOnlyDictionary<string, string> environment, params ReadOnlySpan<string> arguments)
    {
        ProcessStartInfo start = new(Path, arguments.ToArray());
        foreach ((string name, string value) in environment)
            start.Environment[name] = value;
        return new CliProcess(start);
    }

    /// <summary>Starts another program, such as one that brings a terminal along.</summary>
    public static CliProcess StartProgram(string program, params ReadOnlySpan<string> arguments) => new(new ProcessStartInfo(program, arguments.ToArray()));

    /// <summary>Runs to the end with nothing on standard input.</summary>
    public static Task<CliResult> RunAsync(params ReadOnlySpan<string> arguments) => RunWithInputAsync("", arguments);

    /// <summary>Runs to the end with a text on standard input.</summary>
    public static Task<CliResult> RunWithInputAsync(string input, params ReadOnlySpan<string> arguments)
    {
        CliProcess process = Start(arguments);
        return RunAsync();

        async Task<CliResult> RunAsync()
        {
            using (process)
            {
                await process.Input.WriteAsync(input);
                return await process.EndAsync();
            }
        }
    }

    /// <summary>As Ctrl-C at the terminal does.</summary>
    public void Interrupt() => Assert.Equal(0, Kill(_process.Id, Sigint));

    /// <summary>Ends it at once, without a word.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>As a reader at the other end of a pipe does when it has read enough.</summary>
    public void CloseOutput()
    {
        Output.Close();
        _outputIsClosed = true;
    }

    /// <summary>Closes standard input, reads what is left and waits for the end.</summary>
    public async Task<CliResult> EndAsync()
    {
        using CancellationTokenSource limit = new(Limit);
        Task<string> output = _outputIsClosed ? Task.FromResult("") : Output.ReadToEndAsync(limit.Token);
        Task<string> error = _process.StandardError.ReadToEndAsync(limit.Token);
        Input.Close();
        CliResult result = new(await output, await error, await WaitAsync());
        return result;

        async Task<int> WaitAsync()
        {
            await _process.WaitForExitAsync(limit.Token);
            return _process.ExitCode;
        }
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        _process.Dispose();
    }

    private const int Sigint = 2;

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}

/// <summary>What a process wrote and how it ended.</summary>
internal sealed record CliResult(string Output, string Error, int ExitCode);
