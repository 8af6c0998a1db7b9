using System.CommandLine;

namespace EmbeddedLlm.Cli;

/// <summary><c>verify</c>: whether downloaded models are as they were when they came.</summary>
internal sealed class VerifyCommand(Terminal terminal)
{
    private readonly StoreArguments _store = new();
    private readonly Argument<string[]> _models = new("MODEL")
    {
        Description = "The models to check, as for pull; all where none is given.",
        Arity = ArgumentArity.ZeroOrMore,
        HelpName = "MODEL",
    };

    public static Command Create(Terminal terminal)
    {
        VerifyCommand verify = new(terminal);
        Command command = new("verify", "Read downloaded models again and compare them with what they were. The exit code is 1 if one is damaged.") { verify._models };
        verify._store.AddTo(command);
        command.SetAction((result, _) => verify.RunAsync(result));
        return command;
    }

    private async Task<int> RunAsync(ParseResult result)
    {
        using Interrupts interrupts = new();
        ModelStore store = _store.Open(result, terminal);
        string[] names = result.GetValue(_models) is { Length: > 0 } given
            ? given
            : [.. (await store.ListAsync(interrupts.Token).ConfigureAwait(false)).Select(model => model.Name)];
        int code = ExitCode.Success;
        foreach (string name in names)
        {
            ModelVerification verification = await DownloadBar.RunAsync(
                terminal, !result.GetValue(Program.Verbose), progress => store.VerifyAsync(name, progress, interrupts.Token)).ConfigureAwait(false);
            terminal.Output.WriteLine($"{(terminal.OutputIsTerminal ? TerminalText.Clean(name) : name)}: {(verification.IsIntact ? "intact" : "damaged")}");
            foreach (string problem in verification.Problems)
                terminal.Fail(problem);
            code = verification.IsIntact ? code : ExitCode.Failure;
        }

        return code;
    }
}
