namespace EmbeddedLlm.Tests.Grammars.Gbnf;

public sealed class GbnfErrorTests
{
    /// <summary>A grammar, the line and the column of what is wrong, and a piece of the message.</summary>
    public static TheoryData<string, int, int, string> Malformed => new()
    {
        { "", 1, 1, "no rules" },
        { "  \n# nothing\r\n\t", 1, 1, "no rules" },
        { "main ::= \"a\"", 1, 1, "'root'" },
        { "root ::= a\n", 1, 10, "'a' is not defined" },
        { "root ::= \"x\" b\r\n# b is missing\r\nc ::= b", 1, 14, "'b' is not defined" },
        { "root ::= \"a\"\nroot ::= \"b\"", 2, 1, "'root' is defined twice" },
        { "root ::= \"a", 1, 10, "literal is not closed" },
        { "root ::= \"a\\", 1, 12, "ends within an escape" },
        { "root ::= \"a\\\"", 1, 10, "literal is not closed" },
        { "root ::=\n  [a-z", 2, 3, "class is not closed" },
        { "root ::= [a-", 1, 10, "class is not closed" },
        { "root ::= [a\\", 1, 12, "ends within an escape" },
        { "root ::= []", 1, 10, "class is empty" },
        { "root ::= [^]", 1, 10, "class is empty" },
        { "root ::= [0z-a]", 1, 12, "ahead of its first" },
        { "root ::= (\"a\"", 1, 10, "'(' is not closed" },
        { "root ::= (\"a\" (\n\"b\") |", 1, 10, "'(' is not closed" },
        { "root ::= \"a\")", 1, 13, "no '(' for this ')'" },
        { "root ::= \"\\q\"", 1, 11, "no escape '\\q'" },
        { "root ::= \"\\x4\"", 1, 11, "2 hexadecimal digits" },
        { "root ::= \"\\u00g0\"", 1, 11, "4 hexadecimal digits" },
        { "root ::= \"\\U0001F60\"", 1, 11, "8 hexadecimal digits" },
        { "root ::= \"\\U00110000\"", 1, 11, "no Unicode character" },
        { "root ::= \"\\UFFFFFFFF\"", 1, 11, "no Unicode character" },
        { "root ::= \"\\uD800\"", 1, 11, "no Unicode character" },
        { "root ::= \"\\uD83D\\u0041\"", 1, 11, "no Unicode character" },
        { "root ::= \"\uD83D\"", 1, 11, "surrogate" },
        { "root ::= *", 1, 10, "no part that '*' could repeat" },
        { "root ::= \"a\" | +", 1, 16, "no part that '+' could repeat" },
        { "root ::= \"a\"{3,2}", 1, 13, "above the greatest" },
        { "root ::= \"a\"{", 1, 13, "{m,n}" },
        { "root ::= \"a\"{}", 1, 13, "{m,n}" },
        { "root ::= \"a\"{,}", 1, 13, "{m,n}" },
        { "root ::= \"a\"{1 2}", 1, 13, "{m,n}" },
        { "root ::= \"a\"{-1}", 1, 13, "{m,n}" },
        { "root ::= \"a\"{1,2", 1, 13, "{m,n}" },
        { "root ::= \"a\"{99999999999999999999}", 1, 14, "above the limit" },
        { "root ::= \"a\" ::= \"b\"", 1, 14, "a part of a rule was expected" },
        { "root = \"a\"", 1, 6, "'::=' was expected" },
        { "root", 1, 5, "the end of the text" },
        { "root\n::= \"a\"", 1, 5, "the end of the line" },
        { "root ::= \"a\"\n\"b\"", 2, 1, "name of a rule was expected" },
        { "::= \"a\"", 1, 1, "name of a rule was expected" },
        { "root ::= \"a\" $", 1, 14, "'$'" },
        { "root ::= \"a\" \0", 1, 14, "U+0000" },
        { "root ::= <", 1, 10, "token '<' is not closed" },
        { "root ::= <|end\n>", 1, 10, "token '<' is not closed" },
        { "root ::= <[12>", 1, 10, "<[123]>" },
        { "root ::= <[]>", 1, 10, "<[123]>" },
        { "root ::= <[-1]>", 1, 10, "<[123]>" },
        { "root ::= <[99999999999]>", 1, 12, "above the limit" },
        { "root ::= !x", 1, 11, "behind '!'" },
        { "root ::= root", 1, 1, "'root' begins with itself:" },
        { "root ::= \"\" root \"a\" | \"b\"", 1, 1, "'root' begins with itself" },
        { "root ::= \"a\" e\ne ::= e \"+\" e | \"1\"", 2, 1, "'e' begins with itself:" },
        { "root ::= \"x\" a\n\na ::= b?  c\nb ::= \"b\"\nc ::= (\"c\"* a)", 3, 1, "'a' begins with itself, through 'c'" },
        { "root ::= \"a\"{0} root | \"b\"", 1, 1, "'root' begins with itself" },
        { "root ::= (\"a\" | \"\")+ root | \"b\"", 1, 1, "'root' begins with itself" },
        { "root ::= \"a\"\nunused ::= unused \"a\" | \"b\"", 2, 1, "'unused' begins with itself" },
        { "root ::= \"a\" root", 1, 1, "goes on for ever" },
        { "# endless\n  root ::= \"a\" b | [^\\x00-\\U0010FFFF]\nb ::= \"b\" root", 2, 3, "goes on for ever" },
    };

    [Theory]
    [MemberData(nameof(Malformed))]
    public void AnErrorSaysWhatIsWrongAndWhere(string gbnf, int line, int column, string message)
    {
        GrammarException error = Assert.Throws<GrammarException>(() => Grammar.FromGbnf(gbnf));
        Assert.Contains(message, error.Message, StringComparison.OrdinalIgnoreCase);
        Assert.Equal((line, column), (error.Line, error.Column));
    }

    [Fact]
    public void NullIsRefused() => Assert.Throws<ArgumentNullException>(() => Grammar.FromGbnf(null!));
}
