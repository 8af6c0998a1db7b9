using Spectre.Console;

namespace EmbeddedLlm.Cli;

/// <summary>
/// Rows of text under headings: a framed table for a person, plain aligned lines for a program. Where the terminal is so narrow that a table would break words, the person gets plain lines as well, or a line
/// for each cell.
/// </summary>
internal sealed class Columns(params string[] headings)
{
    /// <summary>Longer words, such as paths and addresses, are no loss where they are broken.</summary>
    private const int LongWord = 16;

    private readonly List<string[]> _rows = [];

    /// <summary>How many columns, from the second on, hold numbers: these end where they end in each row, and the first of them is what is looked for.</summary>
    public int Numbers { get; init; }

    public void Add(params string[] cells) => _rows.Add([.. cells.Select(cell => TerminalText.Clean(cell).ReplaceLineEndings(" "))]);

    public void WriteTo(Terminal terminal)
    {
        if (terminal.OutputIsTerminal && TableWidth <= terminal.OutputConsole.Profile.Width)
        {
            terminal.OutputConsole.Write(ToTable());
            return;
        }

        foreach (string line in terminal.OutputIsTerminal ? LinesOf(terminal.OutputConsole.Profile.Width) : Lines())
            terminal.Output.WriteLine(line);
    }

    /// <summary>The least width of a table that breaks no word and no number from its unit.</summary>
    internal int TableWidth => headings.Select((heading, column) =>
    {
        bool hasQuantities = HasQuantities(column);
        return _rows.Select(row => row[column]).SelectMany(cell => IsNumber(column) ? [cell] : hasQuantities ? [QuantityOf(cell)] : cell.Split(' '))
            .Concat(IsNumber(column) ? [heading] : heading.Split(' '))
            .Max(word => Math.Min(word.GetCellWidth(), LongWord));
    }).Sum(width => width + 3) + 1;

    /// <summary>What ends a cell: a number, or a number and its unit.</summary>
    private static string QuantityOf(string cell) => cell.Split(' ') is [.., var number, var unit] && char.IsAsciiDigit(number.FirstOrDefault()) ? $"{number} {unit}" : cell;

    /// <summary>Aligned lines where they fit into a width, else a line for each cell, and an empty one between rows.</summary>
    internal IEnumerable<string> LinesOf(int width)
    {
        string[] lines = [.. Lines()];
        if (lines.All(line => line.GetCellWidth() <= width))
            return lines;
        int longest = headings.Max(heading => heading.Length);
        return _rows.SelectMany((row, index) => row.Select((cell, column) => $"{headings[column].PadRight(longest)}  {cell}").Prepend("").Skip(index == 0 ? 1 : 0));
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

    private IEnumerable<string> Lines()
    {
        int[] widths = [.. headings.Select((heading, column) => _rows.Select(row => row[column].Length).Append(heading.Length).Max())];
        foreach (string[] row in (IEnumerable<string[]>)[headings, .. _rows])
            yield return string.Join("  ", row.Select((cell, column) => IsNumber(column) ? cell.PadLeft(widths[column]) : cell.PadRight(widths[column]))).TrimEnd();
    }

    private bool IsNumber(int column) => column >= 1 && column <= Numbers;
}
