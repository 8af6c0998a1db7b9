using System.Buffers;
using System.Text.Json;

namespace EmbeddedLlm.Grammars;

/// <summary>The grammars of the schemas used last. Thread-safe; two callers may compile the same schema at once, and get the same grammar all the same.</summary>
internal sealed class JsonSchemaCache(int limit)
{
    /// <summary>Longer schemas are not kept, in bytes of their text without white space.</summary>
    private const int LengthLimit = 256 * 1024;

    private readonly GrammarCache<Key> _grammars = new(limit);

    public static JsonSchemaCache Shared { get; } = new(limit: 64);

    public int Count => _grammars.Count;

    public Grammar Get(JsonElement schema, JsonSchemaGrammarOptions options)
    {
        SchemaDocument.EnsureWithinLimits(schema);
        ArrayBufferWriter<byte> text = new();
        try
        {
            using Utf8JsonWriter writer = new(text);
            schema.WriteTo(writer);
        }
        catch (InvalidOperationException e)
        {
            throw new GrammarException("The JSON schema has a string that is no valid Unicode.", e);
        }

        return text.WrittenCount > LengthLimit
            ? Compile((schema, options))
            : _grammars.GetOrAdd(new Key(text.WrittenSpan.ToArray(), options), (schema, options), Compile);
    }

    private static Grammar Compile((JsonElement Schema, JsonSchemaGrammarOptions Options) source) =>
        JsonSchemaCompiler.CompileGrammar(source.Schema, source.Options);

    /// <summary>A schema's text, compared by its bytes, and how its instances are written.</summary>
    private readonly struct Key(byte[] text, JsonSchemaGrammarOptions options) : IEquatable<Key>
    {
        private readonly byte[] _text = text;
        private readonly JsonSchemaGrammarOptions _options = options;

        public bool Equals(Key other) => _options == other._options && _text.AsSpan().SequenceEqual(other._text);

        public override bool Equals(object? obj) => obj is Key other && Equals(other);

        public override int GetHashCode()
        {
            HashCode hash = default;
            hash.AddBytes(_text);
            hash.Add(_options);
            return hash.ToHashCode();
        }
    }
}
