using System.Text;

namespace EmbeddedLlm.Native.Tests.Cli;

/// <summary>The command line at a terminal: a pseudo-terminal, which the <c>script</c> of Linux brings along, with a test at its keyboard.</summary>
internal sealed class TerminalSession : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    private readonly CliProcess _process;
    private readonly StringBuilder _screen = new();
    private readonly char[] _buffer = new char[4096];

    public TerminalSession(params ReadOnlySpan<string> arguments)
        : this([], arguments)
    {
    }

    public TerminalSession(Dictionary<string, string> environment, params ReadOnlySpan<string> arguments)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && File.Exists("/usr/bin/script"), "There is no util-linux script to make a terminal.");
        IEnumerable<string> words = [.. environment.Select(variable => $"{variable.Key}={variable.Value}"), CliProcess.Path, .. arguments];
        string command = "env " + string.Join(' ', words.Select(word => $"'{word}'"));
        _process = CliProcess.StartProgram("/usr/bin/script", "-qec", $"stty rows 40 cols 120; TERM=xterm exec {command}", "/dev/null");
    }

    /// <summary>Presses keys.</summary>
    public void Type(string keys)
    {
        _process.Input.Write(keys);
        _process.Input.Flush();
    }

    /// <summary>Waits until the terminal shows a text, and takes all up to its end.</summary>
    public Task<string> UntilAsync(string text) => UntilAsync(screen => screen.IndexOf(text, StringComparison.Ordinal) is >= 0 and var index ? index + text.Length : -1, text);

    /// <summary>Waits until the terminal got so many characters, and takes them.</summary>
    public Task<string> UntilAsync(int count) => UntilAsync(screen => screen.Length >= count ? count : -1, $"{count} characters");

    /// <summary>Waits for the end; the rest of the screen is the result's output.</summary>
    public Task<CliResult> EndAsync() => _process.EndAsync();

    public void Dispose() => _process.Dispose();

    private async Task<string> UntilAsync(Func<string, int> find, string what)
    {
        using CancellationTokenSource limit = new(Limit);
        while (true)
        {
            string screen = _screen.ToString();
            if (find(screen) is >= 0 and var end)
            {
                _screen.Remove(0, end);
                return screen[..end];
            }

            int read = await _process.Output.ReadAsync(_buffer, limit.Token);
            Assert.True(read > 0, $"The program ended before it showed {what}, and after {screen}");
            _screen.Append(_buffer, 0, read);
        }
    }
}
