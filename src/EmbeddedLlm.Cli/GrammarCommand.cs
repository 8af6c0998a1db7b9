using System.CommandLine;
using System.Globalization;
using System.Text;

namespace EmbeddedLlm.Cli;

/// <summary><c>grammar check</c>: whether texts are in the language of a JSON schema, a grammar or a regular expression.</summary>
internal sealed class GrammarCommand(Terminal terminal)
{
    private const string StandardInput = "-";
    private const string Fits = "fits";

    /// <summary>Texts are read byte by byte, so that any vocabulary serves.</summary>
    private static readonly GrammarVocabulary Vocabulary = GrammarVocabulary.Create(["a"u8.ToArray()], []);

    private readonly GrammarArguments _grammar = new();

    private readonly Argument<string[]> _instances = new("INSTANCE")
    {
        Description = "The files to check; - is standard input, which is also read where none is given.",
        Arity = ArgumentArity.ZeroOrMore,
        HelpName = "INSTANCE",
    };

    public static Command Create(Terminal terminal)
    {
        GrammarCommand grammar = new(terminal);
        Command check = new("check", "Tell which texts are in the language. The exit code is 0 if all are, 1 if one is not, 2 if that could not be told.") { grammar._instances };
        grammar._grammar.AddTo(check);
        check.SetAction((result, _) => grammar.CheckAsync(result));
        return new Command("grammar", "Try JSON schemas, grammars and regular expressions.") { check };
    }

    private async Task<int> CheckAsync(ParseResult result)
    {
        using Interrupts interrupts = new();
        bool isVerbose = result.GetValue(Program.Verbose);
        Language? language = await TryAsync(() => _grammar.ReadAsync(result, JsonSchemaGrammarOptions.Reading, interrupts.Token)).ConfigureAwait(false);
        if (language is null)
            return ExitCode.Usage;

        int code = ExitCode.Success;
        foreach (string instance in result.GetValue(_instances) is { Length: > 0 } given ? given : [StandardInput])
        {
            string? verdict = await TryAsync(() => JudgeAsync(language.Grammar, instance, interrupts.Token)).ConfigureAwait(false);
            if (verdict is not null)
                terminal.WriteLine($"{instance}: {verdict}");
            code = Math.Max(code, verdict is null ? ExitCode.Usage : verdict == Fits ? ExitCode.Success : ExitCode.Failure);
        }

        return code;

        // One text that cannot be read does not keep the others from being judged.
        async Task<T?> TryAsync<T>(Func<Task<T>> run)
            where T : class
        {
            try
            {
                return await run().ConfigureAwait(false);
            }
            catch (Exception exception) when (exception is GrammarException or IOException or UnauthorizedAccessException)
            {
                terminal.Fail(Failure.Describe(exception, isVerbose));
                return null;
            }
        }
    }

    private static async Task<string> JudgeAsync(Grammar grammar, string instance, CancellationToken cancellationToken)
    {
        byte[] text = instance == StandardInput
            ? await Terminal.ReadInputBytesAsync(cancellationToken).ConfigureAwait(false)
            : await File.ReadAllBytesAsync(instance, cancellationToken).ConfigureAwait(false);
        GrammarMatcher matcher = Vocabulary.CreateMatcher(grammar);
        int taken = 0;
        while (taken < text.Length && matcher.TryAdvance(text.AsSpan(taken, 1)))
            taken++;
        if (taken < text.Length)
        {
            return matcher.IsComplete && text.AsSpan(taken).TrimStart("\r\n"u8).IsEmpty
                ? "does not fit, for the line break at its end"
                : $"does not fit: {PlaceOf(text.AsSpan(0, taken))} needs something else";
        }

        return matcher.IsComplete ? Fits : "does not fit: it ends too early";
    }

    /// <summary>The place behind a text, as an editor shows it.</summary>
    private static string PlaceOf(ReadOnlySpan<byte> before)
    {
        int line = before.Count((byte)'\n') + 1;
        int column = Encoding.UTF8.GetCharCount(before[(before.LastIndexOf((byte)'\n') + 1)..]) + 1;
        return string.Create(CultureInfo.InvariantCulture, $"line {line}, column {column}");
    }
}
