namespace EmbeddedLlm.Cli;

/// <summary>A conversation at the terminal.</summary>
internal sealed class InteractiveChat(Terminal terminal, Interrupts interrupts, Conversation conversation, bool showsFigures)
{
    private const string Help =
        """
        /reset   forget the conversation
        /help    show this
        /exit    leave (or Ctrl-D)
        Ctrl-C stops an answer. Alt-Enter begins a new line.
        The arrow keys bring back what was typed before.
        """;

    private readonly LineReader _reader = new(terminal.Dialogue);

    public async Task RunAsync(EmbeddedModel model)
    {
        terminal.Note($"{model.Id}, {Quantity.Of(model.ParameterCount)} parameters, a context of {model.ContextLength:N0} tokens. /help lists the commands.");
        for (bool isWarned = false; ;)
        {
            Line line = _reader.Read();
            if (line.Kind == LineKind.End)
                return;
            if (line.Kind == LineKind.Interrupt)
            {
                if (isWarned)
                    return;
                terminal.Note("Ctrl-C once more leaves, and so does /exit.");
                isWarned = true;
                continue;
            }

            isWarned = false;
            string text = line.Text.Trim();
            if (text is "/exit" or "/quit")
                return;
            if (text.Length == 0)
                continue;
            if (!TryRunCommand(text))
                await AskAsync(text).ConfigureAwait(false);
            terminal.Dialogue.WriteLine();
        }
    }

    private bool TryRunCommand(string text)
    {
        // A path or the like is a prompt, not a command.
        if (text[0] != '/' || text.AsSpan(1).ContainsAnyExceptInRange('a', 'z'))
            return false;
        switch (text)
        {
            case "/reset":
                conversation.Reset();
                terminal.Note("The conversation is forgotten.");
                break;
            case "/help":
                terminal.Note(Help);
                break;
            default:
                terminal.Fail($"There is no command {text}. /help lists the commands.");
                break;
        }

        return true;
    }

    private async Task AskAsync(string prompt)
    {
        interrupts.Renew();
        AnswerWriter writer = new(terminal);
        try
        {
            Answer answer = await conversation.AskAsync(prompt, writer.Write, interrupts.Token).ConfigureAwait(false);
            writer.EndLine();
            if (showsFigures || answer.IsCancelled)
                terminal.Note(answer.Figures());
        }
        catch (ContextOverflowException exception)
        {
            terminal.Fail($"{Failure.Describe(exception, verbose: false)} /reset forgets the conversation.");
        }
        catch (EmbeddedLlmException exception)
        {
            writer.EndLine();
            terminal.Fail(Failure.Describe(exception, verbose: false));
        }
    }
}
