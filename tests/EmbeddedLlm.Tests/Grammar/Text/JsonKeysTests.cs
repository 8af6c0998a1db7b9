using System.Text;
using System.Text.Json;
using EmbeddedLlm.Grammars;

namespace EmbeddedLlm.Tests.Grammars;

public sealed class JsonKeysTests
{
    public static TheoryData<string[], string[], string> Kinds => new()
    {
        { [], [], "" },
        { ["a", "ab", "abc", "b"], [], "" },
        { ["name", "names", "né", "😀", "", "q\"\\"], [], "" },
        { ["a", "b"], ["^x", "b"], "" },
        { ["foo", "bar"], ["^f", "o$"], "^[a-z]*$" },
        { ["foo", "bar"], [], "^foo|^ba$" },
        { ["a", "b"], [], "^[ab]$" },
        { ["a", "b"], ["^[ab]$"], "^[abc]$" },
        { ["x"], ["^x+$", "^(xx)+$", "y"], "^[xy]+$" },
        { [], ["^a", "^b"], "^[ab]" },
    };

    [Theory]
    [MemberData(nameof(Kinds))]
    public void KeyIsFoundWithWhatMatchesIt(string[] names, string[] patterns, string others)
    {
        TextAutomaton[] automata = [.. patterns.Select(TextAutomaton.FromPattern)];
        TextAutomaton other = TextAutomaton.FromPattern(others);
        Random random = new(1);
        foreach (bool anySpelling in new[] { false, true })
        {
            JsonKeys keys = new(names, automata, other, anySpelling);
            LexicalState start = keys.Start(KeyChoice.Range(0, keys.Matches.Count))!;
            Assert.Equal(keys.Matches.Count, keys.Matches.Distinct().Count());
            foreach (string key in names.Concat(names.SelectMany(name => Enumerable.Range(0, 5).Select(_ => PatternTexts.Changed(name, random))))
                .Concat(PatternTexts.Around(other, random, 60)))
            {
                LexicalState? end = LexicalWalk.Read(start, Spell(key));
                int name = Array.IndexOf(names, key);
                if (name < 0 && !other.Matches(key))
                {
                    Assert.Null(end);
                    continue;
                }

                ulong bits = 0;
                for (int i = 0; i < automata.Length; i++)
                    bits |= automata[i].Matches(key) ? 1UL << i : 0;
                Assert.True(end is { IsAccepting: true, CanContinue: false });
                Assert.Equal(new KeyMatch(name, bits), keys.Matches[end.Label]);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void ChoiceAllowsItsLabelsOnlyAndNoDeadEnds(string[] names, string[] patterns, string others)
    {
        JsonKeys keys = new(names, [.. patterns.Select(TextAutomaton.FromPattern)], TextAutomaton.FromPattern(others), anySpelling: false);
        Random random = new(2);
        for (int i = 0; i < 30; i++)
        {
            KeyChoice choice = KeyChoice.Of(Enumerable.Range(0, keys.Matches.Count).Where(_ => random.Next(3) == 0));
            LexicalState? start = keys.Start(choice);
            Assert.Equal(choice.IsEmpty, start is null);
            Assert.Same(start, keys.Start(KeyChoice.Of(choice.Labels)));
            for (int j = 0; j < 10 && start is not null; j++)
            {
                byte[] text = LexicalWalk.RandomText(start, random, random.Next(1, 12));
                int label = LexicalWalk.Read(start, text)!.Label;
                Assert.Contains(label, choice.Labels);
                string key = JsonSerializer.Deserialize<string>(text)!;
                Assert.Equal(keys.Matches[label].Name, Array.IndexOf(names, key));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void EveryOutcomeOccurs(string[] names, string[] patterns, string others)
    {
        JsonKeys keys = new(names, [.. patterns.Select(TextAutomaton.FromPattern)], TextAutomaton.FromPattern(others), anySpelling: false);
        for (int label = 0; label < keys.Matches.Count; label++)
        {
            LexicalState start = keys.Start(KeyChoice.Of(label))!;
            Assert.Equal(label, LexicalWalk.Read(start, LexicalWalk.PathToEnd(start))!.Label);
        }
    }

    [Fact]
    public void OnlyKeyThatIsLeftIsForced()
    {
        JsonKeys keys = new(["first name", "first", "last/\"name\"", "\n\u0001é"], [], TextAutomaton.None, anySpelling: false);
        for (int label = 0; label < 4; label++)
        {
            LexicalState state = keys.Start(KeyChoice.Of(label))!;
            List<byte> text = [];
            while (!state.IsAccepting)
            {
                byte only = Assert.Single(LexicalWalk.Allowed(state));
                text.Add(only);
                state = state.Next(only)!;
            }

            Assert.Equal(new[] { "\"first name\"", "\"first\"", "\"last/\\\"name\\\"\"", "\"\\n\\u0001é\"" }[keys.Matches[label].Name], Encoding.UTF8.GetString([.. text]));
        }
    }

    [Fact]
    public void OutcomesThatNoKeyHasAreLeftOut()
    {
        // All that the constraint allows beside the names: "c".
        JsonKeys keys = new(["a", "b"], [TextAutomaton.FromPattern("[ab]"), TextAutomaton.FromPattern("z")], TextAutomaton.FromPattern("^[abc]$"), anySpelling: false);
        Assert.Equal([new KeyMatch(0, 1), new KeyMatch(1, 1), new KeyMatch(-1, 0)], keys.Matches);
        Assert.Equal([0], new JsonKeys(["a"], [], TextAutomaton.FromPattern("^a$"), false).Matches.Select(static match => match.Name));
        Assert.Empty(new JsonKeys([], [], TextAutomaton.None, false).Matches);
        Assert.Null(new JsonKeys([], [], TextAutomaton.None, false).Start(KeyChoice.Range(0, 3)));
    }

    [Fact]
    public void WhatIsReadAheadDoesNotDependOnKeysRuledOutElsewhere()
    {
        JsonKeys keys = new(["alpha", "beta", "gamma"], [], TextAutomaton.None, anySpelling: false);
        LexicalState all = keys.Start(KeyChoice.Range(0, 3))!;
        LexicalState some = keys.Start(KeyChoice.Of(0, 2))!;
        Assert.NotSame(all, some);
        Assert.Same(LexicalWalk.Read(all, "\"al"u8), LexicalWalk.Read(some, "\"al"u8));
    }

    [Fact]
    public void OpenKeysAreFree()
    {
        JsonKeys keys = new(["a", "b"], [], TextAutomaton.Any, anySpelling: false);
        LexicalState start = keys.Start(KeyChoice.Range(0, 3))!;
        Assert.Equal(int.MaxValue, LexicalWalk.Read(start, "\""u8)!.FreeCharacters);
        Assert.Equal(int.MaxValue, LexicalWalk.Read(start, "\"ab"u8)!.FreeCharacters);
        Assert.Equal(0, LexicalWalk.Read(keys.Start(KeyChoice.Of(0, 1)), "\""u8)!.FreeCharacters);
        LexicalState others = keys.Start(KeyChoice.Of(2))!;
        Assert.Null(LexicalWalk.Read(others, "\"a\""u8));
        Assert.NotNull(LexicalWalk.Read(others, "\"ac\""u8));
    }

    [Fact]
    public void ManyNamesAreMadeQuickly()
    {
        string[] names = [.. Enumerable.Range(0, 20_000).Select(static i => $"property_{i:x}_{i * 7919 % 100_000}")];
        JsonKeys keys = new(names, [], TextAutomaton.Any, anySpelling: false);
        Assert.Equal(20_001, keys.Matches.Count);
        LexicalState start = keys.Start(KeyChoice.Range(0, 20_001))!;
        Assert.Equal(names[777], names[keys.Matches[LexicalWalk.Read(start, Spell(names[777]))!.Label].Name]);
    }

    [Fact]
    public void ChoicesAreComparedByValue()
    {
        Random random = new(7);
        for (int i = 0; i < 200; i++)
        {
            HashSet<int> left = [.. Enumerable.Range(0, random.Next(8)).Select(_ => random.Next(200))];
            HashSet<int> right = [.. Enumerable.Range(0, random.Next(8)).Select(_ => random.Next(200))];
            KeyChoice one = KeyChoice.Of(left), other = KeyChoice.Of(right);
            Check(left, one);
            Check([.. left.Intersect(right)], one.And(other));
            Check([.. left.Union(right)], one.Or(other));
            Check([.. left.Except(right)], one.Except(other));
            int label = random.Next(200);
            Check([.. left, label], one.With(label));
            Check([.. left.Where(each => each != label)], one.Without(label));
            int first = random.Next(150), count = random.Next(150);
            Check([.. Enumerable.Range(first, count)], KeyChoice.Range(first, count));
        }

        static void Check(HashSet<int> expected, KeyChoice actual)
        {
            Assert.Equal(expected.Order(), actual.Labels);
            Assert.Equal(expected.Count, actual.Count);
            Assert.Equal(expected.Count == 0, actual.IsEmpty);
            Assert.Equal(KeyChoice.Of(expected), actual);
            Assert.Equal(KeyChoice.Of(expected).GetHashCode(), actual.GetHashCode());
            Assert.All(Enumerable.Range(0, 310), label => Assert.Equal(expected.Contains(label), actual.Contains(label)));
        }
    }

    private static byte[] Spell(string key) => Encoding.UTF8.GetBytes(LexicalWalk.Spell(key, static _ => false, isUpper: false, slash: false));
}
