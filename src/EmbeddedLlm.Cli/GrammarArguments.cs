using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace EmbeddedLlm.Cli;

/// <summary>The options that name a language, of which a command line has exactly one.</summary>
internal sealed class GrammarArguments
{
    /// <summary>Deeper than any schema is taken, so that a schema that is too deep is refused by what knows why.</summary>
    private static readonly JsonDocumentOptions Deep = new() { MaxDepth = 2000 };

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly Option<string?> _schema = new("--schema")
    {
        Description = "A file with a JSON schema.",
        HelpName = "FILE",
    };

    private readonly Option<string?> _grammar = new("--grammar")
    {
        Description = "A file with a grammar in GBNF, llama.cpp's notation.",
        HelpName = "FILE",
    };

    private readonly Option<string?> _regex = new("--regex")
    {
        Description = "A regular expression, in JavaScript's notation, for the whole text.",
        HelpName = "R",
    };

    public void AddTo(Command command)
    {
        Option[] options = [_schema, _grammar, _regex];
        foreach (Option option in options)
            command.Add(option);
        command.Validators.Add(result =>
        {
            if (options.Count(option => result.GetResult(option) is not null) != 1)
                result.AddError("One of --schema, --grammar and --regex is needed, and only one.");
        });
    }

    /// <summary>The language that the command line names.</summary>
    /// <param name="result">The command line.</param>
    /// <param name="options">How a schema is taken.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="GrammarException">What it names is malformed, or cannot be enforced; the message says in which file and where.</exception>
    public async Task<Language> ReadAsync(ParseResult result, JsonSchemaGrammarOptions options, CancellationToken cancellationToken)
    {
        if (result.GetValue(_regex) is { } regex)
            return Named("--regex", () => new Language(Grammar.FromRegex(regex)));
        string file = result.GetValue(_schema) ?? result.GetRequiredValue(_grammar)!;
        byte[] bytes = await File.ReadAllBytesAsync(file, cancellationToken).ConfigureAwait(false);
        ReadOnlyMemory<byte> content = bytes.AsSpan().StartsWith(Encoding.UTF8.Preamble) ? bytes.AsMemory(Encoding.UTF8.Preamble.Length) : bytes;
        return Named(file, () => result.GetValue(_schema) is not null ? FromSchema(content, options) : new Language(Grammar.FromGbnf(TextOf(content))));
    }

    private static Language FromSchema(ReadOnlyMemory<byte> content, JsonSchemaGrammarOptions options)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(content, Deep);
            return new Language(Grammar.FromJsonSchema(document.RootElement, options), document.RootElement.Clone());
        }
        catch (JsonException exception)
        {
            string place = exception is { LineNumber: { } line, BytePositionInLine: { } position }
                ? string.Create(CultureInfo.InvariantCulture, $" (line {line + 1}, byte {position + 1})")
                : "";
            throw new GrammarException($"It is not JSON{place}.", exception);
        }
    }

    private static string TextOf(ReadOnlyMemory<byte> content)
    {
        try
        {
            return StrictUtf8.GetString(content.Span);
        }
        catch (DecoderFallbackException exception)
        {
            throw new GrammarException("It is not text in UTF-8.", exception);
        }
    }

    /// <summary>Says in front of what is wrong where it was read.</summary>
    private static Language Named(string source, Func<Language> create)
    {
        try
        {
            return create();
        }
        catch (GrammarException exception)
        {
            throw new GrammarException($"{source}: {exception.Message}", exception);
        }
    }
}

/// <summary>What a text is held to.</summary>
/// <param name="Grammar">All that may be said.</param>
/// <param name="Schema">The JSON schema that the grammar was made of; null where there is none.</param>
internal sealed record Language(Grammar Grammar, JsonElement? Schema = null);
