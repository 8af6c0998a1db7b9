namespace EmbeddedLlm.Grammars;

/// <summary>A schema with an identifier of its own, and what belongs to it: the base of the references in it.</summary>
/// <param name="Uri">The identifier, absolute and without a fragment.</param>
/// <param name="Pointer">A JSON pointer to it from the document's root.</param>
/// <param name="Draft">The draft that <c>$schema</c> names: 3, 4, 6, 7, 2019 or 2020; null where it names none of them.</param>
internal sealed record SchemaResource(string Uri, string Pointer, int? Draft)
{
    /// <summary>Until draft 7, what stands beside a reference has no meaning. It is only left out where the schema says that it is of that age.</summary>
    public bool IgnoresReferenceSiblings => Draft <= 7;

    /// <summary>The draft of a <c>$schema</c> keyword.</summary>
    public static int? DraftOf(string schema) => schema.TrimEnd('#') switch
    {
        "http://json-schema.org/draft-03/schema" => 3,
        "http://json-schema.org/draft-04/schema" => 4,
        "http://json-schema.org/draft-06/schema" => 6,
        "http://json-schema.org/draft-07/schema" => 7,
        "https://json-schema.org/draft/2019-09/schema" => 2019,
        "https://json-schema.org/draft/2020-12/schema" => 2020,
        _ => null,
    };
}
