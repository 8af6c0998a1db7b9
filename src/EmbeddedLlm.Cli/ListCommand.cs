using System.CommandLine;
using System.Text.Json;
using Spectre.Console;

namespace EmbeddedLlm.Cli;

/// <summary><c>list</c>: the downloaded models.</summary>
internal sealed class ListCommand(Terminal terminal)
{
    private readonly StoreArguments _store = new();
    private readonly Option<bool> _json = new("--json")
    {
        Description = "Write a JSON array, one object for each model, sizes in bytes.",
    };

    public static Command Create(Terminal terminal)
    {
        ListCommand list = new(terminal);
        Command command = new("list", "Show the downloaded models.") { list._json };
        list._store.AddTo(command);
        command.SetAction((result, _) => list.RunAsync(result));
        return command;
    }

    private async Task<int> RunAsync(ParseResult result)
    {
        using Interrupts interrupts = new();
        ModelStore store = _store.Open(result, terminal);
        IReadOnlyList<StoredModel> models = await store.ListAsync(interrupts.Token).ConfigureAwait(false);
        if (result.GetValue(_json))
            terminal.WriteLine(ToJson(models));
        else if (terminal.OutputIsTerminal && models.Count > 0)
            terminal.OutputConsole.Write(TableOf(models));
        else
            WriteLines(models);
        if (models.Count == 0)
            terminal.Note($"No models have been downloaded to {store.Folder}.");
        return ExitCode.Success;
    }

    private static string ToJson(IReadOnlyList<StoredModel> models) => JsonText.Write(writer =>
    {
        writer.WriteStartArray();
        foreach (StoredModel model in models)
            Write(writer, model);
        writer.WriteEndArray();
    });

    private static void Write(Utf8JsonWriter writer, StoredModel model)
    {
        writer.WriteStartObject();
        writer.WriteString("name", model.Name);
        writer.WriteString("source", model.Source);
        writer.WriteString("quantisation", model.Quantisation);
        writer.WriteNumber("size", model.Size);
        writer.WriteString("revision", model.Revision);
        writer.WriteString("pulled", model.Pulled);
        writer.WriteString("path", model.Path);
        writer.WriteStartArray("files");
        foreach (string file in model.Files)
            writer.WriteStringValue(file);
        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private void WriteLines(IReadOnlyList<StoredModel> models)
    {
        int width = models.Select(model => model.Name.Length).DefaultIfEmpty().Max();
        foreach (StoredModel model in models)
            terminal.Output.WriteLine($"{model.Name.PadRight(width)}  {Quantity.OfBytes(model.Size)}");
    }

    private static Table TableOf(IReadOnlyList<StoredModel> models)
    {
        Table table = new Table().RoundedBorder().AddColumns("Name", "Quantisation", "Size", "Downloaded");
        foreach (StoredModel model in models)
        {
            string[] cells = [model.Name, model.Quantisation ?? "", Quantity.OfBytes(model.Size), model.Pulled.LocalDateTime.ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture)];
            table.AddRow(cells.Select(cell => new Text(TerminalText.Clean(cell))));
        }

        return table;
    }
}
