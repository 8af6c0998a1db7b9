using System.CommandLine;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Cli;

/// <summary>The options of every command that asks a model for an answer. What is not given is the model's default.</summary>
internal sealed class RequestArguments
{
    private readonly Option<string?> _system = new("--system", "-s")
    {
        Description = "What is said to the model ahead of the conversation.",
        HelpName = "TEXT",
    };

    private readonly Option<float?> _temperature = Numbers.Option("--temperature", "Divides the logits before the draw; 0 takes the most likely token.", minimum: 0f);
    private readonly Option<float?> _topP = Numbers.Option("--top-p", "Keep the most likely tokens that have this probability together; 1 keeps all.", minimum: 0f, maximum: 1f, isAboveMinimum: true);
    private readonly Option<int?> _topK = Numbers.Option("--top-k", "Keep this many of the most likely tokens; 0 keeps all.", minimum: 0);
    private readonly Option<float?> _minP = Numbers.Option("--min-p", "Keep tokens with at least this fraction of the most likely one's probability; 0 keeps all.", minimum: 0f, maximum: 1f);
    private readonly Option<long?> _seed = Numbers.Option("--seed", "The same seed gives the same answer.", minimum: long.MinValue);
    private readonly Option<int?> _maxTokens = Numbers.Option("--max-tokens", "The longest answer, in tokens.", minimum: 1);

    /// <param name="command">The command.</param>
    /// <param name="chats">Whether the command chats with the model.</param>
    public void AddTo(Command command, bool chats = true)
    {
        if (chats)
            command.Add(_system);
        command.Add(_temperature);
        command.Add(_topP);
        command.Add(_topK);
        command.Add(_minP);
        command.Add(_seed);
        command.Add(_maxTokens);
    }

    /// <summary>Sets what the command line asks of a completion.</summary>
    public void Configure(CompletionOptions options, ParseResult result)
    {
        options.Temperature = result.GetValue(_temperature);
        options.TopP = result.GetValue(_topP);
        options.TopK = result.GetValue(_topK);
        options.MinP = result.GetValue(_minP);
        options.Seed = result.GetValue(_seed);
        options.MaxOutputTokens = result.GetValue(_maxTokens);
    }

    /// <summary>What the command line asks for.</summary>
    /// <param name="result">The command line.</param>
    /// <param name="language">What the answer is held to; null where it is free. A schema goes the way it has from an app, so that the model hears of its descriptions.</param>
    public ChatOptions CreateOptions(ParseResult result, Language? language = null)
    {
        float? minP = result.GetValue(_minP);
        Grammar? grammar = language is { Schema: null } ? language.Grammar : null;
        return new ChatOptions
        {
            Instructions = result.GetValue(_system),
            Temperature = result.GetValue(_temperature),
            TopP = result.GetValue(_topP),
            TopK = result.GetValue(_topK),
            Seed = result.GetValue(_seed),
            MaxOutputTokens = result.GetValue(_maxTokens),
            ResponseFormat = language?.Schema is { } schema ? ChatResponseFormat.ForJsonSchema(schema) : null,
            RawRepresentationFactory = minP is null && grammar is null ? null : _ => new EmbeddedChatOptions { MinP = minP, Grammar = grammar },
        };
    }
}
