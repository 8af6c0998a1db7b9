namespace EmbeddedLlm.Cli;

/// <summary>Writes an answer to standard output: untouched to a file or a pipe, without control characters to a terminal.</summary>
internal sealed class AnswerWriter(Terminal terminal)
{
    private char _last;

    public void Write(string text)
    {
        if (text.Length == 0)
            return;
        _last = text[^1];
        terminal.Output.Write(terminal.OutputIsTerminal ? TerminalText.Clean(text) : text);
    }

    /// <summary>Ends the last line, where there is one that the answer did not end.</summary>
    public void EndLine()
    {
        if (_last is not ('\0' or '\n'))
            Write("\n");
    }
}
