using System.CommandLine;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Cli;

/// <summary><c>chat</c>: one answer to a prompt, or a conversation at the terminal.</summary>
internal sealed class ChatCommand(Terminal terminal)
{
    private readonly ModelArguments _model = new(chats: true);
    private readonly RequestArguments _request = new();

    private readonly Argument<string?> _prompt = new("PROMPT")
    {
        Description = "What to ask. Without it the prompt is read from standard input; at a terminal a conversation begins.",
        Arity = ArgumentArity.ZeroOrOne,
        HelpName = "PROMPT",
    };

    private readonly Option<bool> _quiet = new("--quiet", "-q")
    {
        Description = "Do not write the figures of an answer to standard error.",
    };

    public static Command Create(Terminal terminal)
    {
        ChatCommand chat = new(terminal);
        Command command = new("chat", "Chat with a model: the answer on standard output, all else on standard error.") { chat._prompt };
        chat._model.AddTo(command);
        chat._request.AddTo(command);
        command.Add(chat._quiet);
        command.SetAction((result, _) => chat.RunAsync(result));
        return command;
    }

    private async Task<int> RunAsync(ParseResult result)
    {
        using Interrupts interrupts = new();
        string? prompt = result.GetValue(_prompt);
        bool isInteractive = prompt is null && terminal.IsInteractive;
        if (!isInteractive)
            prompt ??= await Terminal.ReadInputAsync(interrupts.Token).ConfigureAwait(false);
        if (!isInteractive && string.IsNullOrWhiteSpace(prompt))
        {
            terminal.Fail("The prompt is empty.");
            return ExitCode.Usage;
        }

        EmbeddedModel model = await _model.LoadAsync(result, terminal, interrupts.Token).ConfigureAwait(false);
        await using (model.ConfigureAwait(false))
        {
            using IChatClient client = model.AsChatClient();
            Conversation conversation = new(client, _request.CreateOptions(result));
            bool showsFigures = !result.GetValue(_quiet);
            if (prompt is not null)
                return await AskAsync(conversation, prompt, showsFigures, interrupts.Token).ConfigureAwait(false);
            await new InteractiveChat(terminal, interrupts, conversation, showsFigures).RunAsync(model).ConfigureAwait(false);
            return ExitCode.Success;
        }
    }

    private async Task<int> AskAsync(Conversation conversation, string prompt, bool showsFigures, CancellationToken cancellationToken)
    {
        AnswerWriter writer = new(terminal);
        Answer answer = await conversation.AskAsync(prompt, writer.Write, cancellationToken).ConfigureAwait(false);
        writer.EndLine();
        if (showsFigures)
            terminal.Note(answer.Figures());
        return answer.IsCancelled ? ExitCode.Cancelled : ExitCode.Success;
    }
}
