using System.CommandLine;
using System.CommandLine.Parsing;

namespace EmbeddedLlm.Cli;

/// <summary>Options and arguments that take a text which has to have something in it.</summary>
internal static class Texts
{
    /// <summary>Refuses an empty text, and names the option.</summary>
    public static void RefuseEmpty(Option option) => option.Validators.Add(result => Refuse(result, result.Tokens, option.Name));

    /// <summary>Refuses an empty text, and names the argument.</summary>
    public static void RefuseEmpty(Argument argument) => argument.Validators.Add(result => Refuse(result, result.Tokens, argument.Name));

    private static void Refuse(SymbolResult result, IReadOnlyList<Token> tokens, string name)
    {
        if (tokens.Any(token => string.IsNullOrEmpty(token.Value)))
            result.AddError($"{name} takes a text that is not empty.");
    }
}
