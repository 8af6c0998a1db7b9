using System.Text;
using System.Text.RegularExpressions;
using EmbeddedLlm.Grammars;

namespace EmbeddedLlm.Tests.Grammars;

/// <summary>Random patterns and texts, and what .NET's own regular expressions say of them.</summary>
internal static class PatternTexts
{
    private const string Alphabet = "abcABC012_-. ,:/@\\\"éß中😀\n";

    /// <summary>Whether .NET's regular expressions find the pattern in a text. They read UTF-16 units; so each character beyond the first plane is given as one of the private use area.</summary>
    public static bool IsMatch(Regex reference, string text) =>
        reference.IsMatch(string.Concat(text.EnumerateRunes().Select(static rune => rune.IsBmp ? rune.ToString() : "\uE001")));

    /// <summary>The same expression for <see cref="Regex"/>: ECMA-262's meaning of <c>$</c>, <c>.</c> and the class escapes written out.</summary>
    public static Regex Reference(string ecma)
    {
        StringBuilder text = new();
        bool isInClass = false;
        for (int i = 0; i < ecma.Length; i++)
        {
            switch (ecma[i])
            {
                case '\\':
                    char escape = ecma[++i];
                    string? set = escape switch
                    {
                        'd' => "0-9",
                        'D' => @"\0-/:-\uFFFF",
                        'w' => "0-9A-Z_a-z",
                        'W' => @"\0-/:-@\[-^`{-\uFFFF",
                        's' => @"\t-\r \u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000\uFEFF",
                        'S' => @"\0-\x08\x0E-\x1F!-\u009F\u00A1-\u167F\u1681-\u1FFF\u200B-\u2027\u202A-\u202E\u2030-\u205E\u2060-\u2FFF\u3001-\uFEFE\uFF00-\uFFFF",
                        _ => null,
                    };
                    text.Append((escape, isInClass) switch
                    {
                        _ when set is not null => isInClass ? set : $"[{set}]",
                        ('b', false) => "(?:(?<=[A-Za-z0-9_])(?![A-Za-z0-9_])|(?<![A-Za-z0-9_])(?=[A-Za-z0-9_]))",
                        ('B', false) => "(?:(?<=[A-Za-z0-9_])(?=[A-Za-z0-9_])|(?<![A-Za-z0-9_])(?![A-Za-z0-9_]))",
                        ('/' or '_' or '@' or ',' or ':' or '%' or '"' or '\'' or '=' or '&' or '~' or '!' or ';' or '<' or '>', _) => escape.ToString(),
                        _ => "\\" + escape,
                    });
                    break;
                case '[' when !isInClass:
                    isInClass = true;
                    text.Append('[');
                    break;
                case '[':
                    text.Append("\\[");
                    break;
                case ']' when isInClass:
                    isInClass = false;
                    text.Append(']');
                    break;
                case '$' when !isInClass:
                    text.Append("\\z");
                    break;
                case '.' when !isInClass:
                    text.Append(@"[^\n\r\u2028\u2029]");
                    break;
                default:
                    text.Append(ecma[i]);
                    break;
            }
        }

        return new Regex(text.ToString(), RegexOptions.CultureInvariant, TimeSpan.FromSeconds(10));
    }

    /// <summary>Texts around a language: some in it, some of those changed a little, some of any kind.</summary>
    public static IEnumerable<string> Around(TextAutomaton automaton, Random random, int count)
    {
        yield return "";
        for (int i = 0; i < count; i++)
        {
            string text = i % 4 == 3 || automaton.IsNone ? Any(random) : Member(automaton, random);
            yield return text;
            yield return Changed(text, random);
        }
    }

    /// <summary>A text that a random walk along the automaton makes.</summary>
    public static string Member(TextAutomaton automaton, Random random)
    {
        StringBuilder text = new();
        int state = 0;
        for (int steps = 0; steps < 60; steps++)
        {
            if (automaton.IsAccepting(state) && random.Next(4) == 0)
                break;
            List<int> choices = [];
            for (int codePoint = 0; codePoint <= CodePointSet.MaxCodePoint;)
            {
                int next = automaton.Next(state, codePoint, out int last);
                if (next >= 0)
                {
                    int chosen = random.Next(codePoint, Math.Min(last, codePoint + 300) + 1);
                    if (chosen is < 0xD800 or > 0xDFFF)
                        choices.Add(chosen);
                }

                codePoint = last + 1;
            }

            if (choices.Count == 0)
                break;
            List<int> plain = choices.FindAll(static codePoint => codePoint is >= ' ' and < 0x7F);
            int taken = plain.Count > 0 && random.Next(8) != 0 ? plain[random.Next(plain.Count)] : choices[random.Next(choices.Count)];
            text.Append(new Rune(taken));
            state = automaton.Next(state, taken, out _);
        }

        return text.ToString();
    }

    public static string Any(Random random) =>
        string.Concat(Enumerable.Range(0, random.Next(8)).Select(_ => Alphabet.EnumerateRunes().ElementAt(random.Next(Alphabet.EnumerateRunes().Count())).ToString()));

    public static string Changed(string text, Random random)
    {
        List<Rune> runes = [.. text.EnumerateRunes()];
        int place = random.Next(runes.Count + 1);
        Rune rune = Alphabet.EnumerateRunes().ElementAt(random.Next(Alphabet.EnumerateRunes().Count()));
        switch (random.Next(4))
        {
            case 0:
                runes.Insert(place, rune);
                break;
            case 1 when place < runes.Count:
                runes.RemoveAt(place);
                break;
            case 2 when place < runes.Count:
                runes[place] = rune;
                break;
            default:
                runes.AddRange(runes[..Math.Min(place, 4)]);
                break;
        }

        return string.Concat(runes);
    }

    /// <summary>A random pattern, without classes whose meaning differs for characters beyond the first plane.</summary>
    public static string RandomPattern(Random random, int size, bool hasLookbehind = true)
    {
        if (size <= 1)
        {
            return random.Next(12) switch
            {
                0 => ".",
                1 => "\\d",
                2 => "\\w",
                3 => "[ab]",
                4 => "[0-9a]",
                5 => random.Next(2) == 0 ? "^" : "$",
                6 => random.Next(3) == 0 ? "\\b" : "c",
                7 => random.Next(3) == 0 ? "\\B" : "-",
                8 => "",
                _ => "ab_"[random.Next(3)].ToString(),
            };
        }

        int left = random.Next(1, size);
        string first = RandomPattern(random, left, hasLookbehind);
        switch (random.Next(11))
        {
            case 0 or 1:
                return $"(?:{first}|{RandomPattern(random, size - left, hasLookbehind)})";
            case 2:
                return $"(?:{first}){new[] { "*", "+", "?", "*?", "{2}", "{1,3}", "{2,}", "{0,2}" }[random.Next(8)]}";
            case 3:
                return $"({first}){{{random.Next(3)},{random.Next(3, 5)}}}";
            case 4:
                return $"(?{"=!"[random.Next(2)]}{first}){RandomPattern(random, size - left, hasLookbehind)}";
            case 5 when hasLookbehind:
                return $"{RandomPattern(random, size - left, hasLookbehind)}(?<{"=!"[random.Next(2)]}{RandomPattern(random, 1).Replace("\\b", "a").Replace("\\B", "b").Replace("$", "c")})";
            default:
                return first + RandomPattern(random, size - left, hasLookbehind);
        }
    }
}
