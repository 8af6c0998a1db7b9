using System.Text;
using EmbeddedLlm.Gguf;

namespace EmbeddedLlm.ModelFuzz;

/// <summary>One metadata key: a number's bytes or a string's in <see cref="Data"/>, or an array, of strings in <see cref="Strings"/> and of numbers in <see cref="Data"/>.</summary>
internal sealed class RawKey
{
    public required byte[] Name { get; set; }

    public required uint Type { get; set; }

    public uint ElementType { get; set; }

    public byte[] Data { get; set; } = [];

    public List<byte[]>? Strings { get; set; }

    /// <summary>Added to an array's number of elements.</summary>
    public long CountError { get; set; }

    public string NameText => Encoding.UTF8.GetString(Name);

    public ReadOnlySpan<byte> Text => Type == (uint)GgufValueType.String ? Data : [];

    public bool IsArray => Type == (uint)GgufValueType.Array;

    public bool IsNumber => Type is not ((uint)GgufValueType.String or (uint)GgufValueType.Array);

    public static RawKey From(string name, GgufValue value)
    {
        RawKey key = new() { Name = Encoding.UTF8.GetBytes(name), Type = (uint)value.Type };
        if (value.Type != GgufValueType.Array)
        {
            key.Data = value.RawBytes.ToArray();
            return key;
        }

        GgufArray array = value.GetArray();
        key.ElementType = (uint)array.ElementType;
        if (array.ElementType == GgufValueType.String)
            key.Strings = [.. Enumerable.Range(0, array.Count).Select(index => array.GetUtf8(index).ToArray())];
        else
            key.Data = array.RawBytes.ToArray();
        return key;
    }

    public static RawKey Of(string name, string text) => new() { Name = Encoding.UTF8.GetBytes(name), Type = (uint)GgufValueType.String, Data = Encoding.UTF8.GetBytes(text) };

    public static RawKey Of(string name, uint value) => new() { Name = Encoding.UTF8.GetBytes(name), Type = (uint)GgufValueType.UInt32, Data = BitConverter.GetBytes(value) };

    public static RawKey Of(string name, float value) => new() { Name = Encoding.UTF8.GetBytes(name), Type = (uint)GgufValueType.Float32, Data = BitConverter.GetBytes(value) };

    public static RawKey Of(string name, bool value) => new() { Name = Encoding.UTF8.GetBytes(name), Type = (uint)GgufValueType.Boolean, Data = [value ? (byte)1 : (byte)0] };

    public static RawKey Of(string name, IEnumerable<string> texts) => new()
    {
        Name = Encoding.UTF8.GetBytes(name),
        Type = (uint)GgufValueType.Array,
        ElementType = (uint)GgufValueType.String,
        Strings = [.. texts.Select(Encoding.UTF8.GetBytes)],
    };

    public static RawKey Of(string name, IEnumerable<int> values) => OfArray(name, GgufValueType.Int32, [.. values.SelectMany(BitConverter.GetBytes)]);

    public static RawKey Of(string name, IEnumerable<uint> values) => OfArray(name, GgufValueType.UInt32, [.. values.SelectMany(BitConverter.GetBytes)]);

    public static RawKey Of(string name, IEnumerable<float> values) => OfArray(name, GgufValueType.Float32, [.. values.SelectMany(BitConverter.GetBytes)]);

    public static RawKey OfArray(string name, GgufValueType elementType, byte[] data) =>
        new() { Name = Encoding.UTF8.GetBytes(name), Type = (uint)GgufValueType.Array, ElementType = (uint)elementType, Data = data };

    public RawKey Clone() => new()
    {
        Name = Name,
        Type = Type,
        ElementType = ElementType,
        Data = [.. Data],
        Strings = Strings is null ? null : [.. Strings],
        CountError = CountError,
    };

    public void Write(BinaryWriter writer)
    {
        writer.Write((ulong)Name.Length);
        writer.Write(Name);
        writer.Write(Type);
        if (Type == (uint)GgufValueType.String)
        {
            writer.Write((ulong)Data.Length);
        }
        else if (IsArray)
        {
            writer.Write(ElementType);
            writer.Write((ulong)((Strings?.Count ?? Data.Length / SizeOf(ElementType)) + CountError));
        }

        foreach (byte[] text in Strings ?? [])
        {
            writer.Write((ulong)text.Length);
            writer.Write(text);
        }

        if (Strings is null)
            writer.Write(Data);
    }

    /// <summary>The bytes of a number; 1 for what is none.</summary>
    public static int SizeOf(uint type) => (GgufValueType)type switch
    {
        GgufValueType.UInt16 or GgufValueType.Int16 => 2,
        GgufValueType.UInt32 or GgufValueType.Int32 or GgufValueType.Float32 => 4,
        GgufValueType.UInt64 or GgufValueType.Int64 or GgufValueType.Float64 => 8,
        _ => 1,
    };
}
