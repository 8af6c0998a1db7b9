using System.Text;
using EmbeddedLlm.Grammars;

namespace EmbeddedLlm.Tests.Grammars.Gbnf;

/// <summary>Random grammars, recursive ones among them, followed token by token: what a mask allows against what can be taken, and against the bytes.</summary>
public sealed class GbnfMaskTests
{
    private const int End = 0;

    /// <summary>All texts of up to four letters, and some longer ones; token 0 ends the generation.</summary>
    private static readonly byte[][] s_tokens = [[], .. Texts(4).Concat(["aaaaaaaa", "abababab", "abcabcabcabc", "ccccc", "bbbbbbbbbbbb", "x", "aax"]).Select(Encoding.UTF8.GetBytes)];

    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    public void AMaskAllowsTheTokensThatCanBeTaken(int seed)
    {
        GrammarVocabulary vocabulary = GrammarVocabulary.Create([.. s_tokens.Select(token => new ReadOnlyMemory<byte>(token))], [End]);
        Random random = new(seed);
        ulong[] mask = new ulong[(s_tokens.Length + 63) / 64];
        int places = 0;
        for (int i = 0; i < 150; i++)
        {
            string gbnf = new RandomGrammar(random).Gbnf;
            if (TryCreate(gbnf) is not { } grammar)
                continue;
            for (int walk = 0; walk < 3; walk++)
            {
                GrammarMatcher matcher = vocabulary.CreateMatcher(grammar);
                Configuration configuration = grammar.Machine.Root;
                string text = "";
                for (int step = 0; step < 12; step++, places++)
                {
                    matcher.WriteMask(mask);
                    List<int> allowed = [];
                    for (int token = 0; token < s_tokens.Length; token++)
                    {
                        Configuration? after = configuration;
                        foreach (byte next in s_tokens[token])
                            after = after?.Next(next);
                        bool isAllowed = token == End ? configuration.IsComplete : after is not null;
                        Assert.True(isAllowed == ((mask[token / 64] >> token % 64 & 1) != 0), $"mask of {token} behind {text} in\n{gbnf}");
                        Assert.True(isAllowed == matcher.Fork().TryAdvance(token), $"{token} behind {text} in\n{gbnf}");
                        if (isAllowed && token != End)
                            allowed.Add(token);
                    }

                    AssertForcedBytesAreTheOnlyOnes(matcher, configuration, text + " in\n" + gbnf);
                    if (allowed.Count == 0)
                    {
                        Assert.True(matcher.IsFinished, $"stuck behind {text} in\n{gbnf}");
                        break;
                    }

                    int taken = allowed[random.Next(allowed.Count)];
                    Assert.True(matcher.TryAdvance(taken));
                    foreach (byte next in s_tokens[taken])
                        configuration = configuration.Next(next)!;
                    text += Encoding.UTF8.GetString(s_tokens[taken]);
                }
            }
        }

        Assert.True(places > 500, $"only {places} places");
    }

    private static void AssertForcedBytesAreTheOnlyOnes(GrammarMatcher matcher, Configuration configuration, string place)
    {
        Span<byte> forced = stackalloc byte[16];
        int count = matcher.ForcedBytes(forced);
        for (int i = 0; i <= count && i < forced.Length; i++)
        {
            byte[] possible = [.. Enumerable.Range(0, 256).Select(next => (byte)next).Where(next => configuration.Next(next) is not null)];
            bool isForced = possible.Length == 1 && !configuration.IsComplete;
            Assert.True(isForced == i < count, $"forced byte {i} behind {place}");
            if (!isForced)
                return;
            Assert.Equal(possible[0], forced[i]);
            configuration = configuration.Next(forced[i])!;
        }
    }

    private static Grammar? TryCreate(string gbnf)
    {
        try
        {
            return Grammar.FromGbnf(gbnf);
        }
        catch (GrammarException)
        {
            return null;
        }
    }

    private static IEnumerable<string> Texts(int length) =>
        length == 0 ? [] : Texts(length - 1).Concat(Enumerable.Range(0, (int)Math.Pow(3, length)).Select(i =>
            string.Concat(Enumerable.Range(0, length).Select(place => "abc"[i / (int)Math.Pow(3, place) % 3]))));
}
