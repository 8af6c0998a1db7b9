using System.Text;
using System.Text.RegularExpressions;

namespace EmbeddedLlm.Client;

/// <summary>
/// Reads a streamed answer in OpenAI's harmony format, a row of messages <c>&lt;|start|&gt;header&lt;|message|&gt;content&lt;|end|&gt;</c>, however it is cut: the channel <c>analysis</c> is reasoning, what
/// is for a function is a call, and the rest is text. The prompt has begun the first message. Not thread-safe. Format: https://cookbook.openai.com/articles/openai-harmony.
/// </summary>
internal sealed partial class HarmonyReader
{
    private const string Start = "<|start|>";
    private const string Message = "<|message|>";

    private static readonly string[] s_ends = ["<|end|>", "<|call|>", "<|return|>", Start, "<|channel|>"];
    private static readonly string[] s_headers = ["<|", "to=", "assistant", "commentary", "analysis", "final"];

    private readonly StringBuilder _held = new();
    private Kind _kind = Kind.Beginning;
    private string _function = "";
    private NestingScanner _arguments;

    private enum Kind
    {
        /// <summary>Nothing has come yet, or white space.</summary>
        Beginning,

        /// <summary>Who a message is from and for, and its channel.</summary>
        Header,
        Reasoning,
        Text,

        /// <summary>A call's arguments.</summary>
        Call,

        /// <summary>What comes after a call's arguments up to the message's end.</summary>
        AfterCall,
    }

    /// <summary>The markers, which are control tokens of the vocabulary.</summary>
    public static IEnumerable<string> Markers => [Message, "<|constrain|>", .. s_ends];

    /// <summary>How many calls have been read.</summary>
    public int CallCount { get; private set; }

    /// <summary>Takes the next piece, and gives what is decided by it; each text may be empty.</summary>
    /// <param name="piece">The piece.</param>
    /// <param name="isLast">Whether no further piece comes, so nothing is held back.</param>
    public (string Reasoning, string Text, IReadOnlyList<WrittenCall> Calls) Push(string piece, bool isLast)
    {
        _held.Append(piece);
        // Long arguments come in many pieces, of which the last ends them.
        if (_kind == Kind.Call && !isLast)
        {
            _arguments.Push(piece);
            if (!_arguments.HasEnded)
                return ("", "", []);
        }

        string held = _held.ToString();
        StringBuilder reasoning = new();
        StringBuilder text = new();
        List<WrittenCall> calls = [];
        int at = 0;
        while (TryRead(held, ref at, isLast, reasoning, text, calls))
        {
        }

        _held.Remove(0, at);
        return (reasoning.ToString(), text.ToString(), calls);
    }

    /// <summary>Reads as much as is of one kind.</summary>
    /// <returns>Whether what follows may be read, too.</returns>
    private bool TryRead(string held, ref int at, bool isLast, StringBuilder reasoning, StringBuilder text, List<WrittenCall> calls)
    {
        ReadOnlySpan<char> rest = held.AsSpan(at);
        switch (_kind)
        {
            case Kind.Beginning:
                ReadOnlySpan<char> begin = rest.TrimStart();
                if (begin.Length == 0)
                    return false;
                // A model that does not know the format answers at once.
                _kind = BeginsHeader(begin, isLast) switch { true => Kind.Header, false => Kind.Text, null => Kind.Beginning };
                return _kind != Kind.Beginning;
            case Kind.Header:
                int content = rest.IndexOf(Message);
                if (content < 0)
                    return false;
                ReadHeader(rest[..content].ToString());
                at += content + Message.Length;
                return true;
            case Kind.Call:
                _arguments = new NestingScanner(isPython: false);
                int length = _arguments.Push(rest);
                if (length < 0)
                    return false;
                calls.Add(new WrittenCall(_function, rest[..length].TrimStart().ToString()));
                CallCount++;
                at += length;
                _kind = Kind.AfterCall;
                return true;
            default:
                (int end, int endLength) = FindEnd(rest);
                int decided = end >= 0 ? end : rest.Length - (isLast ? 0 : PossibleEnd(rest));
                (_kind == Kind.Reasoning ? reasoning : _kind == Kind.Text ? text : new StringBuilder()).Append(rest[..decided]);
                at += decided + endLength;
                if (end < 0)
                    return false;
                _kind = Kind.Header;
                return true;
        }
    }

    private static bool? BeginsHeader(ReadOnlySpan<char> text, bool isLast)
    {
        bool isPossible = false;
        foreach (string header in s_headers)
        {
            if (text.StartsWith(header, StringComparison.Ordinal))
                return true;
            isPossible |= header.AsSpan().StartsWith(text, StringComparison.Ordinal);
        }

        return isPossible && !isLast ? null : false;
    }

    private void ReadHeader(string header)
    {
        if (Recipient().Match(header) is { Success: true } recipient)
        {
            (_kind, _function) = (Kind.Call, recipient.Groups[1].Value);
            return;
        }

        // What is for tools that are not the caller's is no answer, either.
        _kind = header.Contains("analysis", StringComparison.Ordinal) || header.Contains("to=", StringComparison.Ordinal) ? Kind.Reasoning : Kind.Text;
    }

    /// <summary>Where a message ends. Where another channel begins without an end, its marker is part of the next header.</summary>
    private static (int At, int Length) FindEnd(ReadOnlySpan<char> text)
    {
        int end = -1;
        int length = 0;
        foreach (string marker in s_ends)
        {
            int found = text.IndexOf(marker, StringComparison.Ordinal);
            if (found >= 0 && (end < 0 || found < end))
                (end, length) = (found, marker.Length);
        }

        return (end, length);
    }

    /// <summary>How many characters at the end of the text may be the beginning of an end.</summary>
    private static int PossibleEnd(ReadOnlySpan<char> text)
    {
        int begin = text.LastIndexOf('<');
        if (begin < 0)
            return 0;
        foreach (string marker in s_ends)
        {
            if (marker.AsSpan().StartsWith(text[begin..], StringComparison.Ordinal))
                return text.Length - begin;
        }

        return 0;
    }

    [GeneratedRegex(@"to=functions\.([^\s<]+)", RegexOptions.CultureInvariant)]
    private static partial Regex Recipient();
}
