using System.Globalization;
using System.Text.Json;

namespace EmbeddedLlm.Grammars;

internal sealed partial class SchemaReader
{
    /// <summary>The longest keys that are counted: lengths of keys become states of their automaton.</summary>
    private const int KeyLengthLimit = 1_000;

    private readonly Dictionary<string, TextAutomaton> _patterns = new(StringComparer.Ordinal);

    private ValueSet Numbers(SchemaLocation location)
    {
        NumberRange range = NumberRange.Any;
        foreach ((string keyword, JsonElement value) in location.Keywords)
        {
            if (keyword is not ("minimum" or "maximum" or "exclusiveMinimum" or "exclusiveMaximum" or "multipleOf"))
                continue;
            algebra.Reading = (location, keyword);
            bool isExclusive = keyword.StartsWith("exclusive", StringComparison.Ordinal);
            if (isExclusive && value.ValueKind is JsonValueKind.True or JsonValueKind.False)
                continue;
            ExactDecimal number = SchemaText.NumberOrQuoted(value, location.Pointer)
                ?? throw SchemaText.Malformed(location.Pointer, keyword, "must be a number");
            if (keyword == "multipleOf")
            {
                if (number <= ExactDecimal.Zero)
                    throw SchemaText.Malformed(location.Pointer, keyword, "must be more than zero");
                range = range.And(new NumberRange { MultipleOf = [number] });
                continue;
            }

            // Until draft 4, the exclusive form is a flag beside the bound.
            isExclusive |= keyword == "minimum" ? IsSet(location, "exclusiveMinimum") : keyword == "maximum" && IsSet(location, "exclusiveMaximum");
            DecimalBound bound = new(number, isExclusive);
            range = range.And(keyword is "minimum" or "exclusiveMinimum" ? new NumberRange { Minimum = bound } : new NumberRange { Maximum = bound });
        }

        if (location.TryGet("format", out JsonElement format) && format.ValueKind == JsonValueKind.String && NumberFormats.Find(SchemaText.Text(format, location.Pointer)) is { } known)
        {
            algebra.Reading = (location, "format");
            range = range.And(known);
        }

        if (range == NumberRange.Any)
            return ValueSet.Any;
        return ValueSet.Any with { Numbers = range.IsEmpty ? [] : [new NumericPart { Range = range }] };
    }

    private static bool IsSet(SchemaLocation location, string flag) => location.TryGet(flag, out JsonElement value) && value.ValueKind == JsonValueKind.True;

    private ValueSet Strings(SchemaLocation location)
    {
        TextAutomaton text = TextAutomaton.Any;
        TextAutomaton written = TextAutomaton.Any;
        if (location.TryGet("pattern", out JsonElement pattern))
        {
            algebra.Reading = (location, "pattern");
            if (pattern.ValueKind != JsonValueKind.String)
                throw SchemaText.Malformed(location.Pointer, "pattern", "must be a string");
            string expression = SchemaText.Text(pattern, location.Pointer);
            text = Pattern(location, "pattern", expression);
            if (isForWriting)
                written = TextFormats.WrittenOfPattern(expression) ?? TextAutomaton.Any;
        }

        if (location.TryGet("format", out JsonElement format) && format.ValueKind == JsonValueKind.String)
        {
            algebra.Reading = (location, "format");
            string name = SchemaText.Text(format, location.Pointer);
            if (TextAutomaton.FromFormat(name, allowsLocalTimes) is { } known)
                text = algebra.And(text, known);
            if (isForWriting && TextFormats.Written(name, writesForDotNet) is { } preferred)
                written = algebra.And(written, preferred);
        }

        int min = location.Count("minLength") ?? 0;
        int? max = location.Count("maxLength") is < int.MaxValue and var limit ? limit : null;
        if (isForWriting && location.TryGetCompanion("contentEncoding", out JsonElement encoding) && encoding.ValueKind == JsonValueKind.String)
            written = algebra.And(written, TextFormats.WrittenOfEncoding(SchemaText.Text(encoding, location.Pointer)) ?? TextAutomaton.Any);
        // One character of any kind is all that the schema of a char says.
        if (writesForDotNet && min == 1 && max == 1 && text.IsAny)
            written = algebra.And(written, TextFormats.WrittenOfChar);
        if (text.IsAny && written.IsAny && min == 0 && max is null)
            return ValueSet.Any;
        algebra.Reading = (location, min > 0 || max is not null ? "minLength" : "pattern");
        return ValueSet.Any with { Strings = min <= (max ?? int.MaxValue) && text.HasTextOfLength(min, max) ? [new StringPart(text, min, max) { Written = written }] : [] };
    }

    /// <summary>The automaton of a regular expression; one object for the same text.</summary>
    private TextAutomaton Pattern(SchemaLocation location, string keyword, string pattern)
    {
        if (_patterns.TryGetValue(pattern, out TextAutomaton? known))
            return known;
        budget.Spend(pattern.Length);
        try
        {
            return _patterns[pattern] = TextAutomaton.FromPattern(pattern);
        }
        catch (PatternNotSupportedException e)
        {
            throw location.NotSupported(keyword, e.Message);
        }
        catch (GrammarException e)
        {
            throw new GrammarException($"The JSON schema is malformed: '{keyword}' at '#{location.Pointer}' is no regular expression: {e.Message}", e);
        }
    }

    /// <summary>The keys that a schema admits as strings.</summary>
    private TextAutomaton Keys(ValueSet values)
    {
        TextAutomaton keys = TextAutomaton.None;
        foreach (StringPart part in values.Strings)
        {
            TextAutomaton text = part.Text;
            if (part.Min > 0 || part.Max is not null)
            {
                if (part.Min > KeyLengthLimit || part.Max > KeyLengthLimit)
                    throw algebra.NotSupported($"lengths of keys are counted up to {KeyLengthLimit:N0} only");
                text = algebra.And(text, TextAutomaton.FromPattern(string.Create(CultureInfo.InvariantCulture, $"^[\\s\\S]{{{part.Min},{part.Max}}}$")));
            }

            keys = keys.IsNone ? text : keys.Or(text);
        }

        return keys;
    }
}
