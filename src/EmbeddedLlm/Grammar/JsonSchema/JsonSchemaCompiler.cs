using System.Collections.Immutable;
using System.Text.Json;

namespace EmbeddedLlm.Grammars;

/// <summary>Makes a grammar of a JSON schema: of draft 2020-12, and of drafts 4 to 2019-09 where they differ.</summary>
internal static class JsonSchemaCompiler
{
    /// <summary>How many keywords are left out where leniency is asked for.</summary>
    private const int IgnoredLimit = 1_000;

    /// <summary>The node of a schema's instances, to be a part of any text.</summary>
    /// <param name="schema">The schema.</param>
    /// <param name="options">How instances are written.</param>
    /// <exception cref="JsonSchemaNotSupportedException">The schema asks for something that cannot be enforced.</exception>
    /// <exception cref="GrammarException">The schema is malformed, too large or too complex.</exception>
    public static GrammarNode Compile(JsonElement schema, JsonSchemaGrammarOptions options) => Compile(schema, options, hasTrail: false).Node;

    /// <summary>The grammar of a schema's instances as whole texts.</summary>
    /// <inheritdoc cref="Compile(JsonElement, JsonSchemaGrammarOptions)"/>
    public static Grammar CompileGrammar(JsonElement schema, JsonSchemaGrammarOptions options)
    {
        (GrammarNode node, bool hasDistinctItems, bool hasOtherKeys) = Compile(schema, options, hasTrail: true);
        return new Grammar(node, hasUniqueKeys: !options.AnySpelling, hasDistinctItems) { NamesAllKeys = !hasOtherKeys };
    }

    private static (GrammarNode Node, bool HasDistinctItems, bool HasOtherKeys) Compile(JsonElement schema, JsonSchemaGrammarOptions options, bool hasTrail)
    {
        SchemaDocument.EnsureWithinLimits(schema);
        SchemaBudget budget = new();
        HashSet<(string Pointer, string Keyword)> ignored = [];
        while (true)
        {
            try
            {
                (GrammarNode node, bool hasDistinctItems, bool hasOtherKeys) =
                    Compile(new SchemaDocument(schema, ignored), options, budget, hasTrail, static (builder, root) => (builder.Build(root), builder.HasDistinctItems, builder.HasOtherKeys));
                return (WithSpace(node, options), hasDistinctItems, hasOtherKeys);
            }
            catch (JsonSchemaNotSupportedException e) when (options.Lenient && ignored.Count < IgnoredLimit && ignored.Add((e.JsonPointer, e.Keyword)))
            {
                // Once more without that keyword.
            }
        }
    }

    /// <summary>The properties of a schema's objects, to be written one by one. White space may stand within values as the options say, but not around them.</summary>
    /// <inheritdoc cref="Compile(JsonElement, JsonSchemaGrammarOptions)"/>
    public static ImmutableArray<SchemaArgument> CompileArguments(JsonElement schema, JsonSchemaGrammarOptions options, SchemaArgumentStyle style)
    {
        SchemaDocument.EnsureWithinLimits(schema);
        return Compile(new SchemaDocument(schema, new HashSet<(string Pointer, string Keyword)>()), options, new SchemaBudget(), hasTrail: false, (builder, root) => builder.Arguments(root, style));
    }

    public static WhiteSpace WhiteSpaceOf(JsonSchemaGrammarOptions options) =>
        !options.AllowWhiteSpace ? options.IsCompact ? WhiteSpace.None : WhiteSpace.Spaced : options.AnySpelling ? WhiteSpace.Unbounded : WhiteSpace.Bounded;

    /// <summary>A value's node with the white space that may stand around the whole text.</summary>
    public static GrammarNode WithSpace(GrammarNode value, JsonSchemaGrammarOptions options)
    {
        if (!options.AllowWhiteSpace || value == NothingNode.Instance)
            return value;
        TerminalNode space = new(JsonPunctuation.For(WhiteSpaceOf(options)).Around);
        return new SequenceNode(space, value, space);
    }

    private static T Compile<T>(SchemaDocument document, JsonSchemaGrammarOptions options, SchemaBudget budget, bool hasTrail, Func<NodeBuilder, Formula, T> build)
    {
        FormulaTable formulas = new(budget);
        ValueAlgebra algebra = new(formulas, budget) { Reading = (document.Root, "") };
        SchemaReader reader = new(formulas, algebra, budget, options.AllowsLocalTimes, options.WritesForDotNet, isForWriting: !options.AnySpelling);
        Inhabitance inhabitance = new(reader, algebra, formulas, budget);
        algebra.MayHaveArray = inhabitance.MayHave;
        algebra.MayHaveObject = inhabitance.MayHave;
        try
        {
            return build(new NodeBuilder(reader, algebra, formulas, inhabitance, budget, options, hasTrail), formulas.Of(document.Root));
        }
        catch (PatternNotSupportedException e)
        {
            (SchemaLocation location, string keyword) = algebra.Reading;
            throw location.NotSupported(keyword.Length > 0 ? keyword : "pattern", e.Message);
        }
    }
}
