using System.Text;
using EmbeddedLlm.Grammars;

namespace EmbeddedLlm.Client;

/// <summary>
/// Tells the calls in a streamed answer from its text, however the text is cut. The markers belong to neither, nor does the white space before a call. Not thread-safe.
/// </summary>
/// <param name="format">How the model writes calls.</param>
/// <param name="arguments">What the functions' arguments are; null where that is not known.</param>
/// <param name="functions">
/// The names of what may be called where an answer that is no call is held to a format of its own, and so may have the markers in it or begin as a call does, like <c>{"name": "Ana"}</c>, or where the name
/// alone tells a call from text; null elsewhere.
/// </param>
internal sealed class ToolCallReader(ToolCallFormat format, ToolArguments? arguments = null, IReadOnlyList<string>? functions = null)
{
    /// <summary>Whether only the answer's beginning may begin a call.</summary>
    private readonly bool _isAtStart = format.IsTriggeredAtStart || functions is not null;

    private readonly string _trigger = format.Trigger;
    private readonly string? _shortcut = format.TriggerShortcut;

    /// <summary>What tells that the arguments of a call are whole that are written one by one: the first marker of what follows, else all of it.</summary>
    private readonly string _argumentsEnd = format.Tags is null ? "" : EndOf(format.Call[^1].Text);

    /// <summary>What of it comes last, after white space, of which none counts.</summary>
    private readonly string _lastOfEnd = format.Tags is null ? "" : EndOf(format.Call[^1].Text).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).LastOrDefault() ?? "";

    private readonly StringBuilder _held = new();
    private readonly List<WrittenCall> _calls = [];
    private bool _isBegun;
    private bool _hasHeader;
    private bool _isCalling;

    /// <summary>Whether the first call begins with the shortcut, all before it being left out.</summary>
    private bool _isShort;

    // Where the reader is among the parts of a call: all before are read. The first literal of a section includes what begins it.
    private int _part;
    private int _read;
    private string _name = "";
    private string _arguments = "";
    private NestingScanner _nesting;

    /// <summary>Whether arguments are written as Python writes them, and a bracket ends them, so that their end is found without reading them.</summary>
    private bool IsPython => format.Tags is { HasRawStrings: false, Marker: null } && _argumentsEnd is [')' or ']' or '}', ..];

    /// <summary>How many calls have been read.</summary>
    public int CallCount { get; private set; }

    /// <summary>Takes the next piece of the answer.</summary>
    /// <param name="piece">The piece.</param>
    /// <param name="isLast">Whether no further piece comes. A call that is not whole by then is dropped.</param>
    /// <returns>The text that is decided by it, perhaps empty, and the calls that are whole with it.</returns>
    public (string Text, IReadOnlyList<WrittenCall> Calls) Push(string piece, bool isLast = false)
    {
        _calls.Clear();
        _held.Append(piece);
        string text = "";
        if (!_isBegun && !_isCalling && format.TextHeader.Length > 0 && !TryTakeHeader(isLast))
            return (text, []);
        // Long arguments come in many pieces, most of which cannot end them.
        if (_isCalling && !isLast && _part > 0 && format.Call[_part].Kind == ToolCallPartKind.Arguments && !MayEndArguments(piece))
            return (text, []);
        if (!_isCalling)
        {
            text = TakeText(isLast);
            _isBegun |= text.Length > 0;
        }

        if (_isCalling)
            ReadCalls();
        return (text, [.. _calls]);
    }

    /// <summary>Whether the arguments that are being read may end with a piece.</summary>
    private bool MayEndArguments(string piece)
    {
        if (format.Tags is not null && !IsPython)
        {
            int length = Math.Min(piece.Length + _lastOfEnd.Length - 1, _held.Length);
            return _held.ToString(_held.Length - length, length).Contains(_lastOfEnd, StringComparison.Ordinal);
        }

        _nesting.Push(piece);
        return _nesting.HasEnded;
    }

    private string TakeText(bool isLast)
    {
        string held = _held.ToString();
        int begin = FindTrigger(held);
        int text = begin;
        if (begin >= 0)
        {
            _isCalling = true;
        }
        else
        {
            begin = text = isLast ? held.Length : held.Length - PossibleTrigger(held);
        }

        // White space is held back, as it may come before a call.
        if (_isCalling || !isLast)
            text = held.AsSpan(0, text).TrimEnd().Length;
        // What begins a call after a header's text is no part of the call itself.
        int rest = !_isCalling ? text : _hasHeader ? begin + format.Separator!.Length : begin;
        _held.Clear().Append(held, rest, held.Length - rest);
        return held[..text];
    }

    /// <summary>Takes the text's header off the answer's beginning; false where what is there may become one.</summary>
    private bool TryTakeHeader(bool isLast)
    {
        string held = _held.ToString();
        if (held.StartsWith(format.TextHeader, StringComparison.Ordinal))
        {
            _held.Remove(0, format.TextHeader.Length);
            _isBegun = _hasHeader = true;
            return true;
        }

        return isLast || !format.TextHeader.StartsWith(held, StringComparison.Ordinal);
    }

    /// <summary>Where calls begin in text that came after a header, or may begin where their name is not whole yet; -1 where they do not.</summary>
    private int FindSeparated(string held, bool? isCall)
    {
        for (int at = 0; (at = held.IndexOf(format.Separator!, at, StringComparison.Ordinal)) >= 0; at++)
        {
            if (IsCall(held.AsSpan(at + format.Separator!.Length)) == isCall)
                return at;
        }

        return -1;
    }

    private int FindTrigger(string held)
    {
        if (_hasHeader)
            return FindSeparated(held, isCall: true);
        if (!_isAtStart)
            return FindTriggerAnywhere(held);
        int start = held.Length - held.AsSpan().TrimStart().Length;
        return !_isBegun && held.AsSpan(start).StartsWith(_trigger, StringComparison.Ordinal) && IsCall(held.AsSpan(start + _trigger.Length)) is true ? start : -1;
    }

    private int FindTriggerAnywhere(string held)
    {
        int trigger = held.IndexOf(_trigger, StringComparison.Ordinal);
        int shortcut = _shortcut is { } text ? held.IndexOf(text, StringComparison.Ordinal) : -1;
        _isShort = shortcut >= 0 && (trigger < 0 || shortcut < trigger);
        return _isShort ? shortcut : trigger;
    }

    /// <summary>Whether an answer that begins with a trigger is a call; null where that is not decided yet.</summary>
    /// <param name="rest">What comes after the trigger.</param>
    private bool? IsCall(ReadOnlySpan<char> rest)
    {
        if (functions is null || !format.IsTriggeredAtStart || format.Call[1].Kind != ToolCallPartKind.Name)
            return true;
        bool? isCall = false;
        foreach (string name in functions)
        {
            string call = name + format.Call[2].Text;
            if (rest.StartsWith(call, StringComparison.Ordinal))
                return true;
            if (call.AsSpan().StartsWith(rest, StringComparison.Ordinal))
                isCall = null;
        }

        return isCall;
    }

    /// <summary>How many characters at the end of the text may be the beginning of a trigger.</summary>
    private int PossibleTrigger(string held)
    {
        if (_hasHeader)
            return FindSeparated(held, isCall: null) is >= 0 and int at ? held.Length - at : EndsWithBeginning(held, format.Separator!);
        if (_isAtStart)
        {
            ReadOnlySpan<char> begin = held.AsSpan().TrimStart();
            bool isPossible = begin.Length < _trigger.Length
                ? _trigger.AsSpan().StartsWith(begin, StringComparison.Ordinal)
                : begin.StartsWith(_trigger, StringComparison.Ordinal) && IsCall(begin[_trigger.Length..]) is null;
            return !_isBegun && isPossible ? held.Length : 0;
        }

        return Math.Max(EndsWithBeginning(held, _trigger), _shortcut is { } shortcut ? EndsWithBeginning(held, shortcut) : 0);
    }

    /// <summary>The length of the longest end of a text that is the beginning of another.</summary>
    private static int EndsWithBeginning(string held, string other)
    {
        for (int length = Math.Min(held.Length, other.Length - 1); length > 0; length--)
        {
            if (held.AsSpan(held.Length - length).SequenceEqual(other.AsSpan(0, length)))
                return length;
        }

        return 0;
    }

    private void ReadCalls()
    {
        string held = _held.ToString();
        while (TryReadPart(held))
        {
            if (_part < format.Call.Length - 1)
                continue;
            // The last part is a literal: it says nothing more, and an answer that ends within it has a whole call all the same.
            _calls.Add(new WrittenCall(_name, _arguments));
            CallCount++;
            _part = -1;
        }

        _held.Remove(0, _read);
        _read = 0;
    }

    /// <summary>Reads the next part, where all of it is there and it is not the end of the calls.</summary>
    private bool TryReadPart(string held)
    {
        if (_part < 0)
            return TrySkip(held, format.Call[^1].Text + (format.Separator ?? "\n") + format.Call[0].Text);
        ReadOnlySpan<char> rest = held.AsSpan(_read);
        switch (format.Call[_part].Kind)
        {
            case ToolCallPartKind.Literal when _part == 0:
                return TrySkip(held, _isShort ? _shortcut! : format.Opening);
            case ToolCallPartKind.Literal:
                return TrySkip(held, format.Call[_part].Text);
            case ToolCallPartKind.Arguments when format.Tags is { } tags:
                if (tags.TryRead(rest, _argumentsEnd, ValueOf, out int read) is not { } written)
                {
                    _nesting = new NestingScanner(isPython: true);
                    _nesting.Push(rest);
                    return false;
                }

                _arguments = written;
                _read += read;
                break;
            case ToolCallPartKind.Arguments:
                _nesting = new NestingScanner(isPython: false);
                int length = _nesting.Push(rest);
                if (length < 0)
                    return false;
                _arguments = rest[..length].TrimStart().ToString();
                _read += length;
                break;
            default:
                // Names and ids go to where the next literal begins.
                int end = EndOfName(rest);
                if (end < 0)
                    return false;
                if (format.Call[_part].Kind == ToolCallPartKind.Name)
                    _name = rest[..end].Trim().ToString();
                _read += end;
                break;
        }

        _part++;
        return true;
    }

    /// <summary>Where the next literal begins that is not empty; -1 where it does not.</summary>
    private int EndOfName(ReadOnlySpan<char> text)
    {
        string next = format.Call[_part + 1].Text;
        // White space after a name may be left out, as any.
        if (!string.IsNullOrWhiteSpace(next) || format.Tags is not { } tags)
            return text.IndexOf(next, StringComparison.Ordinal);
        int key = text.IndexOf(tags.BeforeKey.AsSpan().Trim(), StringComparison.Ordinal);
        int end = text.IndexOf(_argumentsEnd.AsSpan().Trim(), StringComparison.Ordinal);
        return key < 0 || end < 0 ? Math.Max(key, end) : Math.Min(key, end);
    }

    /// <summary>The JSON of an argument that is written as it is.</summary>
    private string ValueOf(string key, string text)
    {
        SchemaArgument? argument = arguments?.Find(_name, key);
        return format.Tags!.TellsStrings && argument is not { Text: null } ? PythonLiteral.Quote(text) : ToolArguments.ValueOf(argument, text);
    }

    private static string EndOf(string literal)
    {
        int length = 0;
        foreach ((string text, bool isMarker) in ToolCallFormat.SplitAtMarkers(literal))
        {
            length += text.Length;
            if (isMarker)
                break;
        }

        return literal[..length].TrimEnd();
    }

    /// <summary>Skips a literal. White space is left out or added at will around JSON, so none of it counts.</summary>
    private bool TrySkip(string held, string literal)
    {
        int length = ArgumentTags.Skip(held.AsSpan(_read), literal);
        if (length < 0)
            return false;
        _read += length;
        _part = _part < 0 ? 1 : _part + 1;
        return true;
    }
}
