using System.Globalization;
using EmbeddedLlm.Benchmarks.Results;
using Spectre.Console;

namespace EmbeddedLlm.Cli;

/// <summary>Writes figures for a person.</summary>
internal sealed class BenchReport(Terminal terminal)
{
    public void Write(EmbeddedModel model, MemoryPlan plan, ResultFile results, BenchPrice? price)
    {
        WriteHead(model, plan, results);
        Columns speeds = new("Measured", "Median", "Least – greatest", "Runs") { Numbers = 3 };
        foreach (Figure figure in results.Figures.Where(figure => figure.Subject != BenchFigures.Price))
            speeds.Add(TitleOf(figure), ValueOf(figure.Value, figure.Unit), RangeOf(figure), figure is { Least: null, Samples: 1 } ? "" : figure.Samples.ToString(CultureInfo.InvariantCulture));
        speeds.WriteTo(terminal);
        if (price is not null)
            WritePrice(price, results);
        WriteNotes(results, price);
    }

    private void WriteHead(EmbeddedModel model, MemoryPlan plan, ResultFile results)
    {
        string facts = string.Create(
            CultureInfo.InvariantCulture,
            $"{Quantity.Of(model.ParameterCount)} parameters · {Quantity.OfBytes(model.WeightBytes)} of weights · {PlaceOf(model, plan)} · context {model.ContextLength:N0} tokens");
        Machine machine = results.Machine;
        string where = string.Create(CultureInfo.InvariantCulture, $"{machine.Processor} · {machine.Cores} {(machine.Cores == 1 ? "core" : "cores")} · {machine.OperatingSystem}");
        WriteLine(model.Id, new Style(Color.Green, decoration: Decoration.Bold));
        WriteLine(facts, Style.Plain);
        WriteLine(where, new Style(decoration: Decoration.Dim));
        terminal.Output.WriteLine();
    }

    private static string PlaceOf(EmbeddedModel model, MemoryPlan plan)
    {
        string threads = model.Threads == 1 ? "1 thread" : $"{model.Threads} threads";
        return plan.GpuLayers == 0 ? $"CPU, {threads}" : $"{string.Join(" + ", plan.Devices.Skip(1).Select(device => device.Device))}, {plan.GpuLayers} of {plan.Layers} layers, {threads}";
    }

    private void WritePrice(BenchPrice price, ResultFile results)
    {
        string[] headings = price.Api is null ? ["A million tokens", "Price", "At"] : ["A million tokens", "Price", "At", "API", "Cheaper than the API from"];
        Columns prices = new(headings) { Numbers = price.Api is null ? 2 : 3 };
        foreach (PriceRow row in price.RowsOf(results.Figures))
        {
            string[] cells = [row.Case, Money(row.PerMillion), ValueOf(row.Speed.Value, row.Speed.Unit)];
            prices.Add(row.ApiPerMillion is { } api ? [.. cells, Money(api), BreakEven(price, row, api)] : cells);
        }

        terminal.Output.WriteLine();
        prices.WriteTo(terminal);
    }

    /// <summary>The break-even in words.</summary>
    public static string BreakEven(BenchPrice price, PriceRow row, double api)
    {
        if (api <= 0)
            return "never: it is free";
        double utilisation = price.BreakEvenUtilisation(api, row.Speed.Value);
        return utilisation > 1
            ? string.Create(CultureInfo.InvariantCulture, $"never: it would take {utilisation:N1} such machines' full speed")
            : string.Create(CultureInfo.InvariantCulture, $"{Quantity.Of((long)price.BreakEvenTokensPerHour(api))} tokens an hour, {utilisation:P0} of its speed");
    }

    private void WriteNotes(ResultFile results, BenchPrice? price)
    {
        terminal.Output.WriteLine();
        string[] notes = [.. results.Remarks, .. NotesOf(results.Figures, price)];
        if (terminal.OutputIsTerminal)
        {
            Style dim = new(decoration: Decoration.Dim);
            Grid grid = new Grid().AddColumn(new GridColumn().NoWrap().PadLeft(0).PadRight(1)).AddColumn(new GridColumn().PadLeft(0));
            foreach (string note in notes)
                grid.AddRow(new Text("•", dim), new Text(TerminalText.Clean(note), dim));
            terminal.OutputConsole.Write(grid);
        }
        else
        {
            foreach (string note in notes)
                terminal.Output.WriteLine(TerminalText.Clean(note));
        }
    }

    /// <summary>What the figures mean.</summary>
    public static IEnumerable<string> NotesOf(IReadOnlyList<Figure> figures, BenchPrice? price)
    {
        yield return "Measured through this library in this process: completions at temperature 0, without a chat template. Prompts are random words, new each time; nothing of one is kept for the next.";
        yield return "Answers are kept to their length: tokens that end an answer are excluded, so what is generated means nothing, and how fast does.";
        yield return "Load: the system may have the file in memory already, as a rule from the second time on.";
        yield return "Prompts: whole requests for one token, from the call to the end. First token: from the call to the first piece of text, in the same requests. Answers: the tokens after the first, those of all callers together.";
        if (figures.FirstOrDefault(figure => figure is { Subject: BenchFigures.StructuredOutput, Remark: not null })?.Remark is { } forced)
            yield return $"JSON beside free answers: in turns, and 1 is as fast; {forced}.";
        yield return "Memory by plan: what weights, KV cache and results take by calculation. Of the process at most: all that it had in main memory, .NET and mapped weights included.";
        if (price is not null)
            yield return string.Create(CultureInfo.InvariantCulture, $"Prices: a machine for {price.HourlyCost} an hour that does nothing but that, at full speed; in the currency of what was given.");
    }

    private static string TitleOf(Figure figure)
    {
        string[] words = figure.Case.Split(' ');
        return figure.Subject switch
        {
            BenchFigures.Load => "Load",
            BenchFigures.Prefill when words is ["prompt", var tokens] => $"Prompt of {tokens} tokens",
            BenchFigures.Prefill when words is [var callers, "callers", _, "prompt", var tokens] => $"{callers} prompts of {tokens} tokens at once",
            BenchFigures.FirstToken when words is ["prompt", var tokens, ['p', .. var percent]] => $"First token after {tokens.TrimEnd(',')}, {(percent == "50" ? "median" : $"{percent}th percentile")}",
            BenchFigures.Decode when words is ["answer", var tokens] => $"Answer of {tokens} tokens",
            BenchFigures.Decode when words is [var callers, "callers", _, var tokens] => $"{callers} answers of {tokens} tokens at once",
            BenchFigures.StructuredOutput when figure.Unit == FigureUnit.Ratio => "JSON by a schema, beside free answers",
            BenchFigures.StructuredOutput => $"JSON by a schema, {words[^1]} tokens",
            BenchFigures.Memory when words is ["planned,", var device] => $"Memory by plan, {device}",
            BenchFigures.Memory => "Memory of the process at most",
            _ => figure.Case,
        };
    }

    private static string RangeOf(Figure figure) => figure is { Least: { } least, Greatest: { } greatest } ? $"{Number(least, figure.Unit)} – {Number(greatest, figure.Unit)}" : "";

    private static string ValueOf(double value, FigureUnit unit) => unit switch
    {
        FigureUnit.TokensPerSecond => $"{Number(value, unit)} tok/s",
        FigureUnit.Milliseconds => $"{Number(value, unit)} ms",
        FigureUnit.Mebibytes => Quantity.OfBytes((long)(value * (1 << 20))),
        FigureUnit.Ratio => $"{Number(value, unit)} ×",
        _ => Number(value, unit),
    };

    private static string Number(double value, FigureUnit unit) =>
        value.ToString(unit == FigureUnit.Ratio ? "F2" : value < 1 ? "0.###" : value < 100 ? "N1" : "N0", CultureInfo.InvariantCulture);

    private static string Money(double value) => value.ToString(value < 0.1 ? "0.0000" : value < 100 ? "0.00" : "N0", CultureInfo.InvariantCulture);

    private void WriteLine(string text, Style style)
    {
        if (terminal.OutputIsTerminal)
            terminal.OutputConsole.WriteLine(TerminalText.Clean(text), style);
        else
            terminal.Output.WriteLine(TerminalText.Clean(text));
    }
}
