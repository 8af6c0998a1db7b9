using System.CommandLine;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Cli;

/// <summary><c>generate</c>: one answer that is held to a JSON schema, a grammar or a regular expression.</summary>
internal sealed class GenerateCommand(Terminal terminal)
{
    private readonly ModelArguments _model = new(chats: true);
    private readonly RequestArguments _request = new();
    private readonly GrammarArguments _grammar = new();

    private readonly Argument<string?> _prompt = new("PROMPT")
    {
        Description = "What to ask. Without it the prompt is read from standard input.",
        Arity = ArgumentArity.ZeroOrOne,
        HelpName = "PROMPT",
    };

    private readonly Option<bool> _quiet = new("--quiet", "-q")
    {
        Description = "Do not write the figures of the answer to standard error.",
    };

    public static Command Create(Terminal terminal)
    {
        GenerateCommand generate = new(terminal);
        Command command = new("generate", "Ask a model for an answer that fits a JSON schema, a grammar or a regular expression: the answer alone on standard output.") { generate._prompt };
        generate._grammar.AddTo(command);
        generate._model.AddTo(command);
        generate._request.AddTo(command);
        command.Add(generate._quiet);
        command.SetAction((result, _) => generate.RunAsync(result));
        return command;
    }

    private async Task<int> RunAsync(ParseResult result)
    {
        using Interrupts interrupts = new();
        string prompt = result.GetValue(_prompt) ?? await Terminal.ReadInputAsync(interrupts.Token).ConfigureAwait(false);
        if (string.IsNullOrWhiteSpace(prompt))
        {
            terminal.Fail("The prompt is empty.");
            return ExitCode.Usage;
        }

        // First what may be wrong with it, then the model, which takes its time.
        Language language = await _grammar.ReadAsync(result, JsonSchemaGrammarOptions.Default, interrupts.Token).ConfigureAwait(false);
        EmbeddedModel model = await _model.LoadAsync(result, terminal, interrupts.Token).ConfigureAwait(false);
        await using (model.ConfigureAwait(false))
        {
            using IChatClient client = model.AsChatClient();
            AnswerWriter writer = new(terminal);
            Answer answer = await new Conversation(client, _request.CreateOptions(result, language)).AskAsync(prompt, writer.Write, interrupts.Token).ConfigureAwait(false);
            writer.EndLine();
            if (!result.GetValue(_quiet))
                terminal.Note(answer.Figures());
            if (answer.IsCancelled)
                return ExitCode.Cancelled;
            if (answer.FinishReason != ChatFinishReason.Length)
                return ExitCode.Success;
            terminal.Fail("The answer was cut short, so it is not complete; --max-tokens and --context give more room.");
            return ExitCode.Failure;
        }
    }
}
