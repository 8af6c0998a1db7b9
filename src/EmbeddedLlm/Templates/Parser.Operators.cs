namespace EmbeddedLlm.Templates;

internal sealed partial class Parser
{
    private static readonly Dictionary<string, ComparisonOperator> Comparisons = new(StringComparer.Ordinal)
    {
        ["=="] = Comparison.AreEqual,
        ["!="] = static (rendering, left, right) => !Comparison.AreEqual(rendering, left, right),
        ["<"] = Comparison.IsLess,
        ["<="] = Comparison.IsLessOrEqual,
        [">"] = Comparison.IsGreater,
        [">="] = Comparison.IsGreaterOrEqual,
        ["in"] = static (rendering, left, right) => Comparison.Contains(rendering, right, left),
        ["not in"] = static (rendering, left, right) => !Comparison.Contains(rendering, right, left),
    };

    private static readonly Dictionary<string, (Precedence Level, BinaryOperator Apply)> Arithmetic = new(StringComparer.Ordinal)
    {
        ["+"] = (Precedence.Sum, Operators.Add),
        ["-"] = (Precedence.Sum, Operators.Subtract),
        ["*"] = (Precedence.Product, Operators.Multiply),
        ["/"] = (Precedence.Product, Operators.Divide),
        ["//"] = (Precedence.Product, Operators.FloorDivide),
        ["%"] = (Precedence.Product, Operators.Modulo),
        ["**"] = (Precedence.Power, Operators.Power),
    };

    /// <summary>How tightly operators bind; all of them from left to right.</summary>
    private enum Precedence
    {
        None,
        Or,
        And,
        Not,
        Comparison,
        Sum,
        Concatenation,
        Product,
        Power,
        Operand,
    }

    /// <summary>
    /// Operands and the operators between them that bind at least as tightly as <paramref name="loosest"/>. One call
    /// handles all levels, and recurses only where operators of several levels meet, to keep the stack shallow.
    /// </summary>
    private Expression ParseOperators(Precedence loosest)
    {
        Expression value = loosest <= Precedence.Not && Current.IsName("not") ? ParseNot() : ParseUnary();
        while (true)
        {
            Precedence level = LevelOf(Current);
            if (level == Precedence.None || level < loosest)
                return value;
            value = level switch
            {
                Precedence.Or or Precedence.And => ParseLogical(value, level),
                Precedence.Comparison => ParseComparison(value),
                Precedence.Concatenation => ParseConcatenation(value),
                _ => ParseArithmetic(value, level),
            };
        }
    }

    private Precedence LevelOf(Token token)
    {
        if (token.Kind == TokenKind.Operator)
        {
            return Arithmetic.TryGetValue(token.Text, out (Precedence Level, BinaryOperator) entry) ? entry.Level
                : token.Text == "~" ? Precedence.Concatenation
                : Comparisons.ContainsKey(token.Text) ? Precedence.Comparison
                : Precedence.None;
        }

        if (token.Kind != TokenKind.Name)
            return Precedence.None;
        return token.Text switch
        {
            "or" => Precedence.Or,
            "and" => Precedence.And,
            "in" => Precedence.Comparison,
            "not" when _tokens[_index + 1].IsName("in") => Precedence.Comparison,
            _ => Precedence.None,
        };
    }

    private NotExpression ParseNot()
    {
        int position = Current.Position;
        int count = 0;
        while (SkipName("not"))
            count++;
        NotExpression value = Finish(new NotExpression(ParseOperators(Precedence.Comparison), position));
        return count % 2 == 0 ? Finish(new NotExpression(value, position)) : value;
    }

    private LogicalExpression ParseLogical(Expression first, Precedence level)
    {
        List<Expression> operands = [first];
        while (SkipName(level == Precedence.And ? "and" : "or"))
            operands.Add(ParseOperators(level + 1));
        return Finish(new LogicalExpression([.. operands], level == Precedence.And, first.Position));
    }

    private ComparisonExpression ParseComparison(Expression first)
    {
        List<ComparisonExpression.Link> links = [];
        while (LevelOf(Current) == Precedence.Comparison)
        {
            Token token = Next();
            bool isNotIn = token.IsName("not") && SkipName("in");
            links.Add(new(Comparisons[isNotIn ? "not in" : token.Text], ParseOperators(Precedence.Sum), token.Position));
        }

        return Finish(new ComparisonExpression(first, [.. links], first.Position));
    }

    private ConcatExpression ParseConcatenation(Expression first)
    {
        List<Expression> operands = [first];
        while (SkipOperator("~"))
            operands.Add(ParseOperators(Precedence.Product));
        return Finish(new ConcatExpression([.. operands], first.Position));
    }

    private ArithmeticExpression ParseArithmetic(Expression first, Precedence level)
    {
        List<ArithmeticExpression.Link> links = [];
        while (LevelOf(Current) == level)
        {
            Token token = Next();
            links.Add(new(Arithmetic[token.Text].Apply, ParseOperators(level + 1), token.Position));
        }

        return Finish(new ArithmeticExpression(first, [.. links], first.Position));
    }
}
