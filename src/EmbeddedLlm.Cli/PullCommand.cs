using System.CommandLine;

namespace EmbeddedLlm.Cli;

/// <summary><c>pull</c>: downloads a model.</summary>
internal sealed class PullCommand(Terminal terminal)
{
    private readonly StoreArguments _store = new(downloads: true);
    private readonly Argument<string> _model = StoreArguments.CreateModel();

    public static Command Create(Terminal terminal)
    {
        PullCommand pull = new(terminal);
        Command command = new("pull", "Download a model, or what is missing of it, and write its path to standard output.") { pull._model };
        pull._store.AddTo(command);
        command.SetAction((result, _) => pull.RunAsync(result));
        return command;
    }

    private async Task<int> RunAsync(ParseResult result)
    {
        using Interrupts interrupts = new();
        string name = result.GetRequiredValue(_model);
        using HeldLog log = new();
        ModelStore store = _store.Open(result, terminal, log);
        StoredModel model;
        try
        {
            model = await DownloadBar.RunAsync(
                terminal, !result.GetValue(Program.Verbose), progress => store.PullAsync(name, progress, interrupts.Token)).ConfigureAwait(false);
        }
        finally
        {
            log.WriteTo(terminal);
        }

        terminal.WriteLine(model.Path);
        return ExitCode.Success;
    }
}
