using EmbeddedLlm.Interop;

namespace EmbeddedLlm.Runtime;

/// <summary>
/// Texts to the tokens of inputs for vectors and ranks: with the tokens around them that llama.cpp's own tokenizers add, and none that a caller's text could forge. Immutable and thread-safe.
/// </summary>
internal sealed unsafe class InputTokenizer
{
    private const string Query = "{query}";
    private const string Document = "{document}";

    private readonly Tokenizer _tokenizer;
    private readonly string? _pairTemplate;
    private readonly int[] _before;
    private readonly int[] _between;
    private readonly int[] _after;
    private readonly int[] _pairAfter;

    /// <param name="model">The model; read here only.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="pairTemplate">The model's prompt for a query and a document; null where there is none.</param>
    public InputTokenizer(ModelHandle model, Tokenizer tokenizer, string? pairTemplate)
    {
        _tokenizer = tokenizer;
        _pairTemplate = pairTemplate;
        llama_vocab* vocab = NativeMethods.llama_model_get_vocab(model);
        bool isWordPiece = NativeMethods.llama_vocab_type(vocab) == llama_vocab_type.WPM;
        int separator = NativeMethods.llama_vocab_sep(vocab);
        int end = NativeMethods.llama_vocab_eos(vocab);
        int ending = end < 0 ? separator : end;
        bool addsEnd = NativeMethods.llama_vocab_get_add_eos(vocab);
        _before = Those((isWordPiece || NativeMethods.llama_vocab_get_add_bos(vocab), NativeMethods.llama_vocab_bos(vocab)));
        _after = isWordPiece ? Those((true, separator)) : Those((addsEnd, end));
        _between = Those((addsEnd, ending), (NativeMethods.llama_vocab_get_add_sep(vocab), separator));
        // llama-server leaves BERT's last [SEP] out, with which it was trained and which llama-embedding adds.
        _pairAfter = isWordPiece ? _after : Those((addsEnd, ending));
    }

    /// <summary>The tokens of an input. May be none, where the text is empty and the model adds none.</summary>
    /// <param name="text">The text.</param>
    /// <param name="parseSpecial">Whether the texts of control tokens stand for these.</param>
    /// <param name="limit">Where the input stands and how long it may be.</param>
    /// <exception cref="EmbeddingInputTooLongException">There are more tokens, and they are not to be cut.</exception>
    public int[] Tokenize(string text, bool parseSpecial, InputLimit limit)
    {
        int[] tokens = _tokenizer.Tokenize(text, parseSpecial);
        int kept = limit.Keep(tokens.Length, _before.Length + _after.Length);
        return [.. _before, .. tokens.AsSpan(0, kept), .. _after];
    }

    /// <summary>The tokens of a query and a document to be ranked by it. Only the document is cut.</summary>
    /// <inheritdoc cref="Tokenize"/>
    public int[] TokenizePair(string query, string document, InputLimit limit)
    {
        if (_pairTemplate is not null)
            return TokenizeByTemplate(_pairTemplate, query, document, limit);
        int[] first = _tokenizer.Tokenize(query, parseSpecial: false);
        int[] second = _tokenizer.Tokenize(document, parseSpecial: false);
        int kept = limit.Keep(second.Length, _before.Length + first.Length + _between.Length + _pairAfter.Length);
        return [.. _before, .. first, .. _between, .. second.AsSpan(0, kept), .. _pairAfter];
    }

    private int[] TokenizeByTemplate(string template, string query, string document, InputLimit limit)
    {
        List<TextPart> parts = Fill(template, query, document, out int documentPart);
        int[] whole = _tokenizer.TokenizeParts(parts);
        if (whole.Length <= limit.MaxTokens || !limit.IsCut || documentPart < 0)
        {
            limit.Keep(whole.Length, around: 0, isCut: false);
            return whole;
        }

        // Cut, and therefore split where the whole might have been merged.
        int[] before = _tokenizer.TokenizeParts(parts[..documentPart]);
        int[] middle = _tokenizer.TokenizeParts([parts[documentPart]]);
        int[] after = _tokenizer.TokenizeParts(parts[(documentPart + 1)..]);
        int kept = limit.Keep(middle.Length, before.Length + after.Length);
        return [.. before, .. middle.AsSpan(0, kept), .. after];
    }

    /// <summary>The template's pieces with the caller's texts between them.</summary>
    /// <param name="template">The template.</param>
    /// <param name="query">Replaces <c>{query}</c>.</param>
    /// <param name="document">Replaces <c>{document}</c>.</param>
    /// <param name="documentPart">Which part is the document; -1 where none is, or more than one.</param>
    internal static List<TextPart> Fill(string template, string query, string document, out int documentPart)
    {
        List<TextPart> parts = [];
        int documents = 0;
        documentPart = -1;
        ReadOnlySpan<char> rest = template;
        while (true)
        {
            int atQuery = rest.IndexOf(Query), atDocument = rest.IndexOf(Document);
            bool isQuery = atQuery >= 0 && (atDocument < 0 || atQuery < atDocument);
            int at = isQuery ? atQuery : atDocument;
            if (at < 0)
                break;
            parts.Add(new TextPart(rest[..at].ToString(), IsTemplate: true));
            if (!isQuery)
                documentPart = ++documents == 1 ? parts.Count : -1;
            parts.Add(new TextPart(isQuery ? query : document, IsTemplate: false));
            rest = rest[(at + (isQuery ? Query : Document).Length)..];
        }

        parts.Add(new TextPart(rest.ToString(), IsTemplate: true));
        return parts;
    }

    private static int[] Those(params ReadOnlySpan<(bool IsAdded, int Token)> tokens)
    {
        List<int> added = [];
        foreach ((bool isAdded, int token) in tokens)
        {
            if (isAdded && token >= 0)
                added.Add(token);
        }

        return [.. added];
    }
}

/// <summary>How long an input may be.</summary>
/// <param name="Index">The input's place among those of its request.</param>
/// <param name="MaxTokens">The most tokens.</param>
/// <param name="IsCut">Whether it loses those that are too many.</param>
internal readonly record struct InputLimit(int Index, int MaxTokens, bool IsCut)
{
    /// <summary>How many of a text's tokens stay.</summary>
    /// <param name="count">How many there are.</param>
    /// <param name="around">How many more tokens the input has, which all stay.</param>
    /// <exception cref="EmbeddingInputTooLongException">Too many, and not to be cut or not to be cut enough.</exception>
    public int Keep(int count, int around) => Keep(count, around, IsCut);

    /// <inheritdoc cref="Keep(int, int)"/>
    public int Keep(int count, int around, bool isCut)
    {
        if (count + around <= MaxTokens)
            return count;
        return isCut && around < MaxTokens ? MaxTokens - around : throw new EmbeddingInputTooLongException(Index, count + around, MaxTokens);
    }
}
