namespace EmbeddedLlm.Benchmarks;

/// <summary>A Markdown table that shows its rows as they come, and whole at the end.</summary>
/// <param name="title">What it is about.</param>
/// <param name="head">The names of the columns, as a row.</param>
/// <param name="alignment">The row below.</param>
internal sealed class Table(string title, string head, string alignment)
{
    private readonly List<string> _rows = [];

    public void Add(string row)
    {
        Console.WriteLine(row);
        _rows.Add(row);
    }

    public void Print()
    {
        Console.WriteLine();
        Console.WriteLine(title);
        Console.WriteLine();
        Console.WriteLine(head);
        Console.WriteLine(alignment);
        foreach (string row in _rows)
            Console.WriteLine(row);
    }
}
