using System.Text;
using EmbeddedLlm.Tokens;

namespace EmbeddedLlm.Tests.Grammars;

public sealed class GrammarMatcherTests
{
    private const int End = 0;
    private const int Control = 1;

    /// <summary>Grammars of all kinds that tell apart what masks are made of: automata that end early or late, inside recursion, at once or never.</summary>
    public static TheoryData<string> Grammars =>
    [
        "root ::= [a-c]*",
        "root ::= \"ab\" | \"abc\" | \"b\"",
        "root ::= \"a\" root \"b\" | \"c\"",
        "root ::= \"(\" root \")\" | \"(\" root \"]\" | \"a\"",
        "root ::= pair (\",\" pair)*\npair ::= [a-b]+ \":\" value\nvalue ::= \"(\" root \")\" | [c]{1,3}",
        "root ::= ([a-c]{2,4} \",\")* \"b\"",
        "root ::= \"a\"? \"b\"? \"c\"? \",\"? \":\"?",
        "root ::= \"é\" | \"è\" \"a\" | [^a-z] [a-c]",
        "root ::= item{3,5}\nitem ::= \"a\" item | \"b\"",
        "root ::= [a-c]+ \"(\" [a-c]* \")\" root?",
    ];

    [Theory]
    [MemberData(nameof(Grammars))]
    public void AMaskAllowsTheTokensThatTheMatcherTakes(string text)
    {
        Random random = new(3);
        string[] texts = ["<end>", "<control>", .. Enumerable.Range(0, 600).Select(_ => RandomText(random)), "é", "è"];
        GrammarVocabulary vocabulary = Create([.. texts.Select(Encoding.UTF8.GetBytes), [0xC3], [0xA9], [0xA8, (byte)'a']]);
        Grammar grammar = Grammar.FromGbnf(text);
        for (int walk = 0; walk < 40; walk++)
        {
            GrammarMatcher matcher = vocabulary.CreateMatcher(grammar);
            for (int step = 0; step < 12; step++)
            {
                int[] allowed = Allowed(matcher, vocabulary);
                Assert.Equal(TakenOneByOne(matcher, vocabulary), allowed);
                Assert.NotEmpty(allowed);
                Assert.True(matcher.TryAdvance(allowed[random.Next(allowed.Length)]));
                if (matcher.IsFinished)
                    break;
            }
        }
    }

    /// <summary>Masks of short tokens are shared by states that are alike to them, and those of long tokens are not.</summary>
    [Theory]
    [InlineData("{'type':'string','format':'email'}", "ana.maria", "@example.", "com")]
    [InlineData("{'type':'string','format':'uri'}", "https://", "example.com", "/a?b=")]
    [InlineData("{'type':'string','maxLength':70}", "some ", "text", "\\n")]
    [InlineData("{'type':'string','minLength':20,'maxLength':90,'pattern':'^[a-z. ]{30,}[.]$'}", "some ", "text", ".")]
    [InlineData("{'type':'string','pattern':'^(=|-){1,100}$'}", "=", "--", "=-=")]
    [InlineData("{'type':'array','items':{'type':'string','pattern':'^[a-zé]{1,40}(, [a-z]{1,40})*$'}}", "é", ", ", "ab")]
    public void MasksOfLongTokensAreExact(string schema, string first, string second, string third)
    {
        Random random = new(4);
        string[] pieces = [first, second, third, "a", "\"", "\\u00e9", ", ", "]"];
        string[] texts =
        [
            "<end>", "<control>", .. Enumerable.Range(0, 256).Select(next => ((char)next).ToString()),
            .. Enumerable.Range(0, 1500).Select(_ => string.Concat(Enumerable.Range(0, random.Next(1, 9)).Select(_ => pieces[random.Next(pieces.Length)]))),
            .. Enumerable.Range(1, 130).SelectMany(length => new[] { new string('=', length), new string('a', length), new string('a', length) + "\"", $"@{new string('a', length)}." }),
        ];
        GrammarVocabulary vocabulary = Create([.. texts.Select(Encoding.UTF8.GetBytes), [0xC3], [0xA9]]);
        Grammar grammar = SchemaRun.Compile(schema);
        for (int walk = 0; walk < 15; walk++)
        {
            GrammarMatcher matcher = vocabulary.CreateMatcher(grammar);
            for (int step = 0; step < 25 && !matcher.IsFinished; step++)
            {
                int[] allowed = Allowed(matcher, vocabulary);
                Assert.Equal(TakenOneByOne(matcher, vocabulary), allowed);

                // Long ones come to the bound at once, so short ones are drawn more often.
                int token = allowed[random.Next(allowed.Length)];
                for (int i = 0; i < 4 && vocabulary.Vocabulary.TextBytesOf(token).Length > 6; i++)
                    token = allowed[random.Next(allowed.Length)];
                Assert.True(matcher.TryAdvance(token));
            }
        }
    }

    [Fact]
    public void TheEndIsAllowedJustWhenTheTextIsComplete()
    {
        (GrammarMatcher matcher, GrammarVocabulary vocabulary) = Begin("root ::= \"a\" \"b\"*", "a", "b");
        Assert.False(matcher.TryAdvance(End));
        Assert.Equal([2], Allowed(matcher, vocabulary));
        Assert.True(matcher.TryAdvance(2));
        Assert.True(matcher.IsComplete);
        Assert.False(matcher.IsFinished);
        Assert.Equal([End, 3], Allowed(matcher, vocabulary));
        Assert.True(matcher.TryAdvance(End));
        Assert.True(matcher.IsFinished);
        Assert.Empty(Allowed(matcher, vocabulary));
        Assert.False(matcher.TryAdvance(3));
        Assert.False(matcher.TryAdvance("b"u8));
    }

    [Fact]
    public void ATextThatCannotGoOnIsFinished()
    {
        (GrammarMatcher matcher, _) = Begin("root ::= \"a\"", "a");
        Assert.True(matcher.TryAdvance(2));
        Assert.True(matcher.IsFinished);
    }

    [Fact]
    public void AControlTokenIsNotMatchedByItsText()
    {
        GrammarVocabulary vocabulary = Create([[], [], "<"u8.ToArray(), "c"u8.ToArray()]);
        GrammarMatcher matcher = vocabulary.CreateMatcher(Grammar.FromGbnf("root ::= .*"));
        Assert.Equal([End, 2, 3], Allowed(matcher, vocabulary));
        Assert.False(matcher.TryAdvance(Control));
    }

    [Fact]
    public void ATokenThatTheGrammarNamesIsMatchedByItsId()
    {
        (GrammarMatcher matcher, GrammarVocabulary vocabulary) = Begin("root ::= \"a\" <[1]> \"a\"", "a");
        Assert.True(matcher.TryAdvance(2));
        Assert.Equal([Control], Allowed(matcher, vocabulary));
        Assert.True(matcher.TryAdvance(Control));
        Assert.Equal([2], Allowed(matcher, vocabulary));
    }

    [Theory]
    [InlineData("root ::= <[77]>", "77")]
    [InlineData("root ::= <|call|>", "<|call|>")]
    public void ATokenThatTheVocabularyLacksIsNamed(string grammar, string name)
    {
        (GrammarMatcher matcher, _) = Begin(grammar, "a");
        GrammarException exception = Assert.Throws<GrammarException>(() => matcher.WriteMask(new ulong[1]));
        Assert.Contains(name, exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("false")]
    [InlineData("""{"type":"integer","minimum":2,"maximum":1}""")]
    [InlineData("""{"type":"object","required":["a"],"properties":{"a":false}}""")]
    public void ALanguageWithoutTextsIsRefused(string schema)
    {
        Grammar grammar = Grammar.FromJsonSchema(System.Text.Json.JsonElement.Parse(schema));
        Assert.Throws<GrammarException>(() => Create([[], [], "a"u8.ToArray()]).CreateMatcher(grammar));
    }

    [Theory]
    [InlineData("""{"a": 1, "b": {"a": 2, "c": """, "3, \"a\":")]
    [InlineData("""{"a": 1, """, "\"a\"")]
    [InlineData("""{"a": 1, "a""", "\"")]
    [InlineData("""{"": 1, """, "\"\"")]
    [InlineData("""{"a\"b": 1, "a\""", "\"b\"")]
    [InlineData("""[{"a": [{"a": "},{"}], """, "\"a\"")]
    public void AKeyIsNotRepeated(string before, string repeated)
    {
        GrammarMatcher matcher = Create([[], [], "a"u8.ToArray()]).CreateMatcher(Grammar.AnyJson);
        Assert.True(matcher.TryAdvance(Encoding.UTF8.GetBytes(before)));
        Assert.False(matcher.TryAdvance(Encoding.UTF8.GetBytes(repeated)));
        Assert.True(matcher.TryAdvance("\"x"u8) || matcher.TryAdvance("x"u8) || matcher.TryAdvance("4"u8));
    }

    [Fact]
    public void AnotherObjectMayHaveTheSameKeyAndALongerOneIsAnother()
    {
        GrammarMatcher matcher = Create([[], [], "a"u8.ToArray()]).CreateMatcher(Grammar.AnyJson);
        Assert.True(matcher.TryAdvance("""{"a": {"a": "a", "b": ["a", "a", {"a": 1}]}, "ab": {"a": 2}, "A": 3}"""u8));
        Assert.True(matcher.IsFinished);
    }

    [Fact]
    public void AKeyIsRepeatedWhereNoOtherIsPossible()
    {
        Grammar grammar = Grammar.FromJsonSchema(System.Text.Json.JsonElement.Parse("""{"type":"object","propertyNames":{"pattern":"^(a|b+)$"},"minProperties":1}"""));
        GrammarMatcher matcher = Create([[], [], "a"u8.ToArray()]).CreateMatcher(grammar);
        Assert.True(matcher.TryAdvance("""{"a": 1, "a": 2}"""u8));
    }

    [Fact]
    public void MasksHoldNoTokenThatRepeatsAKey()
    {
        Random random = new(5);
        string[] texts = ["<end>", "<control>", "{", "}", "\"", ", ", ": ", "1", "\"a\"", ", \"a\"", ", \"b\": 1", "\", \"", "{\"", "[", "]", "\\", " ",
            "}, \"a\"", "], \"b\": ", "1}, \"", "b\": 1, \"b\"", "{\"b\": 1, \"b\": ", "{\"a\": [], \"b\": {\"a\": ", "\"\": {}, \"\"", "\"\\\"\"", "\"\\\"\": 1, ", "\\\"",
            .. Enumerable.Range(0, 300).Select(_ => new string([.. Enumerable.Range(0, random.Next(1, 5)).Select(_ => "ab\",: 1"[random.Next(7)])]))];
        GrammarVocabulary vocabulary = Create([.. texts.Select(Encoding.UTF8.GetBytes)]);
        for (int walk = 0; walk < 60; walk++)
        {
            GrammarMatcher matcher = vocabulary.CreateMatcher(Grammar.JsonObjectOrArray);
            Assert.True(matcher.TryAdvance("{"u8));
            for (int step = 0; step < 30 && !matcher.IsFinished; step++)
            {
                int[] allowed = Allowed(matcher, vocabulary);
                Assert.Equal(TakenOneByOne(matcher, vocabulary), allowed);
                Assert.True(matcher.TryAdvance(allowed[random.Next(allowed.Length)]));
            }
        }
    }

    [Fact]
    public void TheSameTextGivesTheSameGrammar()
    {
        Assert.Same(Grammar.FromGbnf("root ::= \"kept\""), Grammar.FromGbnf("root ::= \"kept\""));
        Assert.Same(Grammar.FromRegex("kept"), Grammar.FromRegex("kept"));
        Assert.NotSame(Grammar.FromRegex("kept"), Grammar.FromRegex("Kept"));
    }

    [Fact]
    public void ARefusedTokenChangesNothing()
    {
        (GrammarMatcher matcher, GrammarVocabulary vocabulary) = Begin("root ::= \"ab\" \"c\"", "a", "b", "ac");
        GrammarCheckpoint before = matcher.Checkpoint();
        Assert.False(matcher.TryAdvance(4));
        Assert.Equal(before, matcher.Checkpoint());
        Assert.False(matcher.TryAdvance("ac"u8));
        Assert.Equal(before, matcher.Checkpoint());
        Assert.Equal([2], Allowed(matcher, vocabulary));
    }

    [Fact]
    public void ForcedBytesGoAsFarAsThereIsNoChoice()
    {
        (GrammarMatcher matcher, _) = Begin("root ::= \"abc\" (\"d\" | \"e\") \"f\"", "a");
        Span<byte> bytes = stackalloc byte[10];
        Assert.Equal("abc", Encoding.UTF8.GetString(bytes[..matcher.ForcedBytes(bytes)]));
        Assert.Equal("ab", Encoding.UTF8.GetString(bytes[..matcher.ForcedBytes(bytes[..2])]));
        Assert.True(matcher.TryAdvance("abcd"u8));
        Assert.Equal("f", Encoding.UTF8.GetString(bytes[..matcher.ForcedBytes(bytes)]));
        Assert.True(matcher.TryAdvance("f"u8));
        Assert.Equal(0, matcher.ForcedBytes(bytes));
    }

    [Fact]
    public void NothingIsForcedWhereTheTextMayEnd()
    {
        (GrammarMatcher matcher, _) = Begin("root ::= \"a\" \"b\"?", "a");
        Span<byte> bytes = stackalloc byte[4];
        Assert.Equal(1, matcher.ForcedBytes(bytes));
    }

    [Fact]
    public void ForcedTokensLeaveOutWhatALongerTokenCouldSpan()
    {
        (GrammarMatcher matcher, _) = Begin("root ::= \"abc:\" [0-9]", "a", "b", "c", ":", "abc", ":1", ":x");
        Assert.Equal([6], matcher.ForcedTokens(_ => [6, 5]).ToArray());
        (matcher, _) = Begin("root ::= \"abc:\" [a-b]", "a", "b", "c", ":", "abc", ":1", ":x");
        Assert.Equal([6, 5], matcher.ForcedTokens(_ => [6, 5]).ToArray());
    }

    [Fact]
    public void ATokenizerThatDoesNotGiveTheTextBackForcesNothing()
    {
        (GrammarMatcher matcher, _) = Begin("root ::= \"abc\"", "a", "x");
        Assert.Empty(matcher.ForcedTokens(_ => [2, 3]).ToArray());
    }

    [Fact]
    public void RollbackAndForkGoOnIndependently()
    {
        (GrammarMatcher matcher, GrammarVocabulary vocabulary) = Begin("root ::= \"a\" (\"b\" | \"c\") \"a\"", "a", "b", "c");
        Assert.True(matcher.TryAdvance(2));
        GrammarCheckpoint checkpoint = matcher.Checkpoint();
        GrammarMatcher fork = matcher.Fork();
        Assert.True(matcher.TryAdvance(3));
        Assert.Equal([2], Allowed(matcher, vocabulary));
        Assert.Equal([3, 4], Allowed(fork, vocabulary));
        matcher.Rollback(checkpoint);
        Assert.Equal([3, 4], Allowed(matcher, vocabulary));
    }

    [Fact]
    public void ACheckpointOfAnotherGrammarIsRefused()
    {
        (GrammarMatcher matcher, _) = Begin("root ::= \"a\"", "a");
        (GrammarMatcher other, _) = Begin("root ::= \"b\"", "a");
        Assert.Throws<ArgumentException>(() => matcher.Rollback(other.Checkpoint()));
        Assert.Throws<ArgumentException>(() => matcher.Rollback(default));
    }

    [Fact]
    public void AMaskThatIsTooShortAndATokenThatIsNoneAreRefused()
    {
        (GrammarMatcher matcher, _) = Begin("root ::= \"a\"", "a");
        Assert.Throws<ArgumentException>(() => matcher.WriteMask([]));
        Assert.Throws<ArgumentOutOfRangeException>(() => matcher.TryAdvance(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => matcher.TryAdvance(3));
    }

    [Fact]
    public void OneGrammarServesSeveralVocabulariesAndThreads()
    {
        Grammar grammar = Grammar.FromGbnf("root ::= \"a\" root \"b\" | \"c\"");
        Parallel.For(0, 200, i =>
        {
            GrammarVocabulary vocabulary = Create([[], [], .. (i % 2 == 0 ? new[] { "a", "b", "c" } : ["c", "b", "a"]).Select(Encoding.UTF8.GetBytes)]);
            GrammarMatcher matcher = vocabulary.CreateMatcher(grammar);
            for (int depth = 0; depth < 20; depth++)
            {
                Assert.Equal([2, 4], Allowed(matcher, vocabulary));
                Assert.True(matcher.TryAdvance("a"u8));
            }

            Assert.True(matcher.TryAdvance("c"u8));
            for (int depth = 0; depth < 20; depth++)
            {
                Assert.Equal([3], Allowed(matcher, vocabulary));
                Assert.True(matcher.TryAdvance(3));
            }

            Assert.True(matcher.IsFinished);
        });
    }

    /// <summary>A text of a million levels takes memory for its levels, and no stack.</summary>
    [Fact]
    public void DepthIsBoundByMemoryOnly()
    {
        Grammar grammar = Grammar.FromGbnf("root ::= \"(\" root \")\" | \"a\"");
        byte[] text = [.. Enumerable.Repeat((byte)'(', 100_000), (byte)'a', .. Enumerable.Repeat((byte)')', 100_000)];
        Assert.True(grammar.Accepts(text));
        Assert.False(grammar.Accepts(text.AsSpan(1)));
    }

    private static (GrammarMatcher Matcher, GrammarVocabulary Vocabulary) Begin(string grammar, params string[] tokens)
    {
        GrammarVocabulary vocabulary = Create([[], [], .. tokens.Select(Encoding.UTF8.GetBytes)]);
        return (vocabulary.CreateMatcher(Grammar.FromGbnf(grammar)), vocabulary);
    }

    private static GrammarVocabulary Create(byte[][] tokens) =>
        GrammarVocabulary.Create([.. tokens.Select((bytes, token) => new ReadOnlyMemory<byte>(token is End or Control ? [] : bytes))], [End]);

    private static int[] Allowed(GrammarMatcher matcher, GrammarVocabulary vocabulary)
    {
        ulong[] mask = new ulong[matcher.MaskLength];
        Array.Fill(mask, ulong.MaxValue);
        matcher.WriteMask(mask);
        Assert.All(Enumerable.Range(vocabulary.TokenCount, mask.Length * 64 - vocabulary.TokenCount), token => Assert.False(TokenMask.Contains(mask, token)));
        return [.. Enumerable.Range(0, vocabulary.TokenCount).Where(token => TokenMask.Contains(mask, token))];
    }

    private static int[] TakenOneByOne(GrammarMatcher matcher, GrammarVocabulary vocabulary) =>
        [.. Enumerable.Range(0, vocabulary.TokenCount).Where(token => matcher.Fork().TryAdvance(token))];

    private static string RandomText(Random random)
    {
        const string Alphabet = "aaabbbccc,:()é]";
        return new string([.. Enumerable.Range(0, random.Next(1, 7)).Select(_ => Alphabet[random.Next(Alphabet.Length)])]);
    }
}
