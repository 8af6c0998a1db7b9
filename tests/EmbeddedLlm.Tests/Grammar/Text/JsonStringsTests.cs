using System.Text;
using System.Text.Json;
using EmbeddedLlm.Grammars;

namespace EmbeddedLlm.Tests.Grammars;

public sealed class JsonStringsTests
{
    public static TheoryData<string, int, int?> Languages => new()
    {
        { "", 0, null },
        { "", 0, 4 },
        { "", 3, 3 },
        { "", 2, null },
        { "", 0, 0 },
        { "^[a-c]*$", 0, null },
        { "^[a-c]*$", 2, 5 },
        { "^(abc)+$", 4, 8 },
        { "^(aa|bbb)*$", 5, 7 },
        { "^(a{3}|b{5})*$", 7, 12 },
        { "^.*$", 1, 6 },
        { "^[é-ü]{1,3}$", 0, null },
        { "^[\\u{1F600}-\\u{1F64F}a]+$", 0, 3 },
        { "^[^\\u0000-\\u{FFFF}]{2}$", 0, null },
        { "^[\\u0000-\\u001F\"\\\\/]+$", 1, 4 },
        { "^[\\uD7FF\\uE000]+$", 1, 3 },
        { "[\\u0000-\\u07FF]$", 0, 5 },
        { "x$", 0, 4 },
        { "^(?!.*b)", 3, 5 },
        { "^(foo|bar|\"q\")$", 0, null },
        { "^\\p{L}+$", 2, 4 },
    };

    [Theory]
    [MemberData(nameof(Languages))]
    public void EveryWayThroughTheAutomatonIsAStringOfTheLanguage(string pattern, int min, int? max)
    {
        TextAutomaton content = TextAutomaton.FromPattern(pattern);
        foreach (bool anySpelling in new[] { false, true })
        {
            Random random = new(1);
            LexicalState start = JsonStrings.Create(content, min, max, anySpelling)!;
            for (int i = 0; i < 60; i++)
            {
                byte[] text = LexicalWalk.RandomText(start, random, random.Next(1, 40));
                string decoded = JsonSerializer.Deserialize<string>(text)!;
                Assert.True(content.Matches(decoded), $"{Encoding.UTF8.GetString(text)} in /{pattern}/");
                Assert.InRange(decoded.EnumerateRunes().Count(), min, max ?? int.MaxValue);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Languages))]
    public void EveryStringOfTheLanguageIsAcceptedInTheSpellingsPromised(string pattern, int min, int? max)
    {
        TextAutomaton content = TextAutomaton.FromPattern(pattern);
        LexicalState usual = JsonStrings.Create(content, min, max, anySpelling: false)!;
        LexicalState any = JsonStrings.Create(content, min, max, anySpelling: true)!;
        Random random = new(2);
        foreach (string text in PatternTexts.Around(content, random, 100))
        {
            int length = text.EnumerateRunes().Count();
            bool isMember = content.Matches(text) && length >= min && (max is null || length <= max);
            string shortest = LexicalWalk.Spell(text, static _ => false, isUpper: false, slash: false);
            Assert.Equal(isMember, LexicalWalk.Accepts(usual, shortest));
            Assert.Equal(isMember, LexicalWalk.Accepts(any, shortest));
            Assert.Equal(isMember, LexicalWalk.Accepts(any, LexicalWalk.Spell(text, _ => random.Next(2) == 0, isUpper: random.Next(2) == 0, slash: true)));
            string escaped = LexicalWalk.Spell(text, static _ => true, isUpper: random.Next(2) == 0, slash: false);
            if (escaped != shortest)
                Assert.Equal(isMember && !content.IsFinite, LexicalWalk.Accepts(usual, escaped));
        }
    }

    [Theory]
    [InlineData("\"a")]
    [InlineData("a\"")]
    [InlineData("\"a\"b")]
    [InlineData("\"\n\"")]
    [InlineData("\"\u001f\"")]
    [InlineData("\"\\a\"")]
    [InlineData("\"\\u12\"")]
    [InlineData("\"\\u12g4\"")]
    [InlineData("\"\\uD83D\"")]
    [InlineData("\"\\uD83Dx\"")]
    [InlineData("\"\\uD83D\\n\"")]
    [InlineData("\"\\uD83D\\u0041\"")]
    [InlineData("\"\\uD83D\\uD83D\"")]
    [InlineData("\"\\uDE00\"")]
    [InlineData("\"\\\"")]
    public void WhatIsNoJsonStringIsRefused(string text)
    {
        Assert.False(LexicalWalk.Accepts(JsonStrings.Create(TextAutomaton.Any, 0, null, anySpelling: true), text));
        Assert.True(Record.Exception(() => JsonDocument.Parse(text).RootElement.GetString()) is JsonException or InvalidOperationException);
    }

    [Fact]
    public void BytesThatAreNoUtf8AreRefused()
    {
        LexicalState inside = JsonStrings.Create(TextAutomaton.Any, 0, null, anySpelling: true)!.Next((byte)'"')!;
        for (int first = 0x80; first < 0x100; first++)
        {
            for (int second = 0; second < 0x100; second++)
            {
                LexicalState? state = inside.Next((byte)first)?.Next((byte)second);
                byte[] prefix = [(byte)first, (byte)second];
                bool isPossible = new[] { 0x80, 0xBF, 0x90, 0xA0 }.Any(third =>
                    Encoding.UTF8.GetString([.. prefix, (byte)third, 0x80]) is { } all && !all.StartsWith('\uFFFD'));
                Assert.Equal(isPossible && second is >= 0x80 and < 0xC0, state is not null);
            }
        }
    }

    [Fact]
    public void ThereIsNoAutomatonOfNoStrings()
    {
        Assert.Null(JsonStrings.Create(TextAutomaton.None, 0, null, false));
        Assert.Null(JsonStrings.Create(TextAutomaton.Any, 3, 2, false));
        Assert.Null(JsonStrings.Create(TextAutomaton.FromPattern("^(abc)*$"), 4, 5, false));
        Assert.Null(JsonStrings.Create(TextAutomaton.FromPattern("^abc$"), 4, null, false));
        Assert.NotNull(JsonStrings.Create(TextAutomaton.FromPattern("^$"), 0, 0, false));
    }

    [Fact]
    public void TextWithoutBoundsIsOneAutomatonForAll()
    {
        LexicalState any = JsonStrings.Create(TextAutomaton.Any, 0, null, false)!;
        Assert.Same(any, JsonStrings.Create(TextAutomaton.Any, 0, null, false));
        LexicalState inside = any.Next((byte)'"')!;
        Assert.Equal(int.MaxValue, inside.FreeCharacters);
        Assert.Same(inside, LexicalWalk.Read(inside, "abc é中😀 \\n \\u0041 \\uD83D\\uDE00"u8));
        Assert.Same(LexicalWalk.Read(inside, "\u4E2D"u8[..2]), LexicalWalk.Read(inside, "\u6587"u8[..2]));
    }

    [Fact]
    public void TextFarFromItsBoundsIsLikeTextWithoutThem()
    {
        LexicalState any = JsonStrings.Create(TextAutomaton.Any, 0, null, false)!.Next((byte)'"')!;
        LexicalState state = JsonStrings.Create(TextAutomaton.Any, 0, 1_000_000, false)!.Next((byte)'"')!;
        Assert.Equal(1_000_000, state.FreeCharacters);
        Assert.Same(any, state.Within(1000));
        Assert.Same(any, LexicalWalk.Read(state, "abc"u8)!.Within(1000));
        Assert.Same(LexicalWalk.Read(any, "\u00E9"u8[..1]), LexicalWalk.Read(state, "\u00E9"u8[..1])!.Within(1000));
        Assert.Same(any.Next((byte)'\\'), state.Next((byte)'\\')!.Within(1000));

        LexicalState small = JsonStrings.Create(TextAutomaton.Any, 0, 10, false)!.Next((byte)'"')!;
        Assert.Same(small, small.Within(11));
        Assert.Same(any, small.Within(10));
        Assert.Equal(8, LexicalWalk.Read(small, "ab"u8)!.FreeCharacters);
        Assert.Equal(0, LexicalWalk.Read(small, "abcdefghij"u8)!.FreeCharacters);
        Assert.Null(LexicalWalk.Read(small, "abcdefghijk"u8));
    }

    [Theory]
    [MemberData(nameof(Languages))]
    public void StateWithinManyCharactersTakesTheSameTexts(string pattern, int min, int? max)
    {
        LexicalState start = JsonStrings.Create(TextAutomaton.FromPattern(pattern), min, max, anySpelling: true)!;
        Random random = new(8);
        for (int i = 0; i < 40; i++)
        {
            byte[] text = LexicalWalk.RandomText(start, random, 30);
            int place = random.Next(text.Length), characters = random.Next(1, 4);
            LexicalState exact = LexicalWalk.Read(start, text.AsSpan(0, place))!;
            LexicalState like = exact.Within(characters);

            // So many bytes are no more characters than that.
            for (int j = 0; j < characters; j++)
            {
                Assert.Equal(exact.IsAccepting, like.IsAccepting);
                Assert.Equal(LexicalWalk.Allowed(exact), LexicalWalk.Allowed(like));
                byte[] allowed = LexicalWalk.Allowed(exact);
                if (allowed.Length == 0)
                    break;
                byte next = allowed[random.Next(allowed.Length)];
                (exact, like) = (exact.Next(next)!, like.Next(next)!);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Languages))]
    public void FreeCharactersAreTaken(string pattern, int min, int? max)
    {
        LexicalState start = JsonStrings.Create(TextAutomaton.FromPattern(pattern), min, max, anySpelling: false)!;
        Random random = new(9);
        for (int i = 0; i < 40; i++)
        {
            byte[] text = LexicalWalk.RandomText(start, random, 30);
            LexicalState? state = LexicalWalk.Read(start, text.AsSpan(0, random.Next(text.Length)))!;
            int free = state.FreeCharacters;
            for (int j = 0; j < Math.Min(free, 20); j++)
            {
                int codePoint;
                do
                    codePoint = random.Next(2) == 0 ? random.Next(0x20, 0x3000) : random.Next(0x20, 0x110000);
                while (codePoint is '"' or '\\' or (>= 0xD800 and <= 0xDFFF));
                state = LexicalWalk.Read(state, Encoding.UTF8.GetBytes(char.ConvertFromUtf32(codePoint)));
                Assert.NotNull(state);
            }

            if (free is > 0 and <= 20)
                Assert.DoesNotContain(LexicalWalk.Allowed(state), next => next >= 0x20 && next is not ((byte)'"' or (byte)'\\'));
        }
    }

    [Fact]
    public void LongBoundsCostNothingAhead()
    {
        LexicalState? state = JsonStrings.Create(TextAutomaton.FromPattern("^[a-z]+$"), 1000, 2_000_000, false);
        Assert.NotNull(state);
        Assert.Null(LexicalWalk.Read(state, Encoding.UTF8.GetBytes("\"" + new string('a', 999) + "\"")));
        Assert.NotNull(LexicalWalk.Read(state, Encoding.UTF8.GetBytes("\"" + new string('a', 1000) + "\"")));
    }
}
