using System.Collections.Immutable;
using System.Text;
using EmbeddedLlm.Grammars;

namespace EmbeddedLlm.Client;

/// <summary>The arguments that functions take whose model writes them one by one. Immutable and thread-safe.</summary>
internal sealed class ToolArguments(IReadOnlyDictionary<string, ImmutableArray<SchemaArgument>> functions)
{
    /// <summary>An argument of a function; null where it has none of that name.</summary>
    public SchemaArgument? Find(string function, string key) => functions.TryGetValue(function, out ImmutableArray<SchemaArgument> arguments) ? arguments.FirstOrDefault(argument => argument.Name == key) : null;

    /// <summary>The JSON of a value that is written without a sign of its type: what fits the schema; where nothing is known of it, JSON if it is JSON, else a string.</summary>
    public static string ValueOf(SchemaArgument? argument, string text)
    {
        if (argument is { Json: not null } && argument.IsJson(Encoding.UTF8.GetBytes(text)))
            return text;
        // Templates write true as Python's True where they write what the model has called before, and so may the model.
        return argument is { Text: not null } ? PythonLiteral.Quote(text) : PythonLiteral.TryRead(text, isWhole: true, out int length) is { } json && text.AsSpan(length).IsWhiteSpace() ? json : PythonLiteral.Quote(text);
    }
}
