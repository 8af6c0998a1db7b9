using System.Globalization;
using System.Text;
using EmbeddedLlm.Grammars;

namespace EmbeddedLlm.Tests.Grammars;

/// <summary>Reads and writes texts along a lexical automaton.</summary>
internal static class LexicalWalk
{
    public static LexicalState? Read(LexicalState? state, ReadOnlySpan<byte> text)
    {
        foreach (byte next in text)
            state = state?.Next(next);
        return state;
    }

    public static bool Accepts(LexicalState? start, string text) => Read(start, Encoding.UTF8.GetBytes(text)) is { IsAccepting: true };

    /// <summary>A text made of random allowed bytes, which after a while heads for an end; each state's promises are checked on the way.</summary>
    public static byte[] RandomText(LexicalState start, Random random, int length)
    {
        List<byte> text = [];
        LexicalState state = start;
        while (true)
        {
            if (state.IsAccepting && (!state.CanContinue || text.Count >= length || random.Next(8) == 0))
                return [.. text];
            if (text.Count >= length)
            {
                text.AddRange(PathToEnd(state));
                return [.. text];
            }

            byte[] allowed = Allowed(state);
            Assert.Equal(state.CanContinue, allowed.Length > 0);
            byte next = allowed[random.Next(allowed.Length)];

            // Half of the bytes from the upper part of Unicode would make unreadable texts that test little else.
            if (next >= 0x80 && random.Next(4) != 0)
                next = allowed[random.Next(allowed.Length)];
            text.Add(next);
            state = state.Next(next)!;
        }
    }

    /// <summary>The bytes that may follow, found by trying each; what the state itself says of them must be the same.</summary>
    public static byte[] Allowed(LexicalState state)
    {
        byte[] tried = [.. Enumerable.Range(0, 256).Select(static i => (byte)i).Where(next => state.Next(next) is not null)];
        ByteSet bytes = state.Bytes;
        Assert.Equal(tried, Enumerable.Range(0, 256).Select(static i => (byte)i).Where(next => bytes.Contains(next)));
        return tried;
    }

    /// <summary>The shortest continuation to an accepting state; fails where there is none.</summary>
    public static byte[] PathToEnd(LexicalState state)
    {
        Dictionary<LexicalState, (LexicalState? From, byte Byte)> seen = new() { [state] = (null, 0) };
        Queue<LexicalState> todo = new([state]);
        while (todo.TryDequeue(out LexicalState? next))
        {
            if (next.IsAccepting)
            {
                List<byte> path = [];
                for (LexicalState at = next; seen[at].From is { } from; at = from)
                    path.Insert(0, seen[at].Byte);
                return [.. path];
            }

            foreach (byte each in Allowed(next))
            {
                if (seen.TryAdd(next.Next(each)!, (next, each)))
                    todo.Enqueue(next.Next(each)!);
            }

            Assert.True(seen.Count < 100_000, "no end within 100,000 states");
        }

        Assert.Fail("a dead end");
        return [];
    }

    /// <summary>A JSON string: with the characters chosen as escapes by their numbers, and others literally or by short escapes where they can be.</summary>
    public static string Spell(string text, Func<Rune, bool> isEscaped, bool isUpper, bool slash)
    {
        StringBuilder spelled = new("\"");
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (isEscaped(rune))
            {
                foreach (char unit in rune.ToString())
                    spelled.Append("\\u").Append(((int)unit).ToString(isUpper ? "X4" : "x4", CultureInfo.InvariantCulture));
                continue;
            }

            spelled.Append(rune.Value switch
            {
                '"' => "\\\"",
                '\\' => "\\\\",
                '\b' => "\\b",
                '\f' => "\\f",
                '\n' => "\\n",
                '\r' => "\\r",
                '\t' => "\\t",
                '/' when slash => "\\/",
                < 0x20 => $"\\u{rune.Value:x4}",
                _ => rune.ToString(),
            });
        }

        return spelled.Append('"').ToString();
    }
}
