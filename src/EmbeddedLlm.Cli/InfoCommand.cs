using System.CommandLine;
using System.Globalization;
using Spectre.Console;

namespace EmbeddedLlm.Cli;

/// <summary><c>info</c>: the facts of a model.</summary>
internal sealed class InfoCommand(Terminal terminal)
{
    private readonly ModelArguments _model = new(chats: false);

    public static Command Create(Terminal terminal)
    {
        InfoCommand info = new(terminal);
        Command command = new("info", "Load a model and show its facts.");
        info._model.AddTo(command);
        command.SetAction((result, _) => info.RunAsync(result));
        return command;
    }

    private async Task<int> RunAsync(ParseResult result)
    {
        using Interrupts interrupts = new();
        EmbeddedModel model = await _model.LoadAsync(result, terminal, interrupts.Token).ConfigureAwait(false);
        await using (model.ConfigureAwait(false))
        {
            (string Name, string Value)[] facts = [.. FactsOf(model).Select(fact => (fact.Name, TerminalText.Clean(fact.Value)))];
            if (terminal.OutputIsTerminal)
                terminal.OutputConsole.Write(TableOf(facts));
            else
                WriteLines(facts);
        }

        return ExitCode.Success;
    }

    private static Table TableOf((string Name, string Value)[] facts)
    {
        Table table = new Table().RoundedBorder().HideHeaders().AddColumns("", "");
        foreach ((string name, string value) in facts)
            table.AddRow(new Text(name, new Style(decoration: Decoration.Bold)), new Text(value));
        return table;
    }

    /// <summary>For programs: no frame, and nothing broken to fit a width.</summary>
    private void WriteLines((string Name, string Value)[] facts)
    {
        int width = facts.Max(fact => fact.Name.Length);
        foreach ((string name, string value) in facts)
            terminal.Output.WriteLine($"{name.PadRight(width)}  {value.ReplaceLineEndings(" ")}");
    }

    private static IEnumerable<(string Name, string Value)> FactsOf(EmbeddedModel model)
    {
        yield return ("Model", model.Id);
        if (model.Metadata.TryGetString("general.name", out string? name) && name != model.Id)
            yield return ("Name", name);
        yield return ("File", model.Path);
        yield return ("Architecture", model.Info.Architecture);
        if (model.Info.ContextLength > 0)
            yield return ("Trained context", Tokens(model.Info.ContextLength));
        yield return ("Context", Tokens(model.ContextLength));
        yield return ("Parameters", Quantity.Of(model.ParameterCount));
        yield return ("Weights", Quantity.OfBytes(model.WeightBytes));
        yield return ("Vocabulary", Tokens(model.VocabularySize));
        yield return ("Chat template", model.Metadata.ContainsKey("tokenizer.chat_template") ? "yes" : "none");
        yield return ("Threads", model.Threads.ToString(CultureInfo.InvariantCulture));
        yield return ("Layers on GPUs", LayersOnGpus(model.Memory));
    }

    private static string LayersOnGpus(MemoryPlan plan) => plan.GpuLayers == 0
        ? "none"
        : string.Create(CultureInfo.InvariantCulture, $"{plan.GpuLayers} of {plan.Layers} on {string.Join(", ", plan.Devices.Skip(1).Select(device => device.Device))}");

    private static string Tokens(long count) => string.Create(CultureInfo.InvariantCulture, $"{count:N0} tokens");
}
