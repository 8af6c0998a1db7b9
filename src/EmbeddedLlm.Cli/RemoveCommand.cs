using System.CommandLine;

namespace EmbeddedLlm.Cli;

/// <summary><c>remove</c>: deletes a downloaded model.</summary>
internal sealed class RemoveCommand(Terminal terminal)
{
    private readonly StoreArguments _store = new();
    private readonly Argument<string> _model = StoreArguments.CreateModel();

    public static Command Create(Terminal terminal)
    {
        RemoveCommand remove = new(terminal);
        Command command = new("remove", "Delete a downloaded model, or what has come of it so far.") { remove._model };
        remove._store.AddTo(command);
        command.SetAction((result, _) => remove.RunAsync(result));
        return command;
    }

    private async Task<int> RunAsync(ParseResult result)
    {
        using Interrupts interrupts = new();
        string name = result.GetRequiredValue(_model);
        if (await _store.Open(result, terminal).RemoveAsync(name, interrupts.Token).ConfigureAwait(false))
            return ExitCode.Success;
        terminal.Fail($"'{name}' has not been downloaded.");
        return ExitCode.Failure;
    }
}
