using System.Text;
using EmbeddedLlm.Grammars;

namespace EmbeddedLlm.Tests.Grammars.Gbnf;

public sealed class GbnfTests
{
    private const string Arithmetic = """
        root  ::= (expr "=" ws term "\n")+   # one equation a line
        expr  ::= term ([-+*/] term)*
        term  ::= ident | num | "(" ws expr ")" ws
        ident ::= [a-z] [a-z0-9_]* ws
        num   ::= [0-9]+ ws
        ws    ::= [ \t\n]*
        """;

    private const string Json = """
        root   ::= object
        value  ::= object | array | string | number | ("true" | "false" | "null") ws
        object ::=
          "{" ws (
            string ":" ws value
            ("," ws string ":" ws value)*
          )? "}" ws
        array  ::= "[" ws ( value ("," ws value)* )? "]" ws
        string ::= "\"" ( [^"\\\x7F\x00-\x1F] | "\\" (["\\bfnrt] | "u" [0-9a-fA-F]{4}) )* "\"" ws
        number ::= ("-"? ([0-9] | [1-9] [0-9]{0,15})) ("." [0-9]+)? ([eE] [-+]? [1-9] [0-9]{0,15})? ws
        ws ::= | " " | "\n" [ \t]{0,20}
        """;

    /// <summary>A grammar, texts in its language, and texts that are not.</summary>
    public static TheoryData<string, string[], string[]> Languages => new()
    {
        { "root ::= \"abc\"", ["abc"], ["", "ab", "abcd", "Abc"] },
        { "root ::=", [""], ["a"] },
        { "root ::= \"\"", [""], ["a"] },
        { "root ::= ()", [""], ["a"] },
        { "root ::= | \"a\"", ["", "a"], ["aa"] },
        { "root ::= \"a\" |\n\n  \"b\" # c\n  | \"c\" |", ["a", "b", "c", ""], ["ab"] },
        { "root ::= \"a\"\n | \"b\"\nx ::= \"c\"", ["a", "b"], ["c"] },
        { "\r\n# CRLF\r\nroot ::=\r\n  \"a\" (\r\n \"b\" # c\r\n x)\r\nx ::= \"d\"\r\n", ["abd"], ["ab"] },
        { "root ::= \"a\" x\rx ::= \"b\"", ["ab"], ["a"] },
        { "root ::= my-rule_2 Rule3\nmy-rule_2 ::= \"a\"\nRule3 ::= \"b\"", ["ab"], ["a"] },
        { "root ::= 1 -\n1 ::= \"a\"\n- ::= \"b\"", ["ab"], ["a"] },
        { "x::=\"b\"\nroot::=\"a\"x", ["ab"], ["a"] },
        { "root ::= \"\\n\\t\\r\\\\\\\"\\[\\]\\-\\x41\\xe9\\u20AC\\U0001F600\\uD83D\\uDE00\"", ["\n\t\r\\\"[]-Aé€😀😀"], ["\n\t\r\\\"[]-A"] },
        { "root ::= \"é€😀[a]{2}#|\"", ["é€😀[a]{2}#|"], ["é€"] },
        { "root ::= [a-c]", ["a", "b", "c"], ["", "d", "-", "ab"] },
        { "root ::= [a-]", ["a", "-"], ["b"] },
        { "root ::= [-a]", ["a", "-"], ["b"] },
        { "root ::= [+--]", ["+", ",", "-"], ["."] },
        { "root ::= [a\\-c]", ["a", "-", "c"], ["b"] },
        { "root ::= [a-c-e]", ["a", "b", "c", "-", "e"], ["d"] },
        { "root ::= [a^]", ["a", "^"], ["b"] },
        { "root ::= [\\]\\[\"#]", ["]", "[", "\"", "#"], ["\\"] },
        { "root ::= [^a-cé]", ["d", "\n", "😀", "\0", "è"], ["a", "b", "é", "", "dd"] },
        { "root ::= [ぁ-ゟ]+", ["ひらがな"], ["", "カ"] },
        { "root ::= .", ["a", "\n", "é", "😀"], ["", "ab"] },
        { "root ::= \"ab\"*", ["", "ab", "abab"], ["a", "aba", "abb"] },
        { "root ::= \"ab\"+", ["ab", "abab"], ["", "a"] },
        { "root ::= \"ab\" ?", ["", "ab"], ["abab"] },
        { "root ::= \"a\"{2}", ["aa"], ["a", "aaa"] },
        { "root ::= \"a\"{ 2 , }", ["aa", "aaaaaa"], ["a"] },
        { "root ::= \"a\"{2,3}", ["aa", "aaa"], ["a", "aaaa"] },
        { "root ::= \"a\"{,2}", ["", "a", "aa"], ["aaa"] },
        { "root ::= \"a\"{0} \"b\"", ["b"], ["ab"] },
        { "root ::= \"a\"{2}{2}", ["aaaa"], ["aa", "aaa", "aaaaa"] },
        { "root ::= \"a\"+?", ["", "a", "aa"], ["b"] },
        { "root ::= (\"a\" | \"b\"{2}){2}", ["aa", "abb", "bba", "bbbb"], ["ab", "bb", "a"] },
        { "root ::= (\"a\"* \"b\"*)* \"c\"", ["c", "abbac", "bac"], ["ab", "ca"] },
        { "root ::= \"a\" root \"b\" | \"\"", ["", "ab", "aaabbb"], ["a", "aab", "abb", "ba"] },
        { "root ::= \"a\" root | \"a\" root \"b\" | \"\"", ["", "a", "ab", "aab", "aaabb"], ["b", "abb", "ba"] },
        { "root ::= \"(\" root \")\" root | \"[\" root \"]\" root | \"\"", ["", "([])[]", "[()()]"], ["(]", "([)]", "("] },
        { "root ::= a | b\na ::= \"x\" b\nb ::= \"y\" a | \"z\"", ["z", "xz", "yxz", "xyxz"], ["x", "xy"] },
        { "root ::= (\"(\" root \")\")*", ["", "()()", "(()())"], ["(", ")("] },
        { "root ::= (\"(\" root \")\"){2,3} | \"\"", ["", "()()", "()()()", "(()())()"], ["()", "()()()()"] },
        { "root ::= \"a\" | \"b\" endless\nendless ::= \"c\" endless", ["a"], ["b", "bc"] },
        { Arithmetic, ["a=1\n", "1 +(x*2)= y\n", "a=b\nc+1=2\n"], ["", "a=1", "=1\n", "a+=1\n", "(a=1\n", "a=-1\n"] },
        { Json, ["{}", "{ }", "{\"a\":1}", "{\"a\": [1, -2.5e+3, \"x\\u00e9\\n\", {\"b\": null}], \"c\": true}"], ["[]", "{\"a\"}", "{\"a\":01}", "{\"a\":1,}", "{\"a\":\"\n\"}", "{\"a\":tru}"] },
    };

    [Theory]
    [MemberData(nameof(Languages))]
    public void TextsOfTheLanguageAreAcceptedAndOthersAreNot(string gbnf, string[] accepted, string[] refused)
    {
        Grammar grammar = Grammar.FromGbnf(gbnf);
        Assert.All(accepted, text => Assert.True(grammar.Accepts(Encoding.UTF8.GetBytes(text)), text));
        Assert.All(refused, text => Assert.False(grammar.Accepts(Encoding.UTF8.GetBytes(text)), text));
    }

    [Theory]
    [InlineData("root ::= .")]
    [InlineData("root ::= [^a]")]
    public void BytesThatAreNotUtf8AreNoCharacter(string gbnf)
    {
        Grammar grammar = Grammar.FromGbnf(gbnf);
        Assert.All<byte[]>([[0x80], [0xC0, 0x80], [0xE0, 0x80, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xFF], [0xC3]], bytes => Assert.False(grammar.Accepts(bytes)));
    }

    [Theory]
    [InlineData("root ::= \"a\" <[2]>", "aT")]
    [InlineData("root ::= \"a\" !<[2]>", "aa ab a<")]
    [InlineData("root ::= \"a\" <|t|>", "aT")]
    [InlineData("root ::= \"a\" <[2]>{2} \"b\"", "aTTb")]
    [InlineData("root ::= \"a\" !<|t|>* \"<\"", "a< aa< ab< a<<")]
    [InlineData("root ::= \"a\" \"<\" <[2]>", "a<T")]
    [InlineData("root ::= <[0]> root <[1]> | <|t|>", "T aTb aaTbb")]
    public void TokensAreExpectedWhereTheGrammarNamesThem(string gbnf, string expected)
    {
        // The third token's text is what the grammar calls it, and no other token's.
        GrammarVocabulary vocabulary = GrammarVocabulary.Create([.. ((string[])["a", "b", "<|t|>", "<", ""]).Select(text => new ReadOnlyMemory<byte>(Encoding.UTF8.GetBytes(text)))], [4]);
        Grammar grammar = Grammar.FromGbnf(gbnf);
        foreach (string text in Texts("abT<", 5))
        {
            GrammarMatcher matcher = vocabulary.CreateMatcher(grammar);
            bool isAllowed = text.All(token => matcher.TryAdvance("abT<".IndexOf(token, StringComparison.Ordinal))) && matcher.IsComplete;
            if (text.Length <= 3 || expected.Contains(text, StringComparison.Ordinal))
                Assert.True(isAllowed == expected.Split(' ').Contains(text), text);
        }
    }

    [Fact]
    public void WhatDoesNotUseItselfIsOneAutomaton()
    {
        const string Words = "root ::= word (\" \" word)*\nword ::= letter+\nletter ::= [a-z]";
        Configuration configuration = Grammar.FromGbnf(Words).Machine.Root;
        ParserStack bottom = Assert.Single(configuration.Items).Stack;
        foreach (byte next in "some words"u8)
        {
            configuration = configuration.Next(next)!;
            Assert.Same(bottom, Assert.Single(configuration.Items).Stack);
        }
    }

    private static IEnumerable<string> Texts(string alphabet, int length) =>
        length == 0 ? [""] : Texts(alphabet, length - 1).SelectMany(text => text.Length == length - 1 ? alphabet.Select(symbol => text + symbol).Prepend(text) : [text]);
}
