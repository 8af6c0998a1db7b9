using System.Text.Json;
using System.Text.RegularExpressions;
using EmbeddedLlm.Grammars;

namespace EmbeddedLlm.Tests.Grammars;

public sealed class EcmaPatternTests(ITestOutputHelper output)
{
    public static TheoryData<string, string[], string[]> Meanings => new()
    {
        { "abc", ["abc", "xabcx"], ["ab", "acb", ""] },
        { "^abc$", ["abc"], ["abcd", "xabc", "abc\n"] },
        { "^a|b$", ["a", "ax", "b", "xb"], ["xa", "bx", ""] },
        { "^(a|^b)$", ["a", "b"], ["ab", ""] },
        { "(^|,)a($|,)", ["a", "x,a", "a,x", "x,a,x"], ["xa", "ax"] },
        { "^(?:a$|b)+$", ["a", "b", "bb", "ba"], ["ab", ""] },
        { "a^b", [], ["ab", "a", "b"] },
        { "a$b|c", ["c"], ["ab"] },
        { "^$", [""], ["a", "\n"] },
        { "", ["", "x"], [] },
        { "^[^]$", ["a", "\n", "\u2028", "😀"], ["", "ab"] },
        { "^[]$", [], ["", "a"] },
        { "^.$", ["a", "é", "😀", "\u0085"], ["\n", "\r", "\u2028", "\u2029", ""] },
        { @"^[\w.-]+$", ["a.b-c_D9"], ["a b", "é"] },
        { @"^[\w-a]+$", ["-a"], ["+"] },
        { @"^[a\-z]+$", ["a-z"], ["b"] },
        { @"^[-az-]+$", ["a-z"], ["b"] },
        { @"^[\]]$", ["]"], ["\\"] },
        { @"^]{1}}$", ["]}"], ["]"] },
        { @"^a{,$", ["a{,"], ["a"] },
        { @"^x{a}$", ["x{a}"], ["xa"] },
        { @"^\d{3}$", ["123"], ["12", "1234", "١٢٣"] },
        { @"^\s$", [" ", "\t", "\u00A0", "\uFEFF", "\u2028", "\u3000"], ["\u0085", "\u200B", "x"] },
        { @"^\S\D\W$", ["ab-", "-a "], [" ab"] },
        { @"^\cJ\x41\u0042\u{43}\0$", ["\nABC\0"], ["\nABC0"] },
        { @"^\u{1F600}\uD83D\uDE00$", ["😀😀"], ["😀"] },
        { @"^[\u{1F600}-\u{1F64F}]$", ["😀"], ["a"] },
        { @"^[😀-🙏]$", ["😀"], ["\u263A"] },
        { @"^[\b]$", ["\b"], ["b"] },
        { @"^\p{L}+$", ["aÀ中"], ["a1", "_"] },
        { @"^\p{Lu}\P{Lu}$", ["Aa", "É1"], ["aA"] },
        { @"^\p{Letter}\p{digit}\p{Script=Greek}\p{sc=Cyrl}$", ["é٣λж"], ["é3λa"] },
        { @"^[\p{Nd}\p{P}-]+$", ["1.-"], ["a"] },
        { @"^\p{Script=Han}{2}\p{Hiragana}$", ["中文の"], ["中文A"] },
        { @"^a{2,3}?b*?$", ["aa", "aaab"], ["a", "aaaa"] },
        { @"^(?<year>\d{4})-(?P<month>\d\d)$", ["2024-01"], ["24-1"] },
        { @"\A\d+\z", ["12"], ["a12"] },
        { @"\A\d+\Z", ["12"], ["12a"] },
        { @"^(?i)abc$", ["abc", "AbC"], ["abd"] },
        { @"^a(?i:b)c$", ["abc", "aBc"], ["Abc", "abC"] },
        { @"^(?i:[a-f]é)$", ["Aé", "fÉ"], ["gé"] },
        { @"^(?s:.)(?-s:.)$", ["\na"], ["\n\n"] },
        { @"^a(?#comment)b$", ["ab"], ["a"] },
        { @"^(?=.*\d)(?=.*[a-z])(?=.*[A-Z]).{4,6}$", ["aB3d", "1Aaxxx"], ["aB3", "abcd", "aB3defg"] },
        { @"^(?!foo$|bar$).+$", ["fo", "foo1", "baz"], ["foo", "bar", ""] },
        { @"^(?!.*(?:--|__))[a-z_-]+$", ["a-b_c", "a-_b"], ["a--b", "a__b"] },
        { @"^(?!\s*$).+", ["a", " a"], ["", "  "] },
        { @"^((?!-)[a-z-]{1,5}(?<!-)\.)+[a-z]{2,}$", ["ab.cd", "a-b.c-d.ef"], ["-a.bc", "a-.bc"] },
        { @"^foo(?=bar)", ["foobar", "foobarx"], ["foo", "foobaz"] },
        { @"(?=a)b", [], ["a", "b", "ab"] },
        { @"(?:(?=ab)a|b)+c", ["abc", "bc"], ["ac"] },
        { @"^(?:(?!--).)*$", ["a-b-c"], ["a--b"] },
        { @"\bfoo\b", ["foo", "a foo b", "-foo-"], ["foox", "xfoo", "foo_"] },
        { @"\Boo\B", ["xoox"], ["oo", "xoo"] },
        { @"^(?=.*\bab\b)[a-z ]+$", ["x ab y", "ab"], ["xab", "aby"] },
        { @"(?<=\$)\d+$", ["$12", "x$1"], ["12", "$"] },
        { @"(?<!\$)\b\d+$", ["12", "x 1"], ["$12"] },
        { @"(?<=^a|b)c", ["ac", "xbc"], ["xac", "c"] },
        { @"^(?:a|$){2}$", ["a", "aa", ""], ["aaa"] },
        { @"^(?:^|a){2}$", ["a", "aa", ""], ["aaa"] },
        { @"^(a?){3}$", ["", "a", "aaa"], ["aaaa"] },
        { @"^(a*){2,3}$", ["", "aaaa"], ["b"] },
        { @"^(a|ab)(c|bcd)(d*)$", ["abcd", "acd", "abc"], ["abbcde"] },
        { @"^\/\-\@\ \,\:\_\%$", ["/-@ ,:_%"], ["/"] },
        { @"^[^\x00-\x7F]$", ["é", "中", "😀"], ["a"] },
        { @"^\101$", ["A"], ["101"] },
    };

    /// <summary>Those that .NET's regular expressions spell in the same way.</summary>
    public static IEnumerable<TheoryDataRow<string, string[], string[]>> MeaningsInDotNet => Meanings.Where(static row =>
        !Regex.IsMatch(row.Data.Item1, @"\\[pPcuAzZ01]|\[\\b\]|\(\?[isPu#-]|\[\]|\[\^\]|[^\0-\x7F]|,\$|\{a\}|\\w-a"));

    public static TheoryData<string> Malformed => [
        "(", ")", "a)", "(a", "[a", "[b-a]", "*", "+a", "a**", "a{2}{3}", "{1}", "a{3,2}", "\\", "[\\", "(?<n", "(?<>a)", "(?q", "\\x1", "\\u12", "\\u{110000}", "\\u{}", "\\c1", "\\p", "\\p{L", "\\y",
        "\\e", "\\8", "(?:a", "(?=a", "a|*", "(?", "(?#x"];

    public static TheoryData<string> NotSupported => [
        @"(a)\1", @"(?<x>a)\k<x>", "(?>a)b", "a++", "(?m)^a$", "(?x) a", "(?(1)a|b)", @"\p{Foo}", @"\p{Script=Klingon}", "(?<=a$)b", @"(?=(?<=a)b)", "a{,3}", "(?P=x)", @"(?<=\bx)a",
        "[[:alpha:]]+", "[a-z-[aeiou]]+", "[a-z&&[^x]]", "[[:alpha:]_]*", "[a[b]c]d",
        new string('a', EcmaPattern.MaxLength + 1)];

    [Theory]
    [MemberData(nameof(Meanings))]
    public void PatternMatchesWhatEcma262Says(string pattern, string[] matching, string[] others)
    {
        TextAutomaton automaton = TextAutomaton.FromPattern(pattern);
        Assert.All(matching, text => Assert.True(automaton.Matches(text), text));
        Assert.All(others, text => Assert.False(automaton.Matches(text), text));
    }

    [Theory]
    [InlineData("^[[]$", "[", "]")]
    [InlineData("^[[a]+$", "a[a", "a]")]
    [InlineData(@"^[^[\]]+$", "a", "[")]
    [InlineData(@"^[[]a\]$", "[a]", "a")]
    [InlineData("^[a]]$", "a]", "]")]
    [InlineData("^]$", "]", "[")]
    public void ABracketInAClassIsACharacter(string pattern, string matching, string other)
    {
        TextAutomaton automaton = TextAutomaton.FromPattern(pattern);
        Assert.True(automaton.Matches(matching));
        Assert.False(automaton.Matches(other));
    }

    [Theory]
    [MemberData(nameof(Malformed))]
    public void MalformedPatternIsRefusedWithItsPlace(string pattern)
    {
        GrammarException exception = Assert.Throws<GrammarException>(() => EcmaPattern.Parse(pattern));
        Assert.InRange(exception.Column!.Value, 1, pattern.Length + 1);
    }

    [Theory]
    [MemberData(nameof(NotSupported), DisableDiscoveryEnumeration = true)]
    public void PatternThatIsNotRegularIsRefused(string pattern) => Assert.Throws<PatternNotSupportedException>(() => TextAutomaton.FromPattern(pattern));

    [Theory]
    [MemberData(nameof(MeaningsInDotNet))]
    public void TableAgreesWithDotNet(string pattern, string[] matching, string[] others)
    {
        Compare(pattern, [.. matching, .. others, .. PatternTexts.Around(TextAutomaton.FromPattern(pattern), new Random(1), 100)]);
    }

    [Fact]
    public void RandomPatternsAgreeWithDotNet()
    {
        Random random = new(20240229);
        int compared = 0, refused = 0;
        for (int i = 0; i < 800; i++)
        {
            string pattern = PatternTexts.RandomPattern(random, random.Next(1, 9));
            TextAutomaton automaton;
            try
            {
                automaton = TextAutomaton.FromPattern(pattern);
            }
            catch (PatternNotSupportedException)
            {
                refused++;
                continue;
            }

            Compare(pattern, [.. PatternTexts.Around(automaton, random, 12)]);
            compared++;
        }

        output.WriteLine($"{compared} patterns compared, {refused} refused");
        Assert.True(refused < 50, $"{refused} refused");
    }

    [Fact]
    public void PatternsOfRealSchemasAreReadOrRefusedWithAReason()
    {
        HashSet<string> patterns = [];
        foreach (string file in new[] { "maskbench-dev.jsonl", "json-schema-test-suite-2020-12.jsonl" })
        {
            foreach (string line in File.ReadLines(SharedData.Require("data", "schemas", file)))
            {
                using JsonDocument document = JsonDocument.Parse(line, new JsonDocumentOptions { MaxDepth = 512 });
                Collect(document.RootElement.GetProperty("schema"), patterns);
            }
        }

        Dictionary<string, string> refused = [];
        int compared = 0;
        Random random = new(5);
        foreach (string pattern in patterns)
        {
            try
            {
                TextAutomaton automaton = TextAutomaton.FromPattern(pattern);
                if (Regex.IsMatch(pattern, @"\\[pPcux]|[^\x00-\x7F]"))
                    continue;
                Compare(pattern, [.. PatternTexts.Around(automaton, random, 15)]);
                compared++;
            }
            catch (GrammarException exception)
            {
                refused[pattern] = exception.Message;
            }
        }

        output.WriteLine($"{patterns.Count} patterns, {compared} compared, {refused.Count} refused:");
        foreach ((string pattern, string reason) in refused)
            output.WriteLine($"  {pattern}: {reason}");
        Assert.True(refused.Count <= patterns.Count / 50, $"{refused.Count} of {patterns.Count} refused");
    }

    private static void Compare(string pattern, string[] texts)
    {
        TextAutomaton automaton = TextAutomaton.FromPattern(pattern);
        Regex reference = PatternTexts.Reference(pattern);
        foreach (string text in texts)
            Assert.True(PatternTexts.IsMatch(reference, text) == automaton.Matches(text), $"/{pattern}/ on {JsonSerializer.Serialize(text)}: {automaton.Matches(text)}");
    }

    private static void Collect(JsonElement element, HashSet<string> patterns)
    {
        if (element.ValueKind == JsonValueKind.Array)
        {
            foreach (JsonElement item in element.EnumerateArray())
                Collect(item, patterns);
        }
        else if (element.ValueKind == JsonValueKind.Object)
        {
            foreach (JsonProperty property in element.EnumerateObject())
            {
                if (property.NameEquals("pattern") && property.Value.ValueKind == JsonValueKind.String)
                    patterns.Add(property.Value.GetString()!);
                if (property.NameEquals("patternProperties") && property.Value.ValueKind == JsonValueKind.Object)
                    patterns.UnionWith(property.Value.EnumerateObject().Select(static each => each.Name));
                Collect(property.Value, patterns);
            }
        }
    }
}
