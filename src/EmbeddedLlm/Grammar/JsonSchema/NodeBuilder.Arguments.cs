using System.Collections.Immutable;

namespace EmbeddedLlm.Grammars;

/// <content>Objects whose properties are written one by one, each in a notation of its own, as some models write the arguments of calls.</content>
internal sealed partial class NodeBuilder
{
    /// <summary>The properties of a formula's objects, in the schema's order. There are none but those with a name.</summary>
    /// <param name="root">The formula.</param>
    /// <param name="style">How the properties are written.</param>
    /// <exception cref="JsonSchemaNotSupportedException">Which properties are there, or what they are, depends on others.</exception>
    public ImmutableArray<SchemaArgument> Arguments(Formula root, SchemaArgumentStyle style)
    {
        if (style.Quote is { } quote)
        {
            _quote = quote;
            _free = FreeJson.WithStrings(Quoted(StringPart.Any, quote)!, _whiteSpace, _anySpelling);
        }

        ObjectPart[] parts = [.. _reader.Values(root).Objects.Where(_inhabitance.MayHave).Distinct()];
        if (parts.Length == 0)
            throw new GrammarException("No object fits the JSON schema.");
        if (parts.Length > 1)
            throw new JsonSchemaNotSupportedException(parts[0].Pointer, "anyOf", "arguments that are written one by one must not depend on one another");
        ObjectPart part = parts[0];
        ImmutableArray<SchemaArgument>.Builder arguments = ImmutableArray.CreateBuilder<SchemaArgument>();
        foreach (string name in ObjectKeys.NamesOf(part).Where(name => !part.Forbidden.Contains(name)))
        {
            _budget.Spend();
            bool isRequired = part.Required.Contains(name);
            ValueSet values = _reader.Values(_algebra.Value(part, name));
            GrammarNode? text = style.StringEnd is { } end ? RawText(values.Strings, end) : null;
            ValueSet others = style.StringEnd is null ? values : values with { Strings = [] };
            GrammarNode? json = IsNone(others) ? null : style.HasPythonWords ? WithPythonWords(others) : Choice(others);
            if (text is not null || json is not null)
                arguments.Add(new SchemaArgument(name, isRequired, text, json));
            else if (isRequired)
                throw new GrammarException($"The JSON schema requires '{name}', and no value fits it.");
        }

        EnsureIndependent(part, arguments.Count);
        BuildBodies();
        return arguments.ToImmutable();
    }

    private static void EnsureIndependent(ObjectPart part, int count)
    {
        string? keyword = !part.Dependents.IsEmpty ? "dependentRequired"
            : !part.Exists.IsEmpty ? "not"
            : part.Min > part.Required.Count ? "minProperties"
            : part.Max < count ? "maxProperties"
            : null;
        if (keyword is not null)
            throw new JsonSchemaNotSupportedException(part.Pointer, keyword, "arguments that are written one by one must not depend on one another");
    }

    private bool IsNone(ValueSet values) =>
        !values.HasNull && !values.HasTrue && !values.HasFalse && values.Numbers.IsEmpty && values.Strings.IsEmpty
        && !values.Arrays.Any(_inhabitance.MayHave) && !values.Objects.Any(_inhabitance.MayHave);

    private ChoiceNode WithPythonWords(ValueSet values)
    {
        List<GrammarNode> alternatives = [];
        List<string> words = [];
        if (values.HasTrue)
            words.Add("True");
        if (values.HasFalse)
            words.Add("False");
        if (values.HasNull)
            words.Add("None");
        if (words.Count > 0)
            alternatives.Add(new TerminalNode(JsonPunctuation.Words([.. words])));
        ValueSet others = values with { HasTrue = false, HasFalse = false, HasNull = false };
        if (!IsNone(others))
            alternatives.Add(Choice(others));
        return new ChoiceNode([.. alternatives]);
    }

    /// <summary>Strings as they are, without what ends them.</summary>
    private ChoiceNode? RawText(ImmutableArray<StringPart> strings, string end)
    {
        List<GrammarNode> alternatives = [];
        TextAutomaton allowed = WithoutEnd(end);
        foreach (StringPart part in strings)
        {
            if (RawText(part, allowed) is { } text)
                alternatives.Add(text);
        }

        return alternatives.Count == 0 ? null : new ChoiceNode([.. alternatives]);
    }

    private TerminalNode? RawText(StringPart part, TextAutomaton allowed) =>
        _algebra.And(allowed, Written(part).Text).Bounded(part.Min, part.Max, PlainEncoder.Instance).Start is { } start ? new TerminalNode(PlainEncoder.Instance.Start(start)) : null;

    /// <summary>Strings as they are, with what is around them.</summary>
    private SequenceNode? Quoted(StringPart part, StringQuote quote) => RawText(part, WithoutEnd(quote.Text)) is { } text ? new SequenceNode(quote.Node, text, quote.Node) : null;

    private TextAutomaton WithoutEnd(string end) =>
        _algebra.Not(TextAutomaton.FromWhole(Pattern.Sequence(Pattern.Anything, Pattern.Of(end), Pattern.Anything)));
}
