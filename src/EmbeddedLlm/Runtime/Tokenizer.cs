using System.Buffers;
using System.Text;
using EmbeddedLlm.Interop;
using EmbeddedLlm.Tokens;

namespace EmbeddedLlm.Runtime;

/// <summary>
/// Text to tokens and back. llama.cpp splits plain text; special tokens are found here, in template parts only, so no caller's text can become a control token. Thread-safe.
/// </summary>
internal sealed unsafe class Tokenizer
{
    private readonly ModelHandle _model;
    private readonly llama_vocab* _vocab;
    private readonly Vocabulary _vocabulary;
    private readonly SpecialTokens _specialTokens;
    private readonly int _beginOfSequence;
    private readonly bool _isBytePair;
    private readonly Lazy<SentencePieceChunks>? _sentencePieces;
    private readonly Lazy<bool> _addsSpace;

    /// <param name="model">The model; kept open by its owner as long as the tokenizer is used.</param>
    /// <param name="vocabulary">The model's tokens.</param>
    public Tokenizer(ModelHandle model, Vocabulary vocabulary)
    {
        _model = model;
        _vocab = NativeMethods.llama_model_get_vocab(model);
        _vocabulary = vocabulary;
        _specialTokens = new SpecialTokens(ReadSpecialTokens());
        llama_vocab_type type = NativeMethods.llama_vocab_type(_vocab);
        _isBytePair = type == llama_vocab_type.BPE;
        _sentencePieces = type == llama_vocab_type.SPM ? new Lazy<SentencePieceChunks>(() => new SentencePieceChunks(vocabulary)) : null;
        _addsSpace = new Lazy<bool>(AddsSpace);
        _beginOfSequence = NativeMethods.llama_vocab_get_add_bos(_vocab) ? NativeMethods.llama_vocab_bos(_vocab) : -1;
    }

    /// <summary>The token that the model wants at the beginning of a prompt; -1 where it wants none.</summary>
    public int BeginOfSequence => _beginOfSequence;

    /// <summary>The tokens of a text, without a begin-of-sequence token.</summary>
    public int[] Tokenize(string text, bool parseSpecial) => TokenizeParts([new TextPart(text, parseSpecial)]);

    /// <summary>The tokens of parts, without a begin-of-sequence token.</summary>
    public int[] TokenizeParts(IReadOnlyList<TextPart> parts)
    {
        List<int> tokens = [];
        Append(parts, tokens, CancellationToken.None);
        return [.. tokens];
    }

    /// <summary>The tokens of a prompt, begun with the begin-of-sequence token where the model wants one and the template has not written it.</summary>
    /// <param name="parts">The prompt.</param>
    /// <param name="cancellationToken">Looked at between pieces of some hundred characters; where the vocabulary does not let the text be cut, between parts.</param>
    public int[] TokenizePrompt(IReadOnlyList<TextPart> parts, CancellationToken cancellationToken)
    {
        List<int> tokens = [];
        Append(parts, tokens, cancellationToken);
        if (_beginOfSequence >= 0 && (tokens.Count == 0 || tokens[0] != _beginOfSequence))
            tokens.Insert(0, _beginOfSequence);
        return [.. tokens];
    }

    /// <summary>The bytes of tokens one after the other; those of control tokens only on request.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A token is not in the vocabulary.</exception>
    public byte[] Detokenize(ReadOnlySpan<int> tokens, bool includeSpecial)
    {
        ArrayBufferWriter<byte> bytes = new();
        foreach (int token in tokens)
        {
            if ((uint)token >= (uint)_vocabulary.Count)
                throw new ArgumentOutOfRangeException(nameof(tokens), token, $"The vocabulary has {_vocabulary.Count} tokens.");
            bytes.Write(includeSpecial ? _vocabulary.BytesOf(token) : _vocabulary.TextBytesOf(token));
        }

        return bytes.WrittenSpan.ToArray();
    }

    /// <summary>
    /// Splits the parts at the special tokens in template text. What lies between goes to llama.cpp as one piece, parts of both kinds joined, since a merge across their border
    /// is what the model saw in training.
    /// </summary>
    private void Append(IReadOnlyList<TextPart> parts, List<int> tokens, CancellationToken cancellationToken)
    {
        StringBuilder plain = new();
        bool stripsStart = false;
        foreach (TextPart part in parts)
        {
            ReadOnlySpan<char> rest = part.Text;
            while (part.IsTemplate && _specialTokens.Find(rest, out int index) is { } special)
            {
                plain.Append(rest[..index]);
                AppendPlain(plain, stripsStart, special.StripsLeft, tokens, cancellationToken);
                tokens.Add(special.Id);
                stripsStart = special.StripsRight;
                rest = rest[(index + special.Text.Length)..];
            }

            plain.Append(rest);
        }

        AppendPlain(plain, stripsStart, stripsEnd: false, tokens, cancellationToken);
    }

    private void AppendPlain(StringBuilder plain, bool stripsStart, bool stripsEnd, List<int> tokens, CancellationToken cancellationToken)
    {
        ReadOnlySpan<char> text = plain.ToString();
        plain.Clear();
        if (stripsStart)
            text = text.TrimStart();
        if (stripsEnd)
            text = text.TrimEnd();
        for (bool isFirst = true; !text.IsEmpty; isFirst = false)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int length = LengthOfPiece(text);
            AppendNative(text[..length], tokens, isContinued: !isFirst);
            text = text[length..];
        }
    }

    private int LengthOfPiece(ReadOnlySpan<char> text)
    {
        if (_isBytePair)
            return PlainTextChunks.FirstLength(text);
        return _sentencePieces is null || text.Length <= SentencePieceChunks.MinLength ? text.Length : _sentencePieces.Value.FirstLength(text);
    }

    /// <summary>The tokens of the space that some vocabularies put in front of every text, where a piece is no beginning of one.</summary>
    private int CountSpaceInFront(ReadOnlySpan<int> ids)
    {
        if (_isBytePair || ids.IsEmpty || !_addsSpace.Value)
            return 0;
        if (_vocabulary.BytesOf(ids[0]).SequenceEqual(" "u8))
            return 1;

        // Without a token for it, it is the bytes of '\u2581'.
        ReadOnlySpan<byte> bytes = "\u2581"u8;
        for (int i = 0; i < bytes.Length; i++)
        {
            if (i == ids.Length || !_vocabulary.BytesOf(ids[i]).SequenceEqual(bytes.Slice(i, 1)))
                return 0;
        }

        return bytes.Length;
    }

    private bool AddsSpace()
    {
        List<int> tokens = [];
        AppendNative("a", tokens, isContinued: false);
        return tokens.Count > 0 && _vocabulary.BytesOf(tokens[0]) is [(byte)' ' or 0xE2, ..];
    }

    private void AppendNative(ReadOnlySpan<char> text, List<int> tokens, bool isContinued)
    {
        byte[] utf8 = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetMaxByteCount(text.Length));
        int byteCount = Encoding.UTF8.GetBytes(text, utf8);
        // No token is empty, so there are no more tokens than bytes but for a space that some vocabularies put in front.
        int[] ids = ArrayPool<int>.Shared.Rent(byteCount + 2);
        try
        {
            int count = TokenizeNative(utf8.AsSpan(0, byteCount), ids);
            if (count < 0 && count > int.MinValue)
            {
                ArrayPool<int>.Shared.Return(ids);
                ids = ArrayPool<int>.Shared.Rent(-count);
                count = TokenizeNative(utf8.AsSpan(0, byteCount), ids);
            }

            if (count < 0)
                throw new EmbeddedLlmException($"llama.cpp could not split a text of {byteCount} bytes into tokens.");
            tokens.AddRange(ids.AsSpan((isContinued ? CountSpaceInFront(ids.AsSpan(0, count)) : 0)..count));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(utf8);
            ArrayPool<int>.Shared.Return(ids);
        }
    }

    private int TokenizeNative(ReadOnlySpan<byte> utf8, Span<int> ids)
    {
        bool added = false;
        _model.Hold(ref added);
        try
        {
            return NativeMethods.llama_tokenize(_vocab, utf8, utf8.Length, ids, ids.Length, add_special: false, parse_special: false);
        }
        finally
        {
            _model.DangerousRelease();
        }
    }

    private List<SpecialToken> ReadSpecialTokens()
    {
        List<SpecialToken> tokens = [];
        for (int id = 0; id < _vocabulary.Count; id++)
        {
            llama_token_attr attributes = NativeMethods.llama_vocab_get_attr(_vocab, id);
            if ((attributes & (llama_token_attr.CONTROL | llama_token_attr.USER_DEFINED | llama_token_attr.UNKNOWN)) == 0)
                continue;
            string text = Encoding.UTF8.GetString(_vocabulary.BytesOf(id));
            if (text.Length > 0)
                tokens.Add(new SpecialToken(id, text, attributes.HasFlag(llama_token_attr.LSTRIP), attributes.HasFlag(llama_token_attr.RSTRIP)));
        }

        return tokens;
    }
}
