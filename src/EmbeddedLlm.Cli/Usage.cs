using System.CommandLine;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;

namespace EmbeddedLlm.Cli;

/// <summary>What was wrong with a command line, and where to read how it is right.</summary>
internal static class Usage
{
    public const string ProgramName = "embeddedllm";

    /// <summary>The errors; none if the command can run.</summary>
    public static IReadOnlyList<string> ErrorsOf(ParseResult result)
    {
        // The help, the version and completions are given for wrong command lines too.
        if (result.Action != result.CommandResult.Command.Action && result.Action is not ParseErrorAction)
            return [];

        // A mistyped option would otherwise be taken for the command's argument.
        string[] unknown = [.. result.Tokens
            .TakeWhile(token => token.Type != TokenType.DoubleDash)
            .Where(token => token.Type == TokenType.Argument && LooksLikeOption(token.Value) && IsArgumentOf(result.CommandResult, token))
            .Select(token => $"Unknown option '{token.Value}'.")];
        return unknown.Length > 0 ? unknown : [.. result.Errors.Select(error => error.Message).Distinct()];
    }

    /// <summary>Writes the errors and a hint to standard error.</summary>
    public static int Report(Terminal terminal, ParseResult result, IReadOnlyList<string> errors)
    {
        foreach (string error in errors)
            terminal.Fail(error);
        if (result.UnmatchedTokens.Count > 0 && HintOf(result) is { } hint)
            terminal.Note(hint);
        terminal.Note($"See '{CommandLineOf(result.CommandResult)} --help'.");
        return ExitCode.Usage;
    }

    /// <summary>What may have been meant by words too many; null where nothing is likely.</summary>
    private static string? HintOf(ParseResult result)
    {
        Command command = result.CommandResult.Command;
        if (command.Arguments.Count == 0)
            return null;
        if (!result.UnmatchedTokens.Any(token => token.Any(char.IsWhiteSpace)))
            return "Words that belong together need quotation marks around them.";
        return command.Options.Any(option => option.Name == "--model") ? "A model is named with --model." : null;
    }

    private static bool LooksLikeOption(string value) =>
        value.Length > 1 && value[0] == '-' && (char.IsAsciiLetter(value[1]) || value[1] == '-') && !value.Any(char.IsWhiteSpace);

    private static bool IsArgumentOf(CommandResult command, Token token) =>
        !command.Children.OfType<OptionResult>().Any(option => option.Tokens.Any(value => ReferenceEquals(value, token)));

    private static string CommandLineOf(CommandResult command) =>
        command.Parent is CommandResult parent ? $"{CommandLineOf(parent)} {command.Command.Name}" : ProgramName;
}
