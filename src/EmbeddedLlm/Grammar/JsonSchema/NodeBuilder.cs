namespace EmbeddedLlm.Grammars;

/// <summary>
/// Makes the nodes for formulas. A formula with arrays or objects gets a rule, whose body is made later from a work list: so recursion ends, and a place of the text where a
/// formula begins for several reasons is followed once.
/// </summary>
internal sealed partial class NodeBuilder
{
    /// <summary>How many numbers may be listed where each has several spellings.</summary>
    private const int SpelledNumberLimit = 2_000;

    private readonly SchemaReader _reader;
    private readonly ValueAlgebra _algebra;
    private readonly FormulaTable _formulas;
    private readonly Inhabitance _inhabitance;
    private readonly SchemaBudget _budget;
    private readonly bool _isAnyOrder;
    private readonly bool _anySpelling;
    private readonly JsonPunctuation _punctuation;
    private readonly WhiteSpace _whiteSpace;
    private readonly bool _hasTrail;
    private readonly Dictionary<Formula, GrammarNode> _nodes = [];
    private readonly Dictionary<StringPart, GrammarNode> _strings = [];
    private readonly Dictionary<NumericPart, GrammarNode> _numbers = [];
    private readonly Dictionary<ArrayPart, GrammarNode> _arrays = [];
    private readonly Dictionary<ObjectPart, GrammarNode?> _objects = [];
    private FreeJson _free;

    /// <summary>What is around strings, while keys have nothing around them; null where both are JSON's.</summary>
    private StringQuote? _quote;
    private readonly Queue<(RuleNode Rule, Formula Formula, ValueSet Values)> _todo = new();

    /// <param name="reader">Tells what formulas mean.</param>
    /// <param name="algebra">For sets of values.</param>
    /// <param name="formulas">The compilation's formulas.</param>
    /// <param name="inhabitance">Tells which of them have an instance.</param>
    /// <param name="budget">What all of it may cost.</param>
    /// <param name="options">How instances are written.</param>
    /// <param name="hasTrail">Whether a <see cref="JsonTrail"/> follows the text, and so can keep items from being repeated that the automata do not know.</param>
    public NodeBuilder(
        SchemaReader reader, ValueAlgebra algebra, FormulaTable formulas, Inhabitance inhabitance, SchemaBudget budget, JsonSchemaGrammarOptions options, bool hasTrail)
    {
        _hasTrail = hasTrail;
        _reader = reader;
        _algebra = algebra;
        _formulas = formulas;
        _inhabitance = inhabitance;
        _budget = budget;
        _isAnyOrder = options.AnyPropertyOrder;
        _anySpelling = options.AnySpelling;
        _whiteSpace = JsonSchemaCompiler.WhiteSpaceOf(options);
        _punctuation = JsonPunctuation.For(_whiteSpace);
        _free = FreeJson.For(_whiteSpace, options.AnySpelling);
    }

    /// <summary>Whether there are arrays whose items only a <see cref="JsonTrail"/> keeps from being repeated.</summary>
    public bool HasDistinctItems { get; private set; }

    /// <summary>Whether there are objects with keys that their schemas do not name, which only a <see cref="JsonTrail"/> keeps from being repeated.</summary>
    public bool HasOtherKeys { get; private set; }

    private GrammarNode FreeValue
    {
        get
        {
            HasOtherKeys = true;
            return _free.Value;
        }
    }

    /// <summary>The node of a formula, and with it those of all formulas inside.</summary>
    public GrammarNode Build(Formula root)
    {
        GrammarNode node = Node(root) ?? NothingNode.Instance;
        BuildBodies();
        return node;
    }

    private void BuildBodies()
    {
        while (_todo.TryDequeue(out (RuleNode Rule, Formula Formula, ValueSet Values) next))
            next.Rule.Body = Choice(next.Formula, next.Values);
    }

    /// <summary>The node of a formula, perhaps one whose body is still to be made; null where the formula has no instance.</summary>
    private GrammarNode? Node(Formula formula)
    {
        _budget.Spend();
        if (formula == Formula.Any)
            return FreeValue;
        if (_nodes.TryGetValue(formula, out GrammarNode? known))
            return known;
        if (!_inhabitance.IsInhabited(formula))
            return null;

        ValueSet values = _reader.Values(formula);
        if (values.IsAny)
        {
            known = FreeValue;
        }
        else if (values.Arrays.IsEmpty && values.Objects.IsEmpty)
        {
            known = Choice(formula, values);
        }
        else
        {
            RuleNode rule = new(formula is SchemaFormula schema ? $"#{schema.Location.Pointer}" : "");
            _todo.Enqueue((rule, formula, values));
            known = rule;
        }

        _nodes[formula] = known;
        return known;
    }

    /// <summary>The alternatives of a formula, which errors name.</summary>
    private GrammarNode Choice(Formula formula, ValueSet values)
    {
        (SchemaLocation Location, string Keyword) outer = _algebra.Reading;
        _algebra.Reading = SchemaReader.PlaceToName(formula) ?? outer;
        GrammarNode node = Choice(values);
        _algebra.Reading = outer;
        return node;
    }

    private GrammarNode Choice(ValueSet values)
    {
        List<GrammarNode> alternatives = [];
        Objects(values.Objects, alternatives);
        foreach (ArrayPart part in values.Arrays)
        {
            if (Array(part) is { } array)
                alternatives.Add(array);
        }

        foreach (StringPart part in values.Strings)
            alternatives.Add(String(part));
        foreach (NumericPart part in values.Numbers)
            alternatives.Add(Number(part));
        if (values.HasTrue || values.HasFalse)
            alternatives.Add(!values.HasTrue ? _free.False : !values.HasFalse ? _free.True : _free.Boolean);
        if (values.HasNull)
            alternatives.Add(_free.Null);
        return alternatives.Count switch
        {
            // Others rest on there being an instance, and would lead into a dead end.
            0 => throw new JsonSchemaNotSupportedException(
                values.Objects.FirstOrDefault()?.Pointer ?? _algebra.Reading.Location.Pointer, "maxProperties", "the keys that an object must have cannot be told from those that it has too many of"),
            1 => alternatives[0],
            _ => new ChoiceNode([.. alternatives]),
        };
    }

    /// <summary>The part of a set of strings that is written: all of it where nothing else is left, or where they are listed.</summary>
    private StringPart Written(StringPart part)
    {
        if (part.Written.IsAny || (part.Text.IsFinite && !TextFormats.IsFormat(part.Text)))
            return part;
        TextAutomaton text = _algebra.And(part.Text, part.Written);
        return part with { Text = text.HasTextOfLength(part.Min, part.Max) ? text : part.Text, Written = TextAutomaton.Any };
    }

    private GrammarNode String(StringPart part)
    {
        if (part.IsAny)
            return _free.String;
        if (!_strings.TryGetValue(part, out GrammarNode? known))
        {
            StringPart key = part;
            part = Written(part);
            GrammarNode? made = _quote is { } quote
                ? Quoted(part, quote)
                : JsonStrings.Create(part.Text, part.Min, part.Max, _anySpelling) is { } start ? new TerminalNode(start) : null;
            _strings[key] = known = made ?? NothingNode.Instance;
        }

        return known;
    }

    private GrammarNode Number(NumericPart part)
    {
        if (part.IsAny)
            return _free.Number;
        if (!_numbers.TryGetValue(part, out GrammarNode? known))
            _numbers[part] = known = part.Range is null ? Points(part) : Range(part, part.Range);
        return known;
    }

    private GrammarNode Points(NumericPart part)
    {
        if (!_anySpelling || part.IsPlain)
        {
            IEnumerable<string> words = part.Points.Select(point => point.ToString());
            // Zero has a second spelling even where fractions and exponents are none.
            return new TerminalNode(JsonPunctuation.Words([.. _anySpelling && part.Points.Any(point => point.IsZero) ? words.Append("-0") : words]));
        }

        if (part.Points.Length > SpelledNumberLimit)
            throw new GrammarException($"The JSON schema lists more than {SpelledNumberLimit:N0} numbers in one place, each of which has several spellings.");
        List<GrammarNode> spelled = [];
        foreach (ExactDecimal point in part.Points)
        {
            _budget.Spend();
            DecimalBound bound = new(point, IsExclusive: false);
            if (JsonNumbers.Create(new NumberRange { Minimum = bound, Maximum = bound }, anySpelling: true) is { } start)
                spelled.Add(new TerminalNode(start));
        }

        return spelled.Count == 1 ? spelled[0] : new ChoiceNode([.. spelled]);
    }

    private TerminalNode Range(NumericPart part, NumberRange range)
    {
        LexicalState? start = JsonNumbers.Create(range, _anySpelling && !part.IsPlain);
        if (!part.NotMultipleOf.IsEmpty)
        {
            start = NumberDifference.Create(
                start, part.NotMultipleOf.Select(multiple => JsonNumbers.Create(range.And(new NumberRange { MultipleOf = [multiple] }), anySpelling: true)));
        }

        return start is null
            ? throw _algebra.NotSupported("the numbers that are left are too far from one another to be found")
            : new TerminalNode(start);
    }

    private GrammarNode? Array(ArrayPart part)
    {
        if (part.IsAny)
        {
            HasOtherKeys = true;
            return _free.Array;
        }

        if (!_inhabitance.MayHave(part))
            return null;
        if (!_arrays.TryGetValue(part, out GrammarNode? known))
        {
            _budget.Spend(1 + part.Prefix.Length);
            _arrays[part] = known = part.IsUnique ? Distinct(part) : !part.Contains.IsEmpty ? Counted(part) : new ArrayNode(
                new ArrayLayout([.. part.Prefix.Select(Item)], Item(part.Rest), part.Min, part.Max, []), _punctuation);
        }

        return known;

        ArrayItem? Item(Formula formula) => Node(formula) is { } node ? new ArrayItem([(node, 0)]) : null;
    }

    private ArrayNode Counted(ArrayPart part)
    {
        if (CountedItems.Create(part, _formulas) is not { } items)
            throw part.ContainsPlace.NotSupported("too many kinds of items are counted");
        try
        {
            return new ArrayNode(items.Layout(Node), _punctuation);
        }
        catch (ArrayTooComplexException)
        {
            throw part.ContainsPlace.NotSupported("too many items are counted");
        }
    }

    private GrammarNode Distinct(ArrayPart part)
    {
        ValueSet items = _reader.Values(part.Rest);
        if (part.Contains.IsEmpty && part.Prefix.IsEmpty)
        {
            if (DistinctValues.List(items) is { } values)
                return new DistinctArrayNode([.. values.Select(Choice)], part.Min, part.Max, _punctuation);
            if (_hasTrail && DistinctValues.HaveOneSpelling(items, _anySpelling) && (part.Min <= 1 || DistinctValues.AreAtLeast(items, part.Min)))
            {
                HasDistinctItems = true;
                return new ArrayNode(new ArrayLayout([], new ArrayItem([(WithOneSpelling(items), 0)]), part.Min, part.Max, []), _punctuation, areItemsDistinct: true);
            }
        }

        throw part.UniquePlace.NotSupported("only strings, whole numbers and a few other values can be told apart while text is generated");
    }

    /// <summary>Values without arrays and objects, each with one spelling where text is written.</summary>
    private GrammarNode WithOneSpelling(ValueSet values)
    {
        if (_anySpelling)
            return Choice(values);
        List<GrammarNode> alternatives = [];
        foreach (StringPart part in values.Strings.Select(Written))
        {
            if (JsonStrings.Create(part.Text, part.Min, part.Max, anySpelling: false, isOneSpelling: true) is { } start)
                alternatives.Add(new TerminalNode(start));
        }

        // Zero has two where whole numbers are in a range.
        LexicalState negativeZero = JsonPunctuation.Words("-0");
        foreach (NumericPart part in values.Numbers)
        {
            if (part.Range is null)
                alternatives.Add(Points(part));
            else if (NumberDifference.Create(Range(part, part.Range).Start, [negativeZero]) is { } start)
                alternatives.Add(new TerminalNode(start));
        }

        ValueSet words = values with { Strings = [], Numbers = [] };
        if (!words.IsNone)
            alternatives.Add(Choice(words));
        return alternatives.Count == 1 ? alternatives[0] : new ChoiceNode([.. alternatives]);
    }
}
