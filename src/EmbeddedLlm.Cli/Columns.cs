using Spectre.Console;

namespace EmbeddedLlm.Cli;

/// <summary>Rows of text under headings: a framed table for a person, plain aligned lines for a program.</summary>
internal sealed class Columns(params string[] headings)
{
    private readonly List<string[]> _rows = [];

    /// <summary>How many columns, from the second on, hold numbers: these end where they end in each row, and the first of them is what is looked for.</summary>
    public int Numbers { get; init; }

    public void Add(params string[] cells) => _rows.Add([.. cells.Select(cell => TerminalText.Clean(cell).ReplaceLineEndings(" "))]);

    public void WriteTo(Terminal terminal)
    {
        if (terminal.OutputIsTerminal)
            terminal.OutputConsole.Write(ToTable());
        else
            WriteLines(terminal.Output);
    }

    private Table ToTable()
    {
        Table table = new Table().RoundedBorder();
        for (int column = 0; column < headings.Length; column++)
        {
            TableColumn heading = new(new Text(headings[column], new Style(decoration: Decoration.Bold)));
            table.AddColumn(IsNumber(column) ? heading.RightAligned().NoWrap() : HasQuantities(column) ? heading.RightAligned() : heading);
        }

        foreach (string[] row in _rows)
            table.AddRow(row.Select((cell, column) => new Text(cell, Numbers > 0 && column == 1 ? new Style(Color.Green, decoration: Decoration.Bold) : Style.Plain)));
        return table;
    }

    // Whatever ends with a number, or begins with one and ends with its unit.
    private bool HasQuantities(int column) =>
        _rows.Count > 0 && _rows.All(row => row[column].Split(' ') is var words && char.IsAsciiDigit(words[Math.Max(0, words.Length - 2)].FirstOrDefault('x')));

    private void WriteLines(TextWriter output)
    {
        int[] widths = [.. headings.Select((heading, column) => _rows.Select(row => row[column].Length).Append(heading.Length).Max())];
        foreach (string[] row in (IEnumerable<string[]>)[headings, .. _rows])
            output.WriteLine(string.Join("  ", row.Select((cell, column) => IsNumber(column) ? cell.PadLeft(widths[column]) : cell.PadRight(widths[column]))).TrimEnd());
    }

    private bool IsNumber(int column) => column >= 1 && column <= Numbers;
}
