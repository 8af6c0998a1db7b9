using System.Text;
using EmbeddedLlm.Grammars;

namespace EmbeddedLlm.Tests.Grammars.Gbnf;

public sealed class GbnfReferenceTests
{
    private static readonly string[] s_texts = [.. Texts(6)];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void RandomGrammarsAcceptWhatAPlainRecogniserAccepts(int seed)
    {
        Random random = new(seed);
        int grammars = 0;
        for (int i = 0; i < 400; i++)
        {
            RandomGrammar reference = new(random);
            if (TryCreate(reference.Gbnf) is not { } grammar)
                continue;
            grammars++;
            foreach (string text in s_texts)
                Assert.True(reference.Accepts(text) == grammar.Accepts(Encoding.UTF8.GetBytes(text)), $"{text} in\n{reference.Gbnf}");
        }

        Assert.True(grammars > 100, $"only {grammars} grammars");
    }

    [Fact]
    public void EveryBeginningThatIsAllowedCanBeCompleted()
    {
        Random random = new(5);
        for (int i = 0; i < 300; i++)
        {
            RandomGrammar reference = new(random);
            if (TryCreate(reference.Gbnf) is not { } grammar)
                continue;
            foreach (string text in s_texts.Where(text => text.Length <= 4))
            {
                Configuration? configuration = grammar.Machine.Root;
                foreach (char next in text)
                    configuration = configuration?.Next((byte)next);
                Assert.True(configuration is null || HasCompletion(configuration), $"nothing completes {text} in\n{reference.Gbnf}");
            }
        }
    }

    /// <summary>The grammar; null where it is left-recursive or has no text.</summary>
    private static Grammar? TryCreate(string gbnf)
    {
        try
        {
            return Grammar.FromGbnf(gbnf);
        }
        catch (GrammarException error)
        {
            Assert.True(error.Message.Contains("begins with itself", StringComparison.Ordinal) || error.Message.Contains("for ever", StringComparison.Ordinal), $"{error.Message}\n{gbnf}");
            return null;
        }
    }

    private static bool HasCompletion(Configuration from)
    {
        HashSet<Configuration> seen = [from];
        Queue<Configuration> todo = new([from]);
        while (todo.TryDequeue(out Configuration? configuration) && seen.Count < 5000)
        {
            if (configuration.IsComplete)
                return true;
            foreach (byte next in "abc"u8)
            {
                if (configuration.Next(next) is { } after && seen.Add(after))
                    todo.Enqueue(after);
            }
        }

        return false;
    }

    private static List<string> Texts(int length)
    {
        List<string> texts = [""];
        for (int from = 0, i = 0; i < length; i++)
        {
            for (int to = texts.Count; from < to; from++)
                texts.AddRange([texts[from] + "a", texts[from] + "b", texts[from] + "c"]);
        }

        return texts;
    }
}
