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
        Texts.RefuseEmpty(verify._models);
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
        if (names.Length == 0)
            terminal.Note($"No models have been downloaded to {store.Folder}.");
        int code = ExitCode.Success;
        foreach (string name in names)
        {
            // One that cannot be read, or is not there, does not keep the others from being checked.
            try
            {
                if (!await VerifyAsync(store, name, result.GetValue(Program.Verbose), interrupts.Token).ConfigureAwait(false))
                    code = ExitCode.Failure;
            }
            catch (Exception exception) when (exception is EmbeddedLlmException or ArgumentException or IOException or UnauthorizedAccessException)
            {
                terminal.Fail(Failure.Describe(exception, result.GetValue(Program.Verbose)));
                code = ExitCode.Failure;
            }
        }

        return code;
    }

    private async Task<bool> VerifyAsync(ModelStore store, string name, bool isVerbose, CancellationToken cancellationToken)
    {
        ModelVerification verification = await DownloadBar.RunAsync(terminal, !isVerbose, progress => store.VerifyAsync(name, progress, cancellationToken)).ConfigureAwait(false);
        terminal.WriteLine($"{name}: {(verification.IsIntact ? "intact" : "damaged")}");
        foreach (string problem in verification.Problems)
            terminal.Fail(problem);
        return verification.IsIntact;
    }
}
