using System.Text.Json;
using System.Text.Json.Serialization;

namespace EmbeddedLlm.Catalog;

/// <summary>A text of the catalogue that must have a certain form; the serializer adds the place to what is said of one that has not.</summary>
internal abstract class CheckedTextConverter(string form) : JsonConverter<string>
{
    public sealed override string Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        string? text = reader.TokenType == JsonTokenType.String ? reader.GetString() : null;
        return text is not null && IsValid(text) ? text : throw new JsonException($"This is not {form}.");
    }

    public sealed override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) => writer.WriteStringValue(value);

    protected abstract bool IsValid(string text);
}

internal sealed class Sha256Converter() : CheckedTextConverter("a SHA-256 of 64 hexadecimal digits")
{
    protected override bool IsValid(string text) => text.Length == 64 && text.All(char.IsAsciiHexDigit);
}

internal sealed class CatalogNameConverter() : CheckedTextConverter("a name of letters, digits, dots, dashes and underscores")
{
    protected override bool IsValid(string text) => SafeName.IsSafe(text) && text.All(character => char.IsAsciiLetterOrDigit(character) || character is '.' or '-' or '_');
}

internal sealed class RepositoryConverter() : CheckedTextConverter("a repository's owner and name with a slash between them")
{
    protected override bool IsValid(string text) => SafeName.IsSafePath(text) && text.Count(character => character == '/') == 1;
}

internal sealed class QuantisationConverter() : CheckedTextConverter("a quantisation, such as Q4_K_M")
{
    protected override bool IsValid(string text) => QuantisationName.IsOne(text) && !text.Any(char.IsAsciiLetterLower);
}

internal sealed class FilePathConverter() : CheckedTextConverter("the path of a .gguf file in its repository")
{
    protected override bool IsValid(string text) => SafeName.IsSafePath(text) && text.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase);
}

/// <summary>A number of bytes or weights.</summary>
internal sealed class PositiveLongConverter : JsonConverter<long?>
{
    public override long? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out long value) && value > 0 ? value : throw new JsonException("This is not a whole number above 0.");

    public override void Write(Utf8JsonWriter writer, long? value, JsonSerializerOptions options) => writer.WriteNumberValue(value!.Value);
}
