using System.Text.Json;
using EmbeddedLlm.Grammars;

namespace EmbeddedLlm;

public sealed partial class Grammar
{
    private static readonly Lazy<Grammar> s_anyJson = new(() => new Grammar(FreeJson.For(WhiteSpace.Spaced, anySpelling: false).Value, hasUniqueKeys: true));

    private static readonly Lazy<Grammar> s_objectOrArray = new(() =>
    {
        FreeJson free = FreeJson.For(WhiteSpace.Spaced, anySpelling: false);
        return new Grammar(new ChoiceNode(free.Object, free.Array), hasUniqueKeys: true);
    });

    /// <summary>Any JSON value, written without white space.</summary>
    public static Grammar AnyJson => s_anyJson.Value;

    /// <summary>Any JSON object or array: what is meant where an answer shall be JSON and no schema is given.</summary>
    internal static Grammar JsonObjectOrArray => s_objectOrArray.Value;

    /// <summary>
    /// The instances of a JSON schema: of draft 2020-12, or of an earlier draft where <c>$schema</c> says so or the keywords show it. What the schema asks for holds exactly, or
    /// there is an exception that names the keyword; nothing is ignored but annotations and formats that are not known. A schema that no value fits gives a grammar that
    /// accepts nothing.
    /// </summary>
    /// <remarks>
    /// <para>
    /// Properties come in the schema's order, then those that it does not name, unless <see cref="JsonSchemaGrammarOptions.AnyPropertyOrder"/> is set. A key that the schema
    /// names comes once at most. Keys that it does not name may come again in a text to be judged, and each of them fits; a <see cref="GrammarMatcher"/> repeats no key where the schema
    /// allows another one in its place, unless <see cref="JsonSchemaGrammarOptions.AnySpelling"/> is set.
    /// </para>
    /// <para>
    /// Not supported: references to other documents; <c>uniqueItems</c> where items may be objects, arrays or, unless <see cref="JsonSchemaGrammarOptions.AnySpelling"/> is set, fractions, and
    /// more of them than a few values; <c>minProperties</c> above 1 where keys are not named; references whose target depends on the way that led to them; patterns that are no regular
    /// languages; and what needs more alternatives than are followed.
    /// </para>
    /// <para>
    /// Formats hold as the documents that draft 2020-12 names for them define them, with three exceptions: the length of a whole host name is not counted, an internationalised one is not
    /// checked for what depends on neighbouring characters, and any text passes for a <c>regex</c>. Of dates and times those are written that .NET reads, unless
    /// <see cref="JsonSchemaGrammarOptions.AnySpelling"/> is set: years from 1, no leap seconds, capital <c>T</c> and <c>Z</c>, and offsets up to 14 hours. So are no URIs whose scheme is a single
    /// letter, and where <c>contentEncoding</c> is <c>base64</c> nothing but base64.
    /// </para>
    /// <para>Grammars are kept by the schema's content and the options, so asking again for the same one is quick.</para>
    /// </remarks>
    /// <param name="schema">The schema: an object or a boolean; at most 4 MB, nested at most 256 deep.</param>
    /// <param name="options">How instances are written; compact by default.</param>
    /// <exception cref="JsonSchemaNotSupportedException">The schema asks for something that cannot be enforced, and <see cref="JsonSchemaGrammarOptions.Lenient"/> is not set.</exception>
    /// <exception cref="GrammarException">The schema is malformed, or goes over a limit of size or time.</exception>
    public static Grammar FromJsonSchema(JsonElement schema, JsonSchemaGrammarOptions? options = null)
    {
        if (schema.ValueKind == JsonValueKind.Undefined)
            throw new ArgumentException("There is no schema: the JSON element is undefined.", nameof(schema));
        return JsonSchemaCache.Shared.Get(schema, options ?? JsonSchemaGrammarOptions.Default);
    }
}
