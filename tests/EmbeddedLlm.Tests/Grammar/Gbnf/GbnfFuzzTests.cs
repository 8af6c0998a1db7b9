using System.Text;

namespace EmbeddedLlm.Tests.Grammars.Gbnf;

public sealed class GbnfFuzzTests
{
    private static readonly string[] s_pieces =
    [
        "root ::= ", "\n", "\r\n", "a", "b ::= ", "::=", "(", ")", "[", "]", "^", "-", "|", "*", "+", "?", "{", "}", "{2,3}", "{0,1000000}", "{,}", ",", "\"", "\"x\"", "\\", "\\x41",
        "\\u00e9", "#", " ", "<", ">", "!", "<[1]>", ".", "[a-z]", "[^\"]", "0", "\0", "é", "😀", "\uD83D", "root", "b", "\t",
    ];

    private static readonly string[] s_grammars =
    [
        "root ::= item+\nitem ::= \"- \" [^\\r\\n\\x0b]+ \"\\n\"",
        "root ::= (expr \"=\" term \"\\n\")+\nexpr ::= term ([-+*/] term)*\nterm ::= [0-9]+ | \"(\" expr \")\"",
        "root ::= \"a\" b{2,3} | (root2 \"x\")*\nroot2 ::= \"(\" root2? \")\" | .\nb ::= <[3]> | [^a-z]{0,4}",
    ];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void WhateverIsReadEitherIsAGrammarOrIsRefusedWithItsPlace(int seed)
    {
        Random random = new(seed);
        int grammars = 0;
        for (int i = 0; i < 3000; i++)
        {
            string gbnf = random.Next(3) == 0
                ? "root ::= " + string.Concat(Enumerable.Range(0, random.Next(30)).Select(_ => s_pieces[random.Next(s_pieces.Length)]))
                : Mutated(s_grammars[random.Next(s_grammars.Length)], random);
            try
            {
                Grammar grammar = Grammar.FromGbnf(gbnf);
                grammars++;
                for (int j = 0; j < 5; j++)
                    grammar.Accepts(Encoding.UTF8.GetBytes(Mutated("- (1+2)=3\nax\n- x", random)));
            }
            catch (GrammarException error)
            {
                Assert.NotEqual("", error.Message);
            }
        }

        Assert.True(grammars > 100, $"only {grammars} grammars");
    }

    private static string Mutated(string text, Random random)
    {
        StringBuilder mutated = new(text);
        for (int edits = random.Next(4); edits > 0; edits--)
        {
            int at = random.Next(mutated.Length + 1);
            if (random.Next(2) == 0)
                mutated.Insert(at, s_pieces[random.Next(s_pieces.Length)]);
            else if (at < mutated.Length)
                mutated.Remove(at, Math.Min(random.Next(1, 4), mutated.Length - at));
        }

        return mutated.ToString();
    }
}
