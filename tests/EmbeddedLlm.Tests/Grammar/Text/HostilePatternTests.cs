using System.Diagnostics;
using System.Text;
using EmbeddedLlm.Grammars;

namespace EmbeddedLlm.Tests.Grammars;

/// <summary>Patterns meant to exhaust whoever reads them. The times allowed are many times what is needed; what is looked for is a difference in order of magnitude.</summary>
public sealed class HostilePatternTests
{
    private static readonly TimeSpan Allowed = TimeSpan.FromSeconds(15);

    public static TheoryData<string, string> Patterns => new()
    {
        { "nested quantifiers", "^(a+)+$" },
        { "overlapping alternatives", "^(a|a)*$" },
        { "quadratic", "^(a|aa)+$" },
        { "many groups", "^(.*)*(.*)*(.*)*(.*)*(.*)*x$" },
        { "optional characters", "^" + string.Concat(Enumerable.Repeat("a?", 200)) + new string('a', 200) + "$" },
        { "exponentially many states", "(a|b)*a(a|b){30}$" },
        { "counted class", "^[a-z]{1,5000}$" },
        { "counted class anywhere", "[a-z]{5000}" },
        { "huge bound", "^a{0,1000000}$" },
        { "largest bound", "a{99999999999999999999}" },
        { "nested bounds", "^((a|aa){1,1000}){1,1000}$" },
        { "nested exact bounds", "^((a|aa){1000}){1000}$" },
        { "deep bounds", string.Concat(Enumerable.Repeat("(?:", 500)) + "a" + string.Concat(Enumerable.Repeat("){2}", 500)) },
        { "parentheses", new string('(', 60_000) + "a" + new string(')', 60_000) },
        { "growing parentheses", new string('(', 60_000) + "a" + string.Concat(Enumerable.Repeat("b)", 60_000)) },
        { "stars", new string('(', 60_000) + "a" + string.Concat(Enumerable.Repeat(")*", 60_000)) },
        { "nested alternatives", string.Concat(Enumerable.Repeat("(a|b", 60_000)) + new string(')', 60_000) },
        { "alternatives", string.Join('|', Enumerable.Range(0, 40_000)) },
        { "lookaheads", string.Concat(Enumerable.Repeat("(?=", 20_000)) + "a" + new string(')', 20_000) },
        { "lookaheads in a row", "^" + string.Concat(Enumerable.Range(0, 60).Select(static i => $"(?=.*a.{{{i}}}b)")) + ".*$" },
        { "lookahead in a loop", "^(?:(?=.*a.{5}b)[ab])*$" },
        { "classes", string.Concat(Enumerable.Range(0x100, 20_000).Select(static i => $"[{(char)i}-{(char)(i + 500)}]")) },
        { "categories", "^(\\p{L}|\\p{N}|\\p{P}|\\p{S}|\\p{M}|\\p{Z}){1,100}$" },
        { "unclosed", new string('(', 200_000) },
        { "backslashes", new string('\\', 200_000) },
        { "ten megabytes", new string('a', 10_000_000) },
        { "ten megabytes of groups", new string('(', 10_000_000) },
    };

    [Theory]
    [MemberData(nameof(Patterns), DisableDiscoveryEnumeration = true)]
    public void PatternIsCompiledOrRefusedWithinBounds(string name, string pattern)
    {
        Stopwatch watch = Stopwatch.StartNew();
        Try(() => TextAutomaton.FromPattern(pattern));
        TimeSpan compiled = watch.Elapsed;
        watch.Restart();
        Try(() =>
        {
            LexicalState? state = PlainText.Create(EcmaPattern.Parse(pattern));
            for (int i = 0; i < 300 && state is not null; i++)
                state = state.Next((byte)"ab"[i % 2]) ?? state.Next((byte)'a');
        });
        TestContext.Current.TestOutputHelper!.WriteLine($"{name}: {compiled.TotalMilliseconds:0} ms, {watch.Elapsed.TotalMilliseconds:0} ms");
        Assert.True(compiled < Allowed && watch.Elapsed < Allowed, $"{compiled}, {watch.Elapsed}");

        static void Try(Action action)
        {
            try
            {
                action();
            }
            catch (GrammarException exception)
            {
                Assert.NotEmpty(exception.Message);
                TestContext.Current.TestOutputHelper!.WriteLine(exception.Message);
            }
        }
    }

    [Theory]
    [InlineData("^[a-z]{1,5000}$")]
    [InlineData("^(a+)+$")]
    [InlineData("^(?!.*(a.){3}).*$")]
    public void HarmlessPatternsAreNotRefused(string pattern) => Assert.False(TextAutomaton.FromPattern(pattern).IsNone);

    [Fact]
    public void SharedPartsOfAPatternCountEachTime()
    {
        Pattern pattern = Pattern.Of('a');
        for (int i = 0; i < 60; i++)
            pattern = Pattern.Sequence(pattern, pattern);
        Assert.Throws<PatternNotSupportedException>(() => PlainText.Create(pattern));
    }

    [Fact]
    public void DeepPatternsDoNotExhaustTheStack()
    {
        Pattern pattern = Pattern.Of('a');
        for (int i = 0; i < 100_000; i++)
            pattern = Pattern.Sequence(Pattern.Of('c'), Pattern.OneOf(pattern, Pattern.Of("b")));
        Assert.NotNull(PlainText.Create(pattern));
        Assert.NotEmpty(pattern.ToString()!);
        Assert.Equal(pattern.GetHashCode(), pattern.GetHashCode());
    }

    [Fact]
    public void ProductsOfAutomataAreBounded()
    {
        TextAutomaton left = TextAutomaton.FromPattern("^(?:.*a.{9})$"), right = TextAutomaton.FromPattern("^(?:.*b.{10})$");
        Stopwatch watch = Stopwatch.StartNew();
        Assert.Throws<PatternNotSupportedException>(() => left.And(right).And(TextAutomaton.FromPattern("^(.*c.{11})$")));
        Assert.True(watch.Elapsed < Allowed);
    }

    [Fact]
    public void LongStringsOfABoundedAutomatonAreRead()
    {
        LexicalState? state = JsonStrings.Create(TextAutomaton.FromPattern("^([a-z]{3}|[0-9]{5})*$"), 10_000, 20_000, anySpelling: false);
        Assert.NotNull(LexicalWalk.Read(state, Encoding.ASCII.GetBytes("\"" + new string('a', 15_000) + "\"")));
        Assert.Null(LexicalWalk.Read(state, Encoding.ASCII.GetBytes("\"" + new string('a', 9_999) + "\"")));
    }
}
