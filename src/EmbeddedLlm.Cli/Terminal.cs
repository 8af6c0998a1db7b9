using System.Text;
using Microsoft.Win32.SafeHandles;
using Spectre.Console;

namespace EmbeddedLlm.Cli;

/// <summary>
/// The process's streams. Answers go to standard output, all else to standard error. Text that may come from a model or a file is cleaned of control
/// characters wherever it could meet a terminal.
/// </summary>
internal sealed class Terminal : IDisposable
{
    private const int BrokenPipeOnUnix = 32;

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false);
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly Lock _gate = new();
    private readonly Encoding? _formerEncoding;
    private readonly Lazy<IAnsiConsole> _outputConsole = new(() => CreateConsole(Console.Out));
    private readonly Lazy<IAnsiConsole> _errorConsole = new(() => CreateConsole(Console.Error));
    private readonly Lazy<AnsiWriter> _errorWriter = new(() => new AnsiWriter(Console.Error));

    private Terminal(Encoding? formerEncoding)
    {
        _formerEncoding = formerEncoding;
        Output = OpenOutput();
    }

    /// <summary>Standard output, in UTF-8 on every system. What is written is there at once.</summary>
    public TextWriter Output { get; }

    public bool OutputIsTerminal { get; } = !Console.IsOutputRedirected;

    public bool ErrorIsTerminal { get; } = !Console.IsErrorRedirected;

    /// <summary>Whether a person can be asked: one who types, and sees what is asked.</summary>
    public bool IsInteractive => !Console.IsInputRedirected && (ErrorIsTerminal || OutputIsTerminal);

    /// <summary>Whether standard error can show what moves.</summary>
    public bool CanAnimate => ErrorIsTerminal && ErrorConsole.Profile.Capabilities is { Ansi: true, Interactive: true };

    /// <summary>Standard output, for what Spectre.Console draws.</summary>
    public IAnsiConsole OutputConsole => _outputConsole.Value;

    /// <summary>Standard error, for what Spectre.Console draws.</summary>
    public IAnsiConsole ErrorConsole => _errorConsole.Value;

    /// <summary>Where a dialogue is held: standard error, so that standard output has nothing but answers, unless a person would not see it.</summary>
    public TextWriter Dialogue => ErrorIsTerminal ? Console.Error : Console.Out;

    public static Terminal Open()
    {
        if (Console.IsErrorRedirected)
            Console.SetError(new StreamWriter(new LossyStream(Console.OpenStandardError()), Utf8) { AutoFlush = true });
        Encoding former = Console.OutputEncoding;
        if (former.CodePage == Utf8.CodePage)
            return new Terminal(formerEncoding: null);
        try
        {
            Console.OutputEncoding = Utf8;
            return new Terminal(former);
        }
        catch (IOException)
        {
            // No console to set: the streams are redirected, and written in UTF-8 below all the same.
            return new Terminal(formerEncoding: null);
        }
    }

    /// <summary>Writes a line to standard output: untouched to a file or a pipe, without control characters to a terminal.</summary>
    public void WriteLine(string text) => Output.WriteLine(OutputIsTerminal ? TerminalText.Clean(text) : text);

    /// <summary>Writes a subdued line to standard error.</summary>
    public void Note(string text) => WriteError(text, new Style(decoration: Decoration.Dim));

    /// <summary>Writes an error to standard error.</summary>
    public void Fail(string message)
    {
        lock (_gate)
        {
            if (ErrorIsTerminal)
                _errorWriter.Value.Write("error: ", new Style(foreground: Color.Red));
            else
                Console.Error.Write("error: ");
            WriteError(message, Style.Plain);
        }
    }

    /// <summary>Reads standard input to its end, without the last line break.</summary>
    /// <exception cref="IOException">It is not text in UTF-8.</exception>
    public static async Task<string> ReadInputAsync(CancellationToken cancellationToken)
    {
        using StreamReader reader = new(Console.OpenStandardInput(), StrictUtf8);
        try
        {
            // A read from a pipe cannot be cancelled, only left behind.
            string text = await Task.Run(() => reader.ReadToEnd(), cancellationToken).WaitAsync(cancellationToken).ConfigureAwait(false);
            return text.TrimEnd('\r', '\n');
        }
        catch (DecoderFallbackException exception)
        {
            throw new IOException("Standard input is not text in UTF-8.", exception);
        }
    }

    /// <summary>Reads standard input to its end.</summary>
    public static async Task<byte[]> ReadInputBytesAsync(CancellationToken cancellationToken)
    {
        using Stream input = Console.OpenStandardInput();
        using MemoryStream bytes = new();
        // A read from a pipe cannot be cancelled, only left behind.
        await Task.Run(() => input.CopyTo(bytes), cancellationToken).WaitAsync(cancellationToken).ConfigureAwait(false);
        return bytes.ToArray();
    }

    /// <summary>Whether a write failed since the reader at the pipe's other end has gone.</summary>
    public static bool IsBrokenPipe(IOException exception) => !OperatingSystem.IsWindows() && exception.HResult == BrokenPipeOnUnix;

    public void Dispose()
    {
        // On Windows the encoding belongs to the console, which outlives this program.
        if (_formerEncoding is not null)
            Console.OutputEncoding = _formerEncoding;
    }

    private void WriteError(string text, Style style)
    {
        lock (_gate)
        {
            if (ErrorIsTerminal)
                _errorWriter.Value.WriteLine(TerminalText.Clean(text), style);
            else
                Console.Error.WriteLine(TerminalText.Clean(text));
        }
    }

    private static IAnsiConsole CreateConsole(TextWriter writer) => AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(writer) });

    private static TextWriter OpenOutput()
    {
        if (!Console.IsOutputRedirected)
            return Console.Out;
        return new StreamWriter(OpenPipe() ?? Console.OpenStandardOutput(), Utf8) { AutoFlush = true };
    }

    /// <summary>
    /// Standard output as a pipe, or null where it is something else. The console's own stream swallows the error of a broken pipe, and a model would go on
    /// answering nobody.
    /// </summary>
    private static FileStream? OpenPipe()
    {
        if (OperatingSystem.IsWindows())
            return null;
        try
        {
            FileStream stream = new(new SafeFileHandle(1, ownsHandle: false), FileAccess.Write, bufferSize: 0);
            // A file is left to the console's stream: a FileStream keeps a position of its own, and what shares the file would overwrite the answer.
            return stream.CanSeek ? null : stream;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }
}
