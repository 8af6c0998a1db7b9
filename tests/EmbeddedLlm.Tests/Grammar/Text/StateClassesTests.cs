using EmbeddedLlm.Grammars;

namespace EmbeddedLlm.Tests.Grammars;

public sealed class StateClassesTests
{
    /// <summary>Against the plain definition: two states are told apart by a character where it leads to states that are told apart by one character less.</summary>
    [Theory]
    [InlineData("^[ab]{1,40}c$")]
    [InlineData("^([ab]{1,30}|[bc]{5,50})d?$")]
    [InlineData("^(a{50}|b{48}c)*$")]
    [InlineData("^[a-z]{0,100}@([a-z]{1,40}[.]){1,3}[a-z]{2,10}$")]
    [InlineData("^abc$")]
    [InlineData("")]
    public void StatesWithOneRepresentativeAreThoseThatNoShortTextTellsApart(string pattern)
    {
        TextAutomaton automaton = TextAutomaton.FromPattern(pattern);
        foreach (int characters in (int[])[1, 16, 33, 70])
        {
            // One pass for the acceptance, and one for each character more.
            bool[,] isToldApart = ToldApart(automaton, characters);
            int[] representatives = [.. Enumerable.Range(0, automaton.StateCount).Select(state => automaton.Representative(state, characters))];
            for (int state = 0; state < automaton.StateCount; state++)
            {
                Assert.False(isToldApart[state, representatives[state]], $"{state} and {representatives[state]} by {characters} characters");
                Assert.Equal(representatives[state], representatives[representatives[state]]);
                Assert.True(representatives[state] <= state);
            }
        }
    }

    [Fact]
    public void CountsThatAreFarFromTheirBoundShareARepresentative()
    {
        TextAutomaton automaton = TextAutomaton.FromPattern("^[a-z]{1,64}@[a-z]+$");
        int[] afterLetters = [.. Enumerable.Range(1, 64).Select(letters => Read(automaton, new string('a', letters)))];
        Assert.Equal(64, afterLetters.Distinct().Count());
        int[] representatives = [.. afterLetters.Select(state => automaton.Representative(state, 16))];
        Assert.Single(representatives[..44].Distinct());
        Assert.Equal(20, representatives[44..].Distinct().Count());
        Assert.Equal(afterLetters, afterLetters.Select(state => automaton.Representative(state, 300)));
    }

    /// <summary>The texts of an enumeration may be as many as the words of a language: nothing is looked for there.</summary>
    [Fact]
    public void StatesOfALargeAutomatonAreTheirOwn()
    {
        Random random = new(5);
        TextAutomaton automaton = TextAutomaton.Of(Enumerable.Range(0, 20_000).Select(_ => new string([.. Enumerable.Range(0, 12).Select(_ => (char)('a' + random.Next(26)))])));
        Assert.All(Enumerable.Range(0, automaton.StateCount), state => Assert.Equal(state, automaton.Representative(state, 16)));
    }

    private static bool[,] ToldApart(TextAutomaton automaton, int characters)
    {
        int count = automaton.StateCount, classes = automaton.Table.Partition.Count;
        bool[,] isToldApart = new bool[count, count];
        for (int left = 0; left < count; left++)
        {
            for (int right = 0; right < count; right++)
                isToldApart[left, right] = automaton.IsAccepting(left) != automaton.IsAccepting(right);
        }

        for (int i = 0; i < characters; i++)
        {
            bool[,] next = (bool[,])isToldApart.Clone();
            for (int left = 0; left < count; left++)
            {
                for (int right = 0; right < left; right++)
                    next[left, right] = next[right, left] = isToldApart[left, right] || Enumerable.Range(0, classes).Any(@class => AreToldApart(automaton.Table.Next(left, @class), automaton.Table.Next(right, @class)));
            }

            isToldApart = next;
        }

        return isToldApart;

        bool AreToldApart(int left, int right) => left < 0 || right < 0 ? left != right : isToldApart[left, right];
    }

    private static int Read(TextAutomaton automaton, string text)
    {
        int state = 0;
        foreach (char next in text)
            state = automaton.Next(state, next, out _);
        return state;
    }
}
