namespace EmbeddedLlm.Templates;

/// <summary>
/// Gives every name of a template its slot. Each scope is gone through twice, as Jinja's compiler does: first the
/// names that its own statements read and assign are declared, in order, then they are bound and the inner scopes,
/// which see all of them, are bound in turn.
/// </summary>
internal sealed class ScopeBinder
{
    private readonly Scope _root = new(null, new FrameLayout(null));
    private readonly HashSet<string> _reads = new(StringComparer.Ordinal);
    private FrozenTopLevel _topLevel = FrozenTopLevel.Empty;

    private ScopeBinder()
    {
    }

    /// <summary>Binds a template and returns what its own frame needs, and the variables of the host that it looks at anywhere.</summary>
    public static (ScopeEntry Entry, int Slots, IReadOnlySet<string> Reads) Bind(Body template)
    {
        ScopeBinder binder = new();
        Declare(binder._root, template);
        binder._topLevel = new FrozenTopLevel(binder._root.SlotsOf(binder._root.Stores));
        binder.BindIn(binder._root, template, isOptional: false);
        ScopeEntry entry = binder.CreateEntry(binder._root);
        return (entry, binder._root.Layout.Slots, binder._reads);
    }

    private static void Declare(Scope scope, Node node)
    {
        switch (node)
        {
            case NameExpression name:
                scope.Read(name.Name);
                break;
            case NameTarget target:
                scope.Assign(target.Name);
                break;
            case IfStatement statement:
                DeclareIf(scope, statement, first: 0);
                break;
            case MacroStatement macro:
                scope.Assign(macro.Target.Name);
                break;
            case ForStatement loop:
                Declare(scope, loop.Items);
                break;
            case CallBlockStatement block:
                Declare(scope, block.Call);
                break;
            case FilterBlockStatement block:
                Declare(scope, block.Filter);
                break;
            case SetBlockStatement block:
                Declare(scope, block.Target);
                break;
            case WithStatement with:
                foreach ((_, Expression value) in with.Variables)
                    Declare(scope, value);
                break;
            case BlockStatement or GenerationStatement:
                break;
            default:
                DeclareChildren(scope, node);
                break;
        }
    }

    private static void DeclareChildren(Scope scope, Node node)
    {
        foreach (Node child in node.Children)
            Declare(scope, child);
    }

    private static void DeclareIf(Scope scope, IfStatement statement, int first)
    {
        (Expression test, Body body) = statement.Branches[first];
        Declare(scope, test);
        Scope then = scope.Branch();
        Declare(then, body);

        // Every elif is an if of its own, and the else belongs to the first if.
        Scope elifs = scope.Branch();
        for (int i = first + 1; i < statement.Branches.Length; i++)
        {
            (Expression elifTest, Body elifBody) = statement.Branches[i];
            Declare(elifs, elifTest);
            Scope branch = elifs.Branch();
            Declare(branch, elifBody);
            elifs.Merge(branch);
        }

        Scope otherwise = scope.Branch();
        Declare(otherwise, statement.Otherwise);
        scope.Merge(then, elifs, otherwise);
    }

    /// <param name="scope">The scope that the node belongs to.</param>
    /// <param name="node">What is bound.</param>
    /// <param name="isOptional">Whether the node stands in a branch: only there may a template mention filters that do not exist.</param>
    private void BindIn(Scope scope, Node node, bool isOptional)
    {
        switch (node)
        {
            case NameExpression name:
                name.Place = scope.Find(name.Name)!.Value;
                break;
            case NameTarget target:
                target.Place = scope.Find(target.Name)!.Value;
                break;
            case BuiltinExpression { Exists: false } builtin when !isOptional:
                throw new TemplateSyntaxFault(builtin.MissingReason, builtin.Position);
            case ForStatement loop:
                BindFor(scope, loop, isOptional);
                break;
            case MacroStatement macro:
                BindIn(scope, macro.Target, isOptional);
                BindMacro(scope, macro.Definition);
                break;
            case CallBlockStatement block:
                BindMacro(scope, block.Definition);
                BindIn(scope, block.Call, isOptional);
                break;
            case GenerationStatement generation:
                BindMacro(scope, generation.Definition);
                break;
            case FilterBlockStatement block:
                block.Entry = BindScope(scope, scope.Layout, [block.Body, block.Filter]);
                break;
            case SetBlockStatement block:
                block.Entry = BindScope(scope, scope.Layout, block.Filter is null ? [block.Body] : [block.Body, block.Filter]);
                BindIn(scope, block.Target, isOptional);
                break;
            case WithStatement with:
                BindWith(scope, with, isOptional);
                break;
            case BlockStatement block:
                FrameLayout layout = new(scope.Layout);
                block.TopLevel = _topLevel;
                block.Entry = BindScope(null, layout, [block.Body]);
                block.Slots = layout.Slots;
                break;
            default:
                foreach (Node child in node.Children)
                    BindIn(scope, child, isOptional || node is IfStatement or ConditionalExpression);
                break;
        }
    }

    private ScopeEntry CreateEntry(Scope scope)
    {
        ScopeEntry entry = scope.CreateEntry();
        _reads.UnionWith(entry.FromContext);
        return entry;
    }

    private ScopeEntry BindScope(Scope? outer, FrameLayout layout, ReadOnlySpan<Node> nodes)
    {
        Scope scope = new(outer, layout);
        foreach (Node node in nodes)
            Declare(scope, node);
        foreach (Node node in nodes)
            BindIn(scope, node, isOptional: false);
        return CreateEntry(scope);
    }

    private void BindFor(Scope scope, ForStatement loop, bool isOptional)
    {
        BindIn(scope, loop.Items, isOptional);
        FrameLayout layout = loop.IsRecursive ? new FrameLayout(scope.Layout) : scope.Layout;

        Scope body = new(scope, layout);
        if (loop.IsRecursive || NameSearch.Mentions(loop.Body, "loop"))
            loop.LoopSlot = body.DeclareParameter("loop");
        DeclareParameters(body, loop.Target);
        Declare(body, loop.Body);
        BindIn(body, loop.Target, isOptional: false);
        BindIn(body, loop.Body, isOptional: false);
        loop.BodyEntry = CreateEntry(body);

        if (loop.Test is not null)
        {
            Scope test = new(scope, layout);
            DeclareParameters(test, loop.TestTarget!);
            Declare(test, loop.Test);
            BindIn(test, loop.TestTarget!, isOptional: false);
            BindIn(test, loop.Test, isOptional: false);
            loop.TestEntry = CreateEntry(test);
        }

        loop.OtherwiseEntry = BindScope(scope, layout, [loop.Otherwise]);
        loop.Slots = layout.Slots;
    }

    private void BindMacro(Scope scope, MacroDefinition macro)
    {
        FrameLayout layout = new(scope.Layout);
        Scope inner = new(scope, layout);
        foreach ((NameTarget target, _) in macro.Parameters)
            inner.DeclareParameter(target.Name);
        foreach ((_, Expression? fallback) in macro.Parameters)
        {
            if (fallback is not null)
                Declare(inner, fallback);
        }

        Declare(inner, macro.Body);
        macro.CallerSlot = DeclareSpecial(inner, macro, "caller");
        macro.NamedSlot = DeclareSpecial(inner, macro, "kwargs");
        macro.RestSlot = DeclareSpecial(inner, macro, "varargs");
        foreach (Node child in macro.Children)
            BindIn(inner, child, isOptional: false);
        macro.Entry = CreateEntry(inner);
        macro.Slots = layout.Slots;
    }

    private static int? DeclareSpecial(Scope scope, MacroDefinition macro, string name)
    {
        if (!NameSearch.Mentions(macro.Body, name))
            return null;

        (NameTarget Target, Expression? Default) parameter = macro.Parameters.FirstOrDefault(parameter => parameter.Target.Name == name);
        if (parameter.Target is null)
            return scope.DeclareParameter(name);
        if (name == "caller" && parameter.Default is null)
        {
            throw new TemplateSyntaxFault(
                "When defining macros or call blocks the special \"caller\" argument must be omitted or be given a default.", macro.Position);
        }

        return name == "caller" ? scope.Find(name)!.Value.Slot : null;
    }

    private void BindWith(Scope scope, WithStatement with, bool isOptional)
    {
        Scope inner = new(scope, scope.Layout);
        foreach ((NameTarget target, Expression value) in with.Variables)
        {
            BindIn(scope, value, isOptional);
            inner.DeclareParameter(target.Name);
        }

        Declare(inner, with.Body);
        foreach ((NameTarget target, _) in with.Variables)
            BindIn(inner, target, isOptional: false);
        BindIn(inner, with.Body, isOptional: false);
        with.Entry = CreateEntry(inner);
    }

    private static void DeclareParameters(Scope scope, Target target)
    {
        if (target is NameTarget name)
            scope.DeclareParameter(name.Name);
        else if (target is TupleTarget tuple)
            Array.ForEach(tuple.Targets, item => DeclareParameters(scope, item));
    }
}

/// <summary>Looks for names in a piece of a template, inner scopes included.</summary>
internal static class NameSearch
{
    /// <summary>Whether a name is read before it is assigned, in the order of the text.</summary>
    public static bool Mentions(Node node, string name) => Find(node, name) == true;

    private static bool? Find(Node node, string name)
    {
        switch (node)
        {
            case NameExpression read when read.Name == name:
                return true;
            case NameTarget assigned when assigned.Name == name:
                return false;
            case BlockStatement:
                return null;
        }

        foreach (Node child in node.Children)
        {
            if (Find(child, name) is { } found)
                return found;
        }

        return null;
    }
}
