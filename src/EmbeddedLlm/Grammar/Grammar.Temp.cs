using System.Text.Json;
namespace EmbeddedLlm;
public sealed partial class Grammar
{
    internal static Grammar FromJsonSchema(JsonElement schema, JsonSchemaGrammarOptions? options = null) => throw new NotImplementedException(schema.ToString() + options);
    internal static Grammar JsonObjectOrArray => throw new NotImplementedException();
}
