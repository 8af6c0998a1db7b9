using System.CommandLine;
using System.Globalization;
using Spectre.Console;

namespace EmbeddedLlm.Cli;

/// <summary><c>info</c>: the facts of a model.</summary>
internal sealed class InfoCommand(Terminal terminal)
{
    private readonly ModelArguments _model = new();

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
            Table table = new Table().HideHeaders().AddColumns("", "");
            table.Border = terminal.OutputIsTerminal ? TableBorder.Rounded : TableBorder.None;
            foreach ((string name, string value) in FactsOf(model))
                table.AddRow(new Text(name, new Style(decoration: Decoration.Bold)), new Text(TerminalText.Clean(value)));
            terminal.CreateOutputConsole().Write(table);
        }

        return ExitCode.Success;
    }

    private static IEnumerable<(string Name, string Value)> FactsOf(EmbeddedModel model)
    {
        yield return ("Model", model.Id);
        if (model.Metadata.TryGetString("general.name", out string? name) && name != model.Id)
            yield return ("Name", name);
        yield return ("File", model.Path);
        if (model.Metadata.TryGetString("general.architecture", out string? architecture))
        {
            yield return ("Architecture", architecture);
            if (model.Metadata.TryGetInteger($"{architecture}.context_length", out long trained))
                yield return ("Trained context", Tokens(trained));
        }

        yield return ("Context", Tokens(model.ContextLength));
        yield return ("Parameters", Quantity.Of(model.ParameterCount));
        yield return ("Weights", Quantity.OfBytes(model.WeightBytes));
        yield return ("Vocabulary", Tokens(model.VocabularySize));
        yield return ("Chat template", model.Metadata.ContainsKey("tokenizer.chat_template") ? "yes" : "none");
        yield return ("Threads", model.Threads.ToString(CultureInfo.InvariantCulture));
    }

    private static string Tokens(long count) => string.Create(CultureInfo.InvariantCulture, $"{count:N0} tokens");
}
