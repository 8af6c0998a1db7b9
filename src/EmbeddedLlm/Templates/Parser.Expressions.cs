using System.Globalization;
using System.Numerics;

namespace EmbeddedLlm.Templates;

internal sealed partial class Parser
{
    private Expression ParseExpression(bool withConditional = true)
    {
        using DepthGuard guard = Deeper();
        Expression value = ParseOperators(Precedence.Or);
        while (withConditional && Current.IsName("if"))
        {
            int position = Next().Position;
            Expression test = ParseOperators(Precedence.Or);
            Expression? otherwise = SkipName("else") ? ParseExpression() : null;
            value = Finish(new ConditionalExpression(test, value, otherwise, position));
        }

        return value;
    }

    /// <summary>An expression, or several with commas between them, which are a tuple.</summary>
    private Expression ParseTuple(bool withConditional = true, bool inParentheses = false)
    {
        int position = Current.Position;
        List<Expression> items = [];
        bool isTuple = false;
        while (!EndsTuple())
        {
            items.Add(ParseExpression(withConditional));
            if (!SkipOperator(","))
                break;
            isTuple = true;
        }

        if (!isTuple && items.Count == 1)
            return items[0];
        if (items.Count == 0 && !inParentheses)
            throw Unexpected("an expression");
        return Finish(new ListExpression([.. items], isTuple: true, position));
    }

    private bool EndsTuple() => Current.Kind is TokenKind.ExpressionEnd or TokenKind.BlockEnd || Current.IsOperator(")");

    private Expression ParseUnary(bool withFilters = true)
    {
        Token token = Current;
        Expression value;
        if (token.IsOperator("-") || token.IsOperator("+"))
        {
            using DepthGuard guard = Deeper();
            _index++;
            value = Finish(new UnaryExpression(token.Text == "-" ? Operators.Negate : Operators.Affirm, ParseUnary(withFilters: false), token.Position));
        }
        else
        {
            value = ParsePrimary();
        }

        value = ParsePostfix(value);
        return withFilters ? ParseFilters(value, withTests: true) : value;
    }

    private Expression ParsePrimary()
    {
        Token token = Next();
        switch (token.Kind)
        {
            case TokenKind.Name:
                return Finish<Expression>(token.Text switch
                {
                    "true" or "True" => new ConstantExpression(TemplateValue.True, token.Position),
                    "false" or "False" => new ConstantExpression(TemplateValue.False, token.Position),
                    "none" or "None" => new ConstantExpression(TemplateValue.None, token.Position),
                    _ => new NameExpression(token.Text, token.Position),
                });
            case TokenKind.String:
                string text = token.Text;
                if (Current.Kind == TokenKind.String)
                    text = ReadAdjacentStrings(text);
                return Finish(new ConstantExpression(TemplateString.FromTemplate(text), token.Position));
            case TokenKind.Integer:
                return Finish(new ConstantExpression(ParseInteger(token), token.Position));
            case TokenKind.Float:
                return Finish(new ConstantExpression(TemplateValue.From(double.Parse(token.Text, CultureInfo.InvariantCulture)), token.Position));
            case TokenKind.Operator when token.Text == "(":
                Expression inner = ParseTuple(inParentheses: true);
                ExpectOperator(")");
                return inner;
            case TokenKind.Operator when token.Text == "[":
                return Finish(new ListExpression(ParseItems("]"), isTuple: false, token.Position));
            case TokenKind.Operator when token.Text == "{":
                return ParseDictionary(token);
            default:
                throw new TemplateSyntaxFault($"unexpected '{token.Describe()}'", token.Position);
        }
    }

    private string ReadAdjacentStrings(string first)
    {
        List<string> parts = [first];
        while (Current.Kind == TokenKind.String)
            parts.Add(Next().Text);
        return string.Concat(parts);
    }

    private static TemplateValue ParseInteger(Token token)
    {
        string text = token.Text;
        if (text.Length > TemplateInteger.MostDigits)
            throw new TemplateSyntaxFault($"the integer has more than {TemplateInteger.MostDigits} digits", token.Position);

        int radix = text.Length < 2 || text[0] != '0' ? 10 : char.ToLowerInvariant(text[1]) switch
        {
            'b' => 2,
            'o' => 8,
            'x' => 16,
            _ => 10,
        };
        return PythonNumber.TryParseInteger(text, radix, out BigInteger value)
            ? TemplateValue.From(value)
            : throw new TemplateSyntaxFault("the integer cannot be read", token.Position);
    }

    private Expression[] ParseItems(string end)
    {
        List<Expression> items = [];
        while (!Current.IsOperator(end))
        {
            if (items.Count > 0)
                ExpectOperator(",");
            if (Current.IsOperator(end))
                break;
            items.Add(ParseExpression());
        }

        _index++;
        return [.. items];
    }

    private DictionaryExpression ParseDictionary(Token token)
    {
        List<(Expression, Expression)> entries = [];
        while (!Current.IsOperator("}"))
        {
            if (entries.Count > 0)
                ExpectOperator(",");
            if (Current.IsOperator("}"))
                break;
            Expression key = ParseExpression();
            ExpectOperator(":");
            entries.Add((key, ParseExpression()));
        }

        _index++;
        return Finish(new DictionaryExpression([.. entries], token.Position));
    }

    private Expression ParsePostfix(Expression value)
    {
        while (Current.Kind == TokenKind.Operator)
        {
            if (Current.Text == ".")
                value = ParseDot(value);
            else if (Current.Text == "[")
                value = ParseSubscript(value);
            else if (Current.Text == "(")
                value = ParseCall(value);
            else
                break;
        }

        return value;
    }

    private Expression ParseDot(Expression value)
    {
        int position = Next().Position;
        Token name = Next();
        return name.Kind switch
        {
            TokenKind.Name => Finish(new AttributeExpression(value, name.Text, position)),
            TokenKind.Integer => Finish(new ItemExpression(value, Finish(new ConstantExpression(ParseInteger(name), name.Position)), position)),
            _ => throw new TemplateSyntaxFault("expected name or number", name.Position),
        };
    }

    private Expression ParseSubscript(Expression value)
    {
        int position = Next().Position;
        Expression? start = Current.IsOperator(":") ? null : Current.IsOperator("]") ? EmptyTuple() : ParseExpression();
        if (SkipOperator(":"))
        {
            Expression? stop = Current.IsOperator(":") || Current.IsOperator("]") ? null : ParseExpression();
            Expression? step = SkipOperator(":") && !Current.IsOperator("]") ? ParseExpression() : null;
            ExpectOperator("]");
            return Finish(new SliceExpression(value, start, stop, step, position));
        }

        if (Current.IsOperator(","))
        {
            List<Expression> items = [start!];
            while (SkipOperator(",") && !Current.IsOperator("]"))
                items.Add(ParseExpression());
            start = Finish(new ListExpression([.. items], isTuple: true, position));
        }

        ExpectOperator("]");
        return Finish(new ItemExpression(value, start!, position));
    }

    private ListExpression EmptyTuple() => Finish(new ListExpression([], isTuple: true, Current.Position));

    private CallExpression ParseCall(Expression callee)
    {
        int position = Current.Position;
        return Finish(new CallExpression(callee, ParseArguments(), position));
    }

    private ArgumentList ParseArguments()
    {
        int position = Current.Position;
        ExpectOperator("(");
        List<Expression> positional = [];
        List<(string, Expression)> named = [];
        Expression? rest = null, namedRest = null;
        while (!Current.IsOperator(")"))
        {
            if (positional.Count > 0 || named.Count > 0 || rest is not null || namedRest is not null)
            {
                ExpectOperator(",");
                if (Current.IsOperator(")"))
                    break;
            }

            bool isValid;
            if (SkipOperator("*"))
            {
                isValid = rest is null && namedRest is null;
                rest = ParseExpression();
            }
            else if (SkipOperator("**"))
            {
                isValid = namedRest is null;
                namedRest = ParseExpression();
            }
            else if (Current.Kind == TokenKind.Name && _tokens[_index + 1].IsOperator("="))
            {
                isValid = namedRest is null;
                string name = Next().Text;
                _index++;
                named.Add((name, ParseExpression()));
            }
            else
            {
                isValid = rest is null && namedRest is null && named.Count == 0;
                positional.Add(ParseExpression());
            }

            if (!isValid)
                throw new TemplateSyntaxFault("invalid syntax for function call expression", position);
        }

        ExpectOperator(")");
        return Finish(new ArgumentList([.. positional], [.. named], rest, namedRest, position));
    }

    private Expression ParseFilters(Expression value, bool withTests = false)
    {
        while (true)
        {
            if (SkipOperator("|"))
                value = ParseFilter(value);
            else if (withTests && Current.IsName("is"))
                value = ParseTest(value);
            else if (withTests && Current.IsOperator("("))
                value = ParseCall(value);
            else
                return value;
        }
    }

    private BuiltinExpression ParseFilter(Expression value)
    {
        (string name, int position) = ParseDottedName();
        ArgumentList arguments = Current.IsOperator("(") ? ParseArguments() : ArgumentList.Empty;
        return Finish(new BuiltinExpression(value, BuiltinExpression.Table.Filters, name, arguments, position));
    }

    private Expression ParseTest(Expression value)
    {
        _index++;
        bool isNegated = SkipName("not");
        (string name, int position) = ParseDottedName();
        ArgumentList arguments = ArgumentList.Empty;
        if (Current.IsOperator("("))
        {
            arguments = ParseArguments();
        }
        else if (StartsTestArgument())
        {
            if (Current.IsName("is"))
                throw new TemplateSyntaxFault("You cannot chain multiple tests with is", Current.Position);
            using DepthGuard guard = Deeper();
            int start = Current.Position;
            arguments = Finish(new ArgumentList([ParsePostfix(ParsePrimary())], [], null, null, start));
        }

        Expression test = Finish(new BuiltinExpression(value, BuiltinExpression.Table.Tests, name, arguments, position));
        return isNegated ? Finish(new NotExpression(test, position)) : test;
    }

    private bool StartsTestArgument() => Current.Kind switch
    {
        TokenKind.Name => !Current.IsName("else") && !Current.IsName("or") && !Current.IsName("and"),
        TokenKind.String or TokenKind.Integer or TokenKind.Float => true,
        _ => Current.IsOperator("[") || Current.IsOperator("{"),
    };

    private (string Name, int Position) ParseDottedName()
    {
        Token token = Expect(TokenKind.Name);
        string name = token.Text;
        while (SkipOperator("."))
            name += "." + Expect(TokenKind.Name).Text;
        return (name, token.Position);
    }
}
