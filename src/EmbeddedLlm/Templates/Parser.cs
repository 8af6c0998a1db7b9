using System.Runtime.CompilerServices;

namespace EmbeddedLlm.Templates;

/// <summary>
/// Parses the statements of a template; the other files of this class parse operators and expressions. Parsing recurses once for each level that
/// the source nests, so the levels are counted.
/// </summary>
internal sealed partial class Parser
{
    private static readonly Dictionary<string, Func<Parser, Token, Statement>> StatementParsers = new(StringComparer.Ordinal)
    {
        ["if"] = static (parser, token) => parser.ParseIf(token),
        ["for"] = static (parser, token) => parser.ParseFor(token),
        ["set"] = static (parser, token) => parser.ParseSet(token),
        ["macro"] = static (parser, token) => parser.ParseMacro(token),
        ["call"] = static (parser, token) => parser.ParseCallBlock(token),
        ["filter"] = static (parser, token) => parser.ParseFilterBlock(token),
        ["with"] = static (parser, token) => parser.ParseWith(token),
        ["print"] = static (parser, token) => parser.ParsePrint(token),
        ["block"] = static (parser, token) => parser.ParseBlock(token),
        ["generation"] = static (parser, token) => parser.ParseGeneration(token),
        ["break"] = static (parser, token) => parser.ParseJump(token, Flow.Break),
        ["continue"] = static (parser, token) => parser.ParseJump(token, Flow.Continue),
    };

    private static readonly string[] UnsupportedTags = ["include", "import", "from", "extends", "autoescape"];

    private readonly List<Token> _tokens;
    private readonly TemplateLimits _limits;
    private readonly HashSet<string> _blocks = [];
    private int _index;
    private int _depth;
    private int _loops;

    private Parser(List<Token> tokens, TemplateLimits limits)
    {
        _tokens = tokens;
        _limits = limits;
    }

    private Token Current => _tokens[_index];

    public static Body Parse(string normalizedSource, TemplateLimits limits)
    {
        Parser parser = new(Lexer.Tokenize(normalizedSource), limits);
        return parser.ParseBody([], opener: null);
    }

    /// <summary>Parses statements up to a tag named in <paramref name="ends"/>, whose name is left as the current token.</summary>
    private Body ParseBody(ReadOnlySpan<string> ends, Token? opener)
    {
        using DepthGuard guard = Deeper();
        int position = Current.Position;
        List<Statement> statements = [];
        while (true)
        {
            Token token = Next();
            switch (token.Kind)
            {
                case TokenKind.Data:
                    statements.Add(Finish(new DataStatement(token.Text, token.Position)));
                    break;
                case TokenKind.ExpressionStart:
                    Expression value = ParseTuple();
                    statements.Add(Finish(new OutputStatement([value], token.Position)));
                    Expect(TokenKind.ExpressionEnd);
                    break;
                case TokenKind.BlockStart:
                    if (Current.Kind == TokenKind.Name && ends.Contains(Current.Text))
                        return Finish(new Body([.. statements], position));
                    statements.Add(Finish(ParseStatement()));
                    Expect(TokenKind.BlockEnd);
                    break;
                default:
                    if (opener is not { } tag)
                        return Finish(new Body([.. statements], position));
                    throw new TemplateSyntaxFault(
                        $"Unexpected end of template. The '{tag.Text}' block is never closed by {DescribeTags(ends)}.", tag.Position);
            }
        }
    }

    private Statement ParseStatement()
    {
        Token token = Current;
        if (token.Kind != TokenKind.Name)
            throw Unexpected("a tag name");

        _index++;
        if (StatementParsers.TryGetValue(token.Text, out Func<Parser, Token, Statement>? parse))
            return parse(this, token);
        if (UnsupportedTags.Contains(token.Text))
            throw new TemplateSyntaxFault($"chat templates cannot use '{token.Text}': they stand alone and are not escaped", token.Position);
        throw new TemplateSyntaxFault($"Encountered unknown tag '{token.Text}'.", token.Position);
    }

    /// <summary>Parses the rest of an opening tag and the statements behind it; the tag that ended them is consumed up to its name.</summary>
    private Body ParseBlockBody(Token opener, out string end, params ReadOnlySpan<string> ends)
    {
        SkipOperator(":");
        Expect(TokenKind.BlockEnd);
        Body body = ParseBody(ends, opener);
        end = Next().Text;
        return body;
    }

    private Body ParseBlockBody(Token opener, string end) => ParseBlockBody(opener, out _, end);

    private IfStatement ParseIf(Token token)
    {
        List<(Expression, Body)> branches = [];
        Body otherwise = Body.Empty;
        string end = "elif";
        while (end == "elif")
        {
            Expression test = ParseTuple(withConditional: false);
            branches.Add((test, ParseBlockBody(token, out end, "elif", "else", "endif")));
        }

        if (end == "else")
            otherwise = ParseBlockBody(token, "endif");
        return new IfStatement([.. branches], otherwise, token.Position);
    }

    private ForStatement ParseFor(Token token)
    {
        int targetStart = _index;
        Target target = ParseTarget();
        Token inToken = Current;
        if (!SkipName("in"))
            throw Unexpected("'in'");

        Expression items = ParseTuple(withConditional: false);
        Expression? test = null;
        Target? testTarget = null;
        if (SkipName("if"))
        {
            // The test has variables of its own, so the target is read a second time for it.
            int testStart = _index;
            _index = targetStart;
            testTarget = ParseTarget();
            _index = testStart;
            test = ParseExpression();
        }

        bool isRecursive = SkipName("recursive");
        _loops++;
        Body body = ParseBlockBody(token, out string end, "endfor", "else");
        _loops--;
        Body otherwise = end == "else" ? ParseBlockBody(token, "endfor") : Body.Empty;
        if (Mentions(target, "loop") || NamesAssigned(body).Contains("loop"))
            throw new TemplateSyntaxFault("Can't assign to special loop variable in for-loop target", inToken.Position);
        return new ForStatement(target, items, testTarget, test, isRecursive, body, otherwise, token.Position);
    }

    private Statement ParseSet(Token token)
    {
        Target target = ParseTarget(allowsNamespace: true);
        if (SkipOperator("="))
            return new SetStatement(target, ParseTuple(), token.Position);

        Expression? filter = Current.IsOperator("|") ? ParseFilters(Finish(new CapturedExpression(token.Position))) : null;
        return new SetBlockStatement(target, filter, ParseBlockBody(token, "endset"), token.Position);
    }

    private MacroStatement ParseMacro(Token token)
    {
        Token name = Expect(TokenKind.Name);
        (NameTarget, Expression?)[] parameters = ParseSignature();
        Body body = ParseClosedBody(token, "endmacro");
        return new MacroStatement(
            Finish(new NameTarget(name.Text, name.Position)), Finish(new MacroDefinition(name.Text, parameters, body, token.Position)), token.Position);
    }

    private CallBlockStatement ParseCallBlock(Token token)
    {
        (NameTarget, Expression?)[] parameters = Current.IsOperator("(") ? ParseSignature() : [];
        if (ParseExpression() is not CallExpression call)
            throw new TemplateSyntaxFault("expected call", token.Position);

        Body body = ParseClosedBody(token, "endcall");
        return new CallBlockStatement(call, Finish(new MacroDefinition(null, parameters, body, token.Position)), token.Position);
    }

    private FilterBlockStatement ParseFilterBlock(Token token)
    {
        Expression filter = ParseFilters(ParseFilter(Finish(new CapturedExpression(token.Position))));
        return new FilterBlockStatement(filter, ParseBlockBody(token, "endfilter"), token.Position);
    }

    private WithStatement ParseWith(Token token)
    {
        List<(NameTarget, Expression)> variables = [];
        while (Current.Kind != TokenKind.BlockEnd && !Current.IsOperator(":"))
        {
            if (variables.Count > 0)
                ExpectOperator(",");
            Target target = ParseTarget();
            if (target is not NameTarget name)
                throw new TemplateSyntaxFault("'with' assigns one name at a time", target.Position);
            ExpectOperator("=");
            variables.Add((name, ParseExpression()));
        }

        return new WithStatement([.. variables], ParseBlockBody(token, "endwith"), token.Position);
    }

    /// <summary>Hugging Face's mark around what the assistant says, which matters for training only; to Jinja it is a macro that is called on the spot.</summary>
    private GenerationStatement ParseGeneration(Token token)
    {
        Body body = ParseClosedBody(token, "endgeneration");
        return new GenerationStatement(Finish(new MacroDefinition(null, [], body, token.Position)), token.Position);
    }

    private OutputStatement ParsePrint(Token token)
    {
        List<Expression> values = [];
        while (Current.Kind != TokenKind.BlockEnd)
        {
            if (values.Count > 0)
                ExpectOperator(",");
            values.Add(ParseExpression());
        }

        return new OutputStatement([.. values], token.Position);
    }

    private BlockStatement ParseBlock(Token token)
    {
        Token name = Expect(TokenKind.Name);
        if (!_blocks.Add(name.Text))
            throw new TemplateSyntaxFault($"block '{name.Text}' defined twice", name.Position);
        if (SkipName("scoped") || SkipName("required"))
            throw new TemplateSyntaxFault("chat templates stand alone: a block cannot be 'scoped' or 'required'", name.Position);

        Body body = ParseClosedBody(token, "endblock");
        SkipName(name.Text);
        return new BlockStatement(body, token.Position);
    }

    private JumpStatement ParseJump(Token token, Flow flow) =>
        _loops == 0 ? throw new TemplateSyntaxFault($"'{token.Text}' outside loop", token.Position) : new JumpStatement(flow, token.Position);

    /// <summary>Parses a body that cannot jump out to a loop around it.</summary>
    private Body ParseClosedBody(Token token, string end)
    {
        int loops = _loops;
        _loops = 0;
        Body body = ParseBlockBody(token, end);
        _loops = loops;
        return body;
    }

    private (NameTarget, Expression?)[] ParseSignature()
    {
        List<(NameTarget Target, Expression? Default)> parameters = [];
        ExpectOperator("(");
        while (!Current.IsOperator(")"))
        {
            if (parameters.Count > 0)
                ExpectOperator(",");
            Token name = Expect(TokenKind.Name);
            if (parameters.Exists(parameter => parameter.Target.Name == name.Text))
                throw new TemplateSyntaxFault($"duplicate argument '{name.Text}'", name.Position);
            Expression? fallback = SkipOperator("=") ? ParseExpression() : null;
            if (fallback is null && parameters is [.., (_, not null)])
                throw new TemplateSyntaxFault("non-default argument follows default argument", name.Position);
            parameters.Add((Finish(new NameTarget(name.Text, name.Position)), fallback));
        }

        ExpectOperator(")");
        return [.. parameters];
    }

    private Target ParseTarget(bool allowsNamespace = false)
    {
        int position = Current.Position;
        List<Target> targets = [];
        bool isTuple = false;
        do
        {
            if (targets.Count > 0 && (Current.Kind == TokenKind.BlockEnd || Current.IsOperator(")")))
                break;
            targets.Add(ParseSingleTarget(allowsNamespace));
            isTuple |= Current.IsOperator(",");
        }
        while (SkipOperator(","));

        return isTuple ? Finish(new TupleTarget([.. targets], position)) : targets[0];
    }

    private Target ParseSingleTarget(bool allowsNamespace)
    {
        if (SkipOperator("("))
        {
            using DepthGuard guard = Deeper();
            Target target = ParseTarget(allowsNamespace);
            ExpectOperator(")");
            return target;
        }

        Token name = Expect(TokenKind.Name);
        if (name.Text is "true" or "false" or "none" or "True" or "False" or "None")
            throw new TemplateSyntaxFault("can't assign to a constant", name.Position);
        if (!allowsNamespace || !SkipOperator("."))
            return Finish(new NameTarget(name.Text, name.Position));

        Token attribute = Expect(TokenKind.Name);
        return Finish(new NamespaceTarget(Finish(new NameExpression(name.Text, name.Position)), attribute.Text, name.Position));
    }

    private static bool Mentions(Target target, string name) => NamesAssigned(target).Contains(name);

    private static IEnumerable<string> NamesAssigned(Node node)
    {
        Stack<Node> open = new([node]);
        while (open.TryPop(out Node? next))
        {
            if (next is NameTarget target)
                yield return target.Name;
            foreach (Node child in next.Children)
                open.Push(child);
        }
    }

    private Token Next() => _tokens[_index == _tokens.Count - 1 ? _index : _index++];

    private Token Expect(TokenKind kind)
    {
        if (Current.Kind != kind)
            throw Unexpected(kind == TokenKind.Name ? "a name" : $"'{new Token(kind, 0, "").Describe()}'");
        return Next();
    }

    private void ExpectOperator(string text)
    {
        if (!SkipOperator(text))
            throw Unexpected($"'{text}'");
    }

    private bool SkipOperator(string text)
    {
        bool matches = Current.IsOperator(text);
        if (matches)
            _index++;
        return matches;
    }

    private bool SkipName(string text)
    {
        bool matches = Current.IsName(text);
        if (matches)
            _index++;
        return matches;
    }

    private TemplateSyntaxFault Unexpected(string expected) => new($"expected {expected}, got '{Current.Describe()}'", Current.Position);

    private static string DescribeTags(ReadOnlySpan<string> tags) => string.Join(" or ", tags.ToArray().Select(tag => $"'{tag}'"));

    /// <summary>Measures a finished node, so that no chain of nodes grows deeper than the interpreter may recurse.</summary>
    private T Finish<T>(T node)
        where T : Node
    {
        int height = 0;
        foreach (Node child in node.Children)
            height = Math.Max(height, child.Height);
        node.Height = height + 1;
        return height < 2 * _limits.NestingDepth ? node : throw TooDeep(node.Position);
    }

    private DepthGuard Deeper()
    {
        if (++_depth > _limits.NestingDepth || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
            throw TooDeep(Current.Position);
        return new DepthGuard(this);
    }

    private TemplateSyntaxFault TooDeep(int position) => new($"the template nests deeper than {_limits.NestingDepth} levels", position);

    private readonly ref struct DepthGuard(Parser parser) : IDisposable
    {
        public void Dispose() => parser._depth--;
    }
}
