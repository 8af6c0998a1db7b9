namespace EmbeddedLlm;

/// <summary>A JSON schema asks for something that cannot be enforced while text is generated. Thrown before any token is generated.</summary>
public sealed class JsonSchemaNotSupportedException : GrammarException
{
    /// <param name="jsonPointer">A JSON pointer to the schema that has the keyword; empty for the whole.</param>
    /// <param name="keyword">The keyword.</param>
    /// <param name="reason">Why it cannot be enforced there.</param>
    public JsonSchemaNotSupportedException(string jsonPointer, string keyword, string reason)
        : base($"The JSON schema cannot be enforced: '{keyword}' at '#{jsonPointer}': {reason}")
    {
        JsonPointer = jsonPointer;
        Keyword = keyword;
    }

    /// <summary>The same in the parameters of a tool.</summary>
    internal JsonSchemaNotSupportedException(string tool, JsonSchemaNotSupportedException inner)
        : base($"The parameters of the tool '{tool}': {inner.Message}", inner)
    {
        JsonPointer = inner.JsonPointer;
        Keyword = inner.Keyword;
    }

    /// <summary>A JSON pointer (RFC 6901) to the schema that has the keyword; empty for the whole.</summary>
    public string JsonPointer { get; }

    /// <summary>The keyword that cannot be enforced.</summary>
    public string Keyword { get; }
}
