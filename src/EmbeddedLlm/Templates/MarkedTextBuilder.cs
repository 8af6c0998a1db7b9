using System.Buffers;

namespace EmbeddedLlm.Templates;

/// <summary>
/// Grows a text while remembering who wrote which part. The marks are a first kind and the positions where the kind
/// flips, so a text by one party costs no more than a plain one. Not thread-safe.
/// </summary>
internal sealed class MarkedTextBuilder
{
    private const int MinPooled = 1024;

    private readonly long _limit;
    private readonly string _limitName;
    private readonly bool _isPooled;
    private char[] _chars;
    private int[] _flips = [];
    private int _flipCount;
    private PromptPartKind _firstKind;
    private PromptPartKind _lastKind;

    public MarkedTextBuilder(long limit, int capacity = 256)
        : this(limit, "the size of a value", isPooled: false, new char[capacity])
    {
    }

    private MarkedTextBuilder(long limit, string limitName, bool isPooled, char[] chars)
    {
        _limit = limit;
        _limitName = limitName;
        _isPooled = isPooled;
        _chars = chars;
    }

    /// <summary>One whose memory comes from a pool, and goes back to it with <see cref="Return"/>: for a text that nobody holds but its owner.</summary>
    public static MarkedTextBuilder Rent(long limit, string limitName) => new(limit, limitName, isPooled: true, []);

    public int Length { get; private set; }

    public PromptPartKind FirstKind => _firstKind;

    public ReadOnlySpan<char> Text => _chars.AsSpan(0, Length);

    public void Append(ReadOnlySpan<char> text, PromptPartKind kind)
    {
        if (text.IsEmpty)
            return;

        text.CopyTo(Grow(text.Length, kind));
    }

    public void Append(char character, PromptPartKind kind) => Grow(1, kind)[0] = character;

    public void Append(char character, long count, PromptPartKind kind)
    {
        if (count > 0)
            Grow(count, kind).Fill(character);
    }

    public void Append(TemplateString text) => Append(text, 0, text.Length);

    public void Append(TemplateString text, int start, int length)
    {
        ReadOnlySpan<char> chars = text.AsSpan();
        foreach ((int runStart, int runLength, PromptPartKind kind) in text.RunsIn(start, length))
            Append(chars.Slice(runStart, runLength), kind);
    }

    /// <summary>The text up to <paramref name="length"/> as a flat string with its marks.</summary>
    public (string Text, PromptPartKind Kind, int[] Flips) Snapshot(int length)
    {
        int count = _flipCount;
        while (count > 0 && _flips[count - 1] >= length)
            count--;
        return (new string(_chars, 0, length), _firstKind, count == 0 ? [] : _flips.AsSpan(0, count).ToArray());
    }

    public TemplateString ToTemplateString()
    {
        if (Length == 0)
            return TemplateString.Empty;

        (string text, PromptPartKind kind, int[] flips) = Snapshot(Length);
        return new TemplateString(text, kind, flips);
    }

    public RenderedPrompt ToPrompt()
    {
        if (Length == 0)
            return new RenderedPrompt([]);

        PromptPart[] parts = new PromptPart[_flipCount + 1];
        PromptPartKind kind = _firstKind;
        int start = 0;
        for (int i = 0; i < parts.Length; i++)
        {
            int end = i < _flipCount ? _flips[i] : Length;
            parts[i] = new PromptPart(new string(_chars, start, end - start), kind);
            kind = kind.Other();
            start = end;
        }

        return new RenderedPrompt(parts);
    }

    /// <summary>Gives the memory back to the pool it may be from. The text is gone.</summary>
    public void Return()
    {
        Length = 0;
        Replace([]);
    }

    private Span<char> Grow(long count, PromptPartKind kind)
    {
        long length = Length + count;
        if (length > _limit)
            throw TemplateFault.LimitExceeded(_limitName, _limit);

        if (length > _chars.Length)
        {
            int capacity = (int)Math.Min(Math.Max(length, 2L * _chars.Length), Math.Max(length, _limit));
            char[] longer = _isPooled ? ArrayPool<char>.Shared.Rent(Math.Max(capacity, MinPooled)) : new char[capacity];
            Text.CopyTo(longer);
            Replace(longer);
        }

        if (Length == 0)
            _firstKind = kind;
        else if (kind != _lastKind)
            AddFlip();
        _lastKind = kind;

        Span<char> room = _chars.AsSpan(Length, (int)count);
        Length = (int)length;
        return room;
    }

    private void Replace(char[] chars)
    {
        char[] old = _chars;
        _chars = chars;
        if (_isPooled && old.Length > 0)
            ArrayPool<char>.Shared.Return(old);
    }

    private void AddFlip()
    {
        if (_flipCount == _flips.Length)
            Array.Resize(ref _flips, Math.Max(4, 2 * _flipCount));
        _flips[_flipCount++] = Length;
    }
}

internal static class PromptPartKinds
{
    public static PromptPartKind Other(this PromptPartKind kind) => kind ^ PromptPartKind.Caller;
}
