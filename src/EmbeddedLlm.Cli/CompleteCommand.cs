using System.CommandLine;

namespace EmbeddedLlm.Cli;

/// <summary><c>complete</c>: what comes after a text, or between two, without a chat template.</summary>
internal sealed class CompleteCommand(Terminal terminal)
{
    private readonly ModelArguments _model = new(chats: false);
    private readonly RequestArguments _request = new();

    private readonly Argument<string?> _prompt = new("PROMPT")
    {
        Description = "The text to go on with. Without it the text is read from standard input.",
        Arity = ArgumentArity.ZeroOrOne,
        HelpName = "PROMPT",
    };

    private readonly Option<string?> _suffix = new("--suffix")
    {
        Description = "What comes behind the gap: with it the model fills the gap between the prompt and this text, if it was trained to.",
        HelpName = "TEXT",
    };

    private readonly Option<string[]> _stop = new("--stop")
    {
        Description = "A text before which the completion ends; may be given several times.",
        HelpName = "TEXT",
    };

    private readonly Option<bool> _quiet = new("--quiet", "-q")
    {
        Description = "Do not write the figures to standard error.",
    };

    public static Command Create(Terminal terminal)
    {
        CompleteCommand complete = new(terminal);
        Texts.RefuseEmpty(complete._stop);
        Command command = new("complete", "Go on with a text, without a chat template: what the model adds on standard output, all else on standard error.") { complete._prompt };
        command.Add(complete._suffix);
        command.Add(complete._stop);
        complete._model.AddTo(command);
        complete._request.AddTo(command, chats: false);
        command.Add(complete._quiet);
        command.SetAction((result, _) => complete.RunAsync(result));
        return command;
    }

    private async Task<int> RunAsync(ParseResult result)
    {
        using Interrupts interrupts = new();
        string prompt = result.GetValue(_prompt) ?? await Terminal.ReadInputAsync(interrupts.Token).ConfigureAwait(false);
        string? suffix = result.GetValue(_suffix);
        if (prompt.Length == 0 && suffix is null)
        {
            terminal.Fail("The prompt is empty.");
            return ExitCode.Usage;
        }

        EmbeddedModel model = await _model.LoadAsync(result, terminal, interrupts.Token).ConfigureAwait(false);
        await using (model.ConfigureAwait(false))
        {
            InfillOptions options = new() { StopSequences = result.GetValue(_stop) };
            _request.Configure(options, result);
            AnswerWriter writer = new(terminal);
            Answer answer = await WriteAsync(
                suffix is null ? model.CompleteStreamingAsync(prompt, options, interrupts.Token) : model.InfillStreamingAsync(prompt, suffix, options, interrupts.Token),
                writer,
                interrupts.Token).ConfigureAwait(false);
            writer.EndLine();
            if (!result.GetValue(_quiet))
                terminal.Note(answer.Figures());
            return answer.IsCancelled ? ExitCode.Cancelled : ExitCode.Success;
        }
    }

    private static async Task<Answer> WriteAsync(IAsyncEnumerable<CompletionUpdate> updates, AnswerWriter writer, CancellationToken cancellationToken)
    {
        Answer answer = new();
        try
        {
            await foreach (CompletionUpdate update in updates.ConfigureAwait(false))
            {
                writer.Write(update.Text);
                answer = new Answer { FinishReason = update.FinishReason, Usage = update.Usage, Timings = update.Timings };
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            answer = new Answer { IsCancelled = true };
        }

        return answer;
    }
}
