using Spectre.Console;

namespace EmbeddedLlm.Cli;

/// <summary>Rows of text under headings: a framed table for a person, plain aligned lines for a program.</summary>
internal sealed class Columns(params string[] headings)
{
    private readonly List<string[]> _rows = [];

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
        foreach (string heading in headings)
            table.AddColumn(new TableColumn(new Text(heading, new Style(decoration: Decoration.Bold))));
        foreach (string[] row in _rows)
            table.AddRow(row.Select(cell => new Text(cell)));
        return table;
    }

    private void WriteLines(TextWriter output)
    {
        int[] widths = [.. headings.Select((heading, column) => _rows.Select(row => row[column].Length).Append(heading.Length).Max())];
        foreach (string[] row in (IEnumerable<string[]>)[headings, .. _rows])
            output.WriteLine(string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd());
    }
}
