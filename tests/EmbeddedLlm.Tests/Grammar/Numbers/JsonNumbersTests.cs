using EmbeddedLlm.Grammars;

namespace EmbeddedLlm.Tests.Grammars.Numbers;

public sealed class JsonNumbersTests
{
    private static readonly string[] s_alphabet = ["-", "+", ".", "e", "0", "1", "2", "5", "9"];
    private static readonly string[] s_signs = ["", "+", "-"];

    /// <summary>All texts of up to four characters of numbers, the JSON numbers apart from the rest.</summary>
    private static readonly ILookup<bool, string> s_texts = Texts(4).ToLookup(ReferenceNumber.IsNumber);

    [Fact]
    public void ReadingAcceptsEverySpellingOfTheNumbersInTheRangeAndNothingElse()
    {
        Random random = new(3);
        for (int i = 0; i < 300; i++)
        {
            RangeText range = RangeText.Random(random);
            LexicalState? start = JsonNumbers.Create(range.ToRange(), anySpelling: true);
            foreach (string text in s_texts[true])
                Assert.True(RangeText.Accepts(start, text) == range.Contains(text), $"{range}: {text}");
            for (int j = 0; j < 200; j++)
            {
                string text = RandomNumber(random);
                Assert.True(RangeText.Accepts(start, text) == range.Contains(text), $"{range}: {text}");
            }
        }
    }

    [Fact]
    public void WhatIsNoNumberIsRefused()
    {
        foreach (bool anySpelling in (bool[])[false, true])
        {
            LexicalState? start = JsonNumbers.Create(NumberRange.Any, anySpelling);
            Assert.DoesNotContain(s_texts[false], text => RangeText.Accepts(start, text));
        }

        Assert.DoesNotContain(s_texts[false], text => RangeText.Accepts(JsonNumbers.Create(new RangeText("-7", false, "50", true, false).ToRange(), true), text));
    }

    [Fact]
    public void GenerationWritesTheNumbersOfTheRangeWithoutExponentAndNothingElse()
    {
        Random random = new(4);
        for (int i = 0; i < 300; i++)
        {
            RangeText range = RangeText.Random(random) with { Minimum = "-7", Maximum = i % 2 == 0 ? "50" : "1.5" };
            LexicalState? start = JsonNumbers.Create(range.ToRange(), anySpelling: false);
            int places = range.ToRange().Step?.FractionDigits ?? 4;
            foreach (string text in s_texts[true].Where(text => !text.Contains('e', StringComparison.Ordinal)))
            {
                bool isWritten = range.Contains(text) && (text.IndexOf('.', StringComparison.Ordinal) is var point && (point < 0 || text.Length - point - 1 <= places));
                Assert.True(RangeText.Accepts(start, text) == isWritten, $"{range}: {text}");
            }

            Assert.DoesNotContain(s_texts[true], text => text.Contains('e', StringComparison.Ordinal) && RangeText.Accepts(start, text));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void EveryBeginningCanBeCompletedAndEndsInTheRange(bool anySpelling)
    {
        Random random = new(5);
        int numbers = 0;
        for (int i = 0; i < 400; i++)
        {
            RangeText range = RangeText.Random(random);
            if (JsonNumbers.Create(range.ToRange(), anySpelling) is not { } start)
            {
                Assert.True(range.ToRange().IsEmpty, range.ToString());
                continue;
            }

            for (int walk = 0; walk < 5; walk++)
            {
                string text = "";
                LexicalState state = start;
                for (int step = 0; step < 120; step++)
                {
                    char[] next = [.. "-+.eE0123456789".Where(symbol => state.Next((byte)symbol) is not null)];
                    Assert.True(next.Length > 0 == state.CanContinue, $"{range}: {text}");
                    Assert.True(next.Length > 0 || state.IsAccepting, $"{range}: stuck behind {text}");
                    Assert.True(HasCompletion(state), $"{range}: no end behind {text}");
                    if (state.IsAccepting && text.Length < 100)
                        Assert.True(range.Contains(text), $"{range}: {text}");
                    if (next.Length == 0)
                        break;
                    char symbol = next[random.Next(next.Length)];
                    // An exponent of a hundred digits is no number that the test can compute with.
                    if (text.LastIndexOfAny(['e', 'E']) is >= 0 and var at && text.Length - at > 3)
                        break;
                    text += symbol;
                    state = state.Next((byte)symbol)!;
                }

                numbers++;
            }
        }

        Assert.True(numbers > 1000);
    }

    [Fact]
    public void GeneratedNumbersEndAndAreWithinADouble()
    {
        Random random = new(6);
        RangeText[] ranges = [new(null, false, null, false, false), new(null, false, null, false, true), new("5", false, null, false, false), new(null, false, "-1e50", false, true, "7"), new("0", true, "1", true, false)];
        foreach (RangeText range in ranges)
        {
            LexicalState start = JsonNumbers.Create(range.ToRange(), anySpelling: false)!;
            for (int walk = 0; walk < 200; walk++)
            {
                string text = "";
                for (LexicalState state = start; state.CanContinue; state = state.Next((byte)text[^1])!)
                {
                    char[] next = [.. "-+.eE0123456789".Where(symbol => state.Next((byte)symbol) is not null)];
                    text += next[random.Next(next.Length)];
                }

                Assert.True(text.Length < 80, text);
                Assert.True(double.IsFinite(double.Parse(text, System.Globalization.CultureInfo.InvariantCulture)), text);
                Assert.True(range.Contains(text), text);
            }
        }
    }

    [Theory]
    [InlineData("17", "40", "5", "1", false)]
    [InlineData("17", "40", "5", "2", true)]
    [InlineData("17", "40", "5", "-", false)]
    [InlineData("17", "40", "5", "20.", false)]
    [InlineData("0", "40", "5", "-", true)]
    [InlineData("0", "40", "5", "-0", true)]
    [InlineData("0", "40", "5", "-1", false)]
    [InlineData("1", "40", "5", "0", false)]
    [InlineData("0", "1", "0.25", "0.", true)]
    [InlineData("0", "1", "0.25", "0.3", false)]
    [InlineData("0", "1", "0.25", "0.7", true)]
    [InlineData("0", "1", "0.25", "0.70", false)]
    [InlineData("0", "1", "0.25", "1.1", false)]
    [InlineData("99", "1000", "100", "9", true)]
    [InlineData("99", "1000", "100", "90", true)]
    [InlineData("99", "1000", "100", "900", true)]
    [InlineData("99", "1000", "100", "99", false)]
    public void NoDigitIsAllowedBehindWhichThereIsNoNumber(string minimum, string maximum, string step, string text, bool expected) =>
        Assert.Equal(expected, RangeText.After(JsonNumbers.Create(new RangeText(minimum, false, maximum, false, false, step).ToRange(), false), text) is not null);

    [Theory]
    [InlineData("123456789012345678901234567890.5", "123456789012345678901234567890.6", "123456789012345678901234567890.55", true)]
    [InlineData("123456789012345678901234567890.5", "123456789012345678901234567890.6", "123456789012345678901234567890.65", false)]
    [InlineData("1e300", "2e300", "15e299", true)]
    [InlineData("1e300", "2e300", "25e299", false)]
    [InlineData("-1e-300", "1e-300", "1e-301", true)]
    [InlineData("-1e-300", "1e-300", "-1.1e-300", false)]
    [InlineData("-1e-300", "1e-300", "1e-99999999999999999999", true)]
    [InlineData("0", "1e999", "1e999", true)]
    [InlineData("0", "1e999", "1e1000", false)]
    public void BoundsOfAnySizeAreExact(string minimum, string maximum, string text, bool expected) =>
        Assert.Equal(expected, RangeText.Accepts(JsonNumbers.Create(new RangeText(minimum, false, maximum, false, false).ToRange(), true), text));

    [Fact]
    public void NumbersNextToABoundAreOnItsSideAsDoublesToo()
    {
        LexicalState start = JsonNumbers.Create(new RangeText("5", true, "100", true, false).ToRange(), anySpelling: false)!;
        foreach (string text in (string[])["5." + new string('0', 20), "99." + new string('9', 20)])
        {
            LexicalState state = start;
            string taken = "";
            foreach (char symbol in text)
            {
                if (state.Next((byte)symbol) is not { } next)
                    break;
                state = next;
                taken += symbol;
            }

            Assert.InRange(double.Parse(taken, System.Globalization.CultureInfo.InvariantCulture), state.IsAccepting ? double.BitIncrement(5) : 5, double.BitDecrement(100));
        }
    }

    [Fact]
    public void EqualContinuationsAreTheSameState()
    {
        LexicalState integer = JsonNumbers.Create(new RangeText("0", false, "1000", false, true).ToRange(), anySpelling: false)!;
        Assert.Same(RangeText.After(integer, "23"), RangeText.After(integer, "78"));
        LexicalState any = JsonNumbers.Create(NumberRange.Any, anySpelling: true)!;
        Assert.Same(RangeText.After(any, "1"), RangeText.After(any, "2" + new string('7', 1000)));
        Assert.Same(RangeText.After(any, "1.5"), RangeText.After(any, "2.5" + new string('7', 1000)));
        LexicalState bounded = JsonNumbers.Create(new RangeText("5", false, null, false, true, "3").ToRange(), anySpelling: true)!;
        Assert.Same(RangeText.After(bounded, new string('3', 60)), RangeText.After(bounded, new string('3', 6000)));
        Assert.Same(RangeText.After(bounded, "6." + new string('0', 60)), RangeText.After(bounded, "6." + new string('0', 6000)));
    }

    private static bool HasCompletion(LexicalState from)
    {
        HashSet<LexicalState> seen = [from];
        Stack<LexicalState> todo = new([from]);
        while (todo.TryPop(out LexicalState? state) && seen.Count < 3000)
        {
            if (state.IsAccepting)
                return true;
            foreach (char symbol in "-+.e9876543210")
            {
                if (state.Next((byte)symbol) is { } next && seen.Add(next))
                    todo.Push(next);
            }
        }

        return false;
    }

    private static string RandomNumber(Random random)
    {
        string Digits(int most) => string.Concat(Enumerable.Range(0, random.Next(1, most)).Select(_ => "0005125"[random.Next(7)]));
        string whole = Digits(5).TrimStart('0');
        return (random.Next(4) == 0 ? "-" : "") + (whole.Length == 0 ? "0" : whole)
            + (random.Next(2) == 0 ? "." + Digits(6) : "")
            + (random.Next(2) == 0 ? "eE"[random.Next(2)] + s_signs[random.Next(3)] + Digits(2) : "");
    }

    private static List<string> Texts(int length)
    {
        List<string> texts = [""];
        for (int from = 0, i = 0; i < length; i++)
        {
            int to = texts.Count;
            for (; from < to; from++)
                Extend(texts[from]);
        }

        return texts;

        void Extend(string text) => texts.AddRange(s_alphabet.Select(symbol => text + symbol));
    }
}
