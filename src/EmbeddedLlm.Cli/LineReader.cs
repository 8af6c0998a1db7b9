using Spectre.Console;

namespace EmbeddedLlm.Cli;

internal enum LineKind
{
    Text,

    /// <summary>Ctrl-C.</summary>
    Interrupt,

    /// <summary>Ctrl-D, or the end of the input.</summary>
    End,
}

/// <summary>What a person entered at a prompt.</summary>
internal readonly record struct Line(LineKind Kind, string Text);

/// <summary>
/// Asks for a line at the terminal, with the keys that people expect: arrows, words, history. A paste may have many lines. Where the terminal cannot move its
/// cursor, the system's own line input stands in.
/// </summary>
internal sealed class LineReader(TextWriter output)
{
    private const string Lead = "> ";
    private const int LeadWidth = 2;
    private const string TabStop = "    ";

    private static readonly Style LeadStyle = new(foreground: Color.Green, decoration: Decoration.Bold);

    private readonly AnsiWriter _writer = new(output);
    private readonly List<string> _history = [];

    /// <summary>The terminal row of the cursor, counted from the prompt's first.</summary>
    private int _cursorRow;

    public Line Read()
    {
        if (!_writer.Capabilities.Ansi)
            return ReadPlain();

        LineBuffer buffer = new(_history);
        // As a key Ctrl-C reaches this thread, in order with the others.
        Console.TreatControlCAsInput = true;
        try
        {
            _cursorRow = 0;
            return ReadKeys(buffer);
        }
        finally
        {
            Console.TreatControlCAsInput = false;
        }
    }

    private Line ReadPlain()
    {
        output.Write(Lead);
        return Console.ReadLine() is { } text ? new Line(LineKind.Text, text) : new Line(LineKind.End, "");
    }

    private Line ReadKeys(LineBuffer buffer)
    {
        while (true)
        {
            // A paste is drawn once.
            if (!Console.KeyAvailable)
                Draw(buffer);
            ConsoleKeyInfo key = Console.ReadKey(intercept: true);
            bool hasControl = key.Modifiers.HasFlag(ConsoleModifiers.Control);
            switch (key)
            {
                case { Key: ConsoleKey.C } when hasControl:
                    Finish(buffer);
                    if (buffer.Text.Length == 0)
                        return new Line(LineKind.Interrupt, "");
                    buffer = new LineBuffer(_history);
                    break;
                case { Key: ConsoleKey.D } when hasControl && buffer.Text.Length == 0:
                    Finish(buffer);
                    return new Line(LineKind.End, "");
                case { Key: ConsoleKey.L } when hasControl:
                    _writer.EraseInDisplay(2);
                    _writer.CursorHome();
                    _cursorRow = 0;
                    break;
                // A key press alone ends the input; a line break with more behind it is part of a paste.
                case { Key: ConsoleKey.Enter, Modifiers: 0 } when !Console.KeyAvailable:
                    Finish(buffer);
                    if (buffer.Text.Length > 0 && (_history.Count == 0 || _history[^1] != buffer.Text))
                        _history.Add(buffer.Text);
                    return new Line(LineKind.Text, buffer.Text);
                default:
                    buffer.Apply(key);
                    break;
            }
        }
    }

    /// <summary>Shows the whole text and leaves the cursor on the line below.</summary>
    private void Finish(LineBuffer buffer)
    {
        buffer.MoveToEnd();
        Draw(buffer);
        output.Write(Environment.NewLine);
        _cursorRow = 0;
    }

    /// <summary>Draws the prompt over what was drawn before.</summary>
    private void Draw(LineBuffer buffer)
    {
        int width = Math.Max(Console.WindowWidth, LeadWidth + 2);
        if (_cursorRow > 0)
            _writer.CursorUp(_cursorRow);
        _writer.Write("\r");
        _writer.EraseInDisplay(0);
        _writer.Write(Lead, LeadStyle);

        int row = 0, column = LeadWidth;
        (int cursorRow, int cursorColumn) = (0, LeadWidth);
        foreach ((int start, string element) in buffer.Elements())
        {
            if (start == buffer.Cursor)
                (cursorRow, cursorColumn) = (row, column);
            if (element == "\n")
            {
                _writer.Write("\r\n  ");
                (row, column) = (row + 1, LeadWidth);
                continue;
            }

            string shown = element == "\t" ? TabStop : element;
            int cells = shown.GetCellWidth();
            // The line is broken here, and not by the terminal, since terminals disagree about where the cursor is after the last column.
            if (column + cells > width)
            {
                _writer.Write("\r\n");
                (row, column) = (row + 1, 0);
                if (start == buffer.Cursor)
                    (cursorRow, cursorColumn) = (row, column);
            }

            _writer.Write(shown);
            column += cells;
        }

        if (buffer.Cursor == buffer.Text.Length)
            (cursorRow, cursorColumn) = (row, Math.Min(column, width - 1));
        if (row > cursorRow)
            _writer.CursorUp(row - cursorRow);
        _writer.Write("\r");
        if (cursorColumn > 0)
            _writer.CursorRight(cursorColumn);
        _cursorRow = cursorRow;
    }
}
