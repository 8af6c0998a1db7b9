using System.Text.Json;

namespace EmbeddedLlm.Grammars;

/// <summary>Makes a grammar of a JSON schema: of draft 2020-12, and of drafts 4 to 2019-09 where they differ.</summary>
internal static class JsonSchemaCompiler
{
    /// <summary>How many keywords are left out where leniency is asked for.</summary>
    private const int IgnoredLimit = 1_000;

    /// <summary>The node of a schema's instances.</summary>
    /// <param name="schema">The schema.</param>
    /// <param name="options">How instances are written.</param>
    /// <exception cref="JsonSchemaNotSupportedException">The schema asks for something that cannot be enforced.</exception>
    /// <exception cref="GrammarException">The schema is malformed, too large or too complex.</exception>
    public static GrammarNode Compile(JsonElement schema, JsonSchemaGrammarOptions options)
    {
        SchemaDocument.EnsureWithinLimits(schema);
        SchemaBudget budget = new();
        HashSet<(string Pointer, string Keyword)> ignored = [];
        while (true)
        {
            try
            {
                return WithSpace(Compile(new SchemaDocument(schema, ignored), options, budget), options);
            }
            catch (JsonSchemaNotSupportedException e) when (options.Lenient && ignored.Count < IgnoredLimit && ignored.Add((e.JsonPointer, e.Keyword)))
            {
                // Once more without that keyword.
            }
        }
    }

    public static WhiteSpace WhiteSpaceOf(JsonSchemaGrammarOptions options) =>
        !options.AllowWhiteSpace ? WhiteSpace.None : options.AnySpelling ? WhiteSpace.Unbounded : WhiteSpace.Bounded;

    /// <summary>A value's node with the white space that may stand around the whole text.</summary>
    public static GrammarNode WithSpace(GrammarNode value, JsonSchemaGrammarOptions options)
    {
        if (!options.AllowWhiteSpace || value == NothingNode.Instance)
            return value;
        TerminalNode space = new(JsonPunctuation.For(WhiteSpaceOf(options)).Around);
        return new SequenceNode(space, value, space);
    }

    private static GrammarNode Compile(SchemaDocument document, JsonSchemaGrammarOptions options, SchemaBudget budget)
    {
        FormulaTable formulas = new(budget);
        ValueAlgebra algebra = new(formulas, budget) { Reading = (document.Root, "") };
        SchemaReader reader = new(formulas, algebra, budget);
        Inhabitance inhabitance = new(reader, algebra, formulas, budget);
        algebra.MayHaveArray = inhabitance.MayHave;
        algebra.MayHaveObject = inhabitance.MayHave;
        try
        {
            return new NodeBuilder(reader, algebra, formulas, inhabitance, budget, options).Build(formulas.Of(document.Root));
        }
        catch (PatternNotSupportedException e)
        {
            throw algebra.NotSupported(e.Message);
        }
    }
}
