using System.Text.Json;
using EmbeddedLlm.Gguf;

namespace EmbeddedLlm.Cli;

/// <summary>A model's headers as JSON.</summary>
internal static class InspectionJson
{
    /// <summary>Longer arrays are counted only: the tokens and merges of a vocabulary.</summary>
    private const int LongestArray = 1024;

    public static string Write(IReadOnlyList<GgufFile> files) => JsonText.Write(writer => Write(writer, files));

    private static void Write(Utf8JsonWriter writer, IReadOnlyList<GgufFile> files)
    {
        GgufModelInfo info = GgufModelInfo.From(files);
        writer.WriteStartObject();
        writer.WriteString("architecture", info.Architecture);
        writer.WriteString("name", info.Name);
        writer.WriteNumber("parameters", info.ParameterCount);
        writer.WriteNumber("tensorBytes", info.TensorBytes);
        writer.WriteNumber("files", files.Count);
        writer.WriteNumber("version", files[0].Version);
        writer.WriteStartObject("metadata");
        foreach ((string key, GgufValue value) in files[0].Metadata)
        {
            writer.WritePropertyName(key);
            WriteValue(writer, value);
        }

        writer.WriteEndObject();
        writer.WriteStartObject("specialTokens");
        foreach ((string name, long id, string text) in InspectCommand.SpecialTokensOf(files[0].Metadata))
        {
            writer.WriteStartObject(name);
            writer.WriteNumber("id", id);
            writer.WriteString("text", text);
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
        WriteTensors(writer, files);
        writer.WriteEndObject();
    }

    private static void WriteTensors(Utf8JsonWriter writer, IReadOnlyList<GgufFile> files)
    {
        writer.WriteStartArray("tensors");
        foreach (GgufTensorInfo tensor in files.SelectMany(file => file.Tensors))
        {
            writer.WriteStartObject();
            writer.WriteString("name", tensor.Name);
            writer.WriteString("type", tensor.Type.ToString());
            writer.WriteStartArray("shape");
            foreach (long dimension in tensor.Dimensions)
                writer.WriteNumberValue(dimension);
            writer.WriteEndArray();
            writer.WriteNumber("bytes", tensor.ByteSize);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static void WriteValue(Utf8JsonWriter writer, GgufValue value)
    {
        switch (value.Type)
        {
            case GgufValueType.String:
                writer.WriteStringValue(value.GetString());
                break;
            case GgufValueType.Boolean:
                writer.WriteBooleanValue(value.GetBoolean());
                break;
            case GgufValueType.Float32:
                WriteNumber(writer, value.GetSingle());
                break;
            case GgufValueType.Float64:
                WriteNumber(writer, value.GetDouble());
                break;
            case GgufValueType.UInt64:
                writer.WriteNumberValue(value.GetUInt64());
                break;
            case GgufValueType.Array:
                WriteArray(writer, value.GetArray());
                break;
            default:
                writer.WriteNumberValue(value.TryGetInteger(out long number) ? number : 0);
                break;
        }
    }

    private static void WriteArray(Utf8JsonWriter writer, GgufArray array)
    {
        if (array.Count > LongestArray || array.ElementType == GgufValueType.Array)
        {
            writer.WriteStartObject();
            writer.WriteString("elementType", array.ElementType.ToString());
            writer.WriteNumber("count", array.Count);
            writer.WriteEndObject();
            return;
        }

        writer.WriteStartArray();
        for (int i = 0; i < array.Count; i++)
            WriteElement(writer, array, i);
        writer.WriteEndArray();
    }

    private static void WriteElement(Utf8JsonWriter writer, GgufArray array, int index)
    {
        switch (array.ElementType)
        {
            case GgufValueType.String:
                writer.WriteStringValue(array.GetString(index));
                break;
            case GgufValueType.Boolean:
                writer.WriteBooleanValue(array.GetBoolean(index));
                break;
            case GgufValueType.Float32:
                WriteNumber(writer, (float)array.GetNumber(index));
                break;
            case GgufValueType.Float64:
                WriteNumber(writer, array.GetNumber(index));
                break;
            case GgufValueType.UInt64:
                writer.WriteNumberValue(InspectCommand.UInt64Of(array, index));
                break;
            default:
                writer.WriteNumberValue(array.GetInteger(index));
                break;
        }
    }

    /// <summary>JSON has no infinity and no not-a-number.</summary>
    private static void WriteNumber(Utf8JsonWriter writer, double value)
    {
        if (double.IsFinite(value))
            writer.WriteNumberValue(value);
        else
            writer.WriteNullValue();
    }

    private static void WriteNumber(Utf8JsonWriter writer, float value)
    {
        if (float.IsFinite(value))
            writer.WriteNumberValue(value);
        else
            writer.WriteNullValue();
    }
}
