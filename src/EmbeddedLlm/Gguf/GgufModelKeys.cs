using System.Buffers.Binary;

namespace EmbeddedLlm.Gguf;

/// <summary>
/// A model's metadata as llama.cpp reads it: hyperparameters under the architecture's name, numbers of exactly the expected type, strings
/// up to their first zero byte. A value of another type than expected is refused here, as it is there.
/// </summary>
internal sealed class GgufModelKeys
{
    public GgufModelKeys(GgufFile file)
    {
        File = file;
        Architecture = String("general.architecture") ?? throw Missing("general.architecture");
    }

    public GgufFile File { get; }

    public string Architecture { get; }

    private GgufMetadata Metadata => File.Metadata;

    /// <summary>The architecture that llama.cpp finds in metadata that was not checked; null where there is none.</summary>
    public static string? ArchitectureOf(GgufMetadata metadata) => UpToZero(metadata.TryGetString("general.architecture", out string? name) ? name : null);

    /// <summary>The full key of a hyperparameter.</summary>
    public string Key(string name) => $"{Architecture}.{name}";

    public static GgufFormatException Missing(string key) => new(0, $"the key '{key}' is missing");

    /// <summary>An exception at the position of a key's value.</summary>
    public GgufFormatException Bad(string key, string reason) =>
        new(Metadata.TryGetValue(key, out GgufValue value) ? value.Offset : 0, $"'{key}' {reason}");

    public bool TryGetValue(string key, out GgufValue value) => Metadata.TryGetValue(key, out value);

    /// <summary>A string up to its first zero byte, or null where the key is missing.</summary>
    public string? String(string key)
    {
        string? text = TryGet(key, GgufValueType.String, out GgufValue value) ? value.GetString() : null;
        return UpToZero(text);
    }

    public bool? Boolean(string key) => TryGet(key, GgufValueType.Boolean, out GgufValue value) ? value.GetBoolean() : null;

    public uint? UInt32(string key) => TryGet(key, GgufValueType.UInt32, out GgufValue value) ? value.GetUInt32() : null;

    public float? Single(string key) => TryGet(key, GgufValueType.Float32, out GgufValue value) ? value.GetSingle() : null;

    /// <summary>An array of strings, or null where the key is missing.</summary>
    public GgufArray? Strings(string key)
    {
        GgufArray? array = TryGet(key, GgufValueType.Array, out GgufValue value) ? value.GetArray() : null;
        return array is null or { ElementType: GgufValueType.String } ? array : throw Bad(key,
            $"is an array of {array.ElementType}, not of strings");
    }

    /// <summary>A value per layer: a number that holds for all, or an array with one for each. Null where the key is missing.</summary>
    public uint[]? PerLayer(string key, int layers)
    {
        if (!TryGetValue(key, out GgufValue value))
            return null;

        uint[] values = new uint[layers];
        if (value.Type != GgufValueType.Array)
        {
            values.AsSpan().Fill(UInt32(key)!.Value);
            return values;
        }

        GgufArray array = value.GetArray();
        if (array.ElementType is not (GgufValueType.UInt32 or GgufValueType.Int32 or GgufValueType.Boolean))
            throw Bad(key, $"is an array of {array.ElementType}, not of 32-bit integers");
        if (array.Count != layers)
            throw Bad(key, $"has {array.Count:N0} elements for {layers} layers");

        for (int i = 0; i < layers; i++)
        {
            values[i] = array.ElementType == GgufValueType.Boolean
                ? array.RawBytes[i] == 0 ? 0u : 1u
                : BinaryPrimitives.ReadUInt32LittleEndian(array.RawBytes[(i * sizeof(uint))..]);
        }

        return values;
    }

    private static string? UpToZero(string? text) => text?.IndexOf('\0') is int end and >= 0 ? text[..end] : text;

    private bool TryGet(string key, GgufValueType type, out GgufValue value)
    {
        if (!TryGetValue(key, out value))
            return false;
        if (value.Type != type)
            throw Bad(key, $"is of type {value.Type}, not {type}");

        return true;
    }
}
