using System.Buffers.Binary;
using System.Text;
using EmbeddedLlm.Gguf;

namespace EmbeddedLlm.ModelFuzz;

/// <summary>A GGUF file in pieces that may contradict each other: what no writer would write, but anyone can send.</summary>
internal sealed class RawModel
{
    private const int DefaultAlignment = 32;
    private const int MostData = 8 << 20;

    public List<RawKey> Keys { get; init; } = [];

    public List<RawTensor> Tensors { get; init; } = [];

    public uint Version { get; set; } = 3;

    /// <summary>Added to the numbers of keys and tensors in the header.</summary>
    public (long Keys, long Tensors) CountErrors { get; set; }

    public string Architecture => Find("general.architecture") is { } key ? Encoding.UTF8.GetString(key.Text) : "";

    public static RawModel Parse(byte[] bytes)
    {
        GgufFile file = GgufFile.Read(new MemoryStream(bytes));
        RawModel model = new();
        foreach ((string name, GgufValue value) in file.Metadata)
            model.Keys.Add(RawKey.From(name, value));
        foreach (GgufTensorInfo tensor in file.Tensors)
        {
            byte[] data = bytes.AsSpan((int)(file.DataOffset + tensor.Offset), (int)tensor.ByteSize).ToArray();
            ulong[] dimensions = [.. tensor.Dimensions.ToArray().Select(dimension => (ulong)dimension)];
            model.Tensors.Add(new RawTensor { Name = Encoding.UTF8.GetBytes(tensor.Name), Dimensions = dimensions, Type = (uint)tensor.Type, Data = data });
        }

        return model;
    }

    public RawModel Clone() => new()
    {
        Keys = [.. Keys.Select(key => key.Clone())],
        Tensors = [.. Tensors.Select(tensor => tensor.Clone())],
    };

    public RawKey? Find(string name)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(name);
        return Keys.Find(key => key.Name.AsSpan().SequenceEqual(utf8));
    }

    /// <summary>Sets a key, which is added at the end where it is not there.</summary>
    public void Set(RawKey key)
    {
        int index = Keys.FindIndex(other => other.Name.AsSpan().SequenceEqual(key.Name));
        if (index < 0)
            Keys.Add(key);
        else
            Keys[index] = key;
    }

    public RawTensor? FindTensor(string name)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(name);
        return Tensors.Find(tensor => tensor.Name.AsSpan().SequenceEqual(utf8));
    }

    public byte[] ToBytes()
    {
        using MemoryStream stream = new();
        using BinaryWriter writer = new(stream);
        writer.Write("GGUF"u8);
        writer.Write(Version);
        writer.Write((ulong)(Tensors.Count + CountErrors.Tensors));
        writer.Write((ulong)(Keys.Count + CountErrors.Keys));
        foreach (RawKey key in Keys)
            key.Write(writer);

        int alignment = Find("general.alignment") is { Type: (uint)GgufValueType.UInt32, Data.Length: 4 } key2
            ? (int)Math.Clamp(BinaryPrimitives.ReadUInt32LittleEndian(key2.Data), 1, 4096)
            : DefaultAlignment;
        ulong offset = 0;
        foreach (RawTensor tensor in Tensors)
        {
            tensor.FitData(MostData);
            tensor.Write(writer, offset);
            offset += (ulong)AlignUp(tensor.Data.Length, alignment);
        }

        foreach (RawTensor tensor in Tensors)
        {
            Pad(writer, alignment);
            writer.Write(tensor.Data);
        }

        Pad(writer, alignment);
        writer.Flush();
        return stream.ToArray();
    }

    private static void Pad(BinaryWriter writer, int alignment)
    {
        writer.Flush();
        long position = writer.BaseStream.Position;
        writer.Write(new byte[AlignUp(position, alignment) - position]);
    }

    private static long AlignUp(long value, int alignment) => (value + alignment - 1) / alignment * alignment;
}

/// <summary>One tensor.</summary>
internal sealed class RawTensor
{
    public required byte[] Name { get; set; }

    public required ulong[] Dimensions { get; set; }

    public required uint Type { get; set; }

    public required byte[] Data { get; set; }

    /// <summary>In place of the true one.</summary>
    public ulong? Offset { get; set; }

    public RawTensor Clone() => new() { Name = Name, Dimensions = [.. Dimensions], Type = Type, Data = Data, Offset = Offset };

    /// <summary>Makes the data as long as shape and type ask for, where that is not absurd.</summary>
    public void FitData(int most)
    {
        if (!GgmlTypes.IsDefined((GgmlType)Type) || Dimensions.Any(dimension => dimension > int.MaxValue))
            return;
        UInt128 elements = Dimensions.Aggregate((UInt128)1, (product, dimension) => product * dimension);
        UInt128 length = elements / (uint)GgmlTypes.BlockElements((GgmlType)Type) * (uint)GgmlTypes.BlockBytes((GgmlType)Type);
        if (length == (uint)Data.Length || length > (uint)most)
            return;

        byte[] data = new byte[(int)length];
        for (int i = 0; Data.Length > 0 && i < data.Length; i += Data.Length)
            Data.AsSpan(0, Math.Min(Data.Length, data.Length - i)).CopyTo(data.AsSpan(i));
        Data = data;
    }

    public void Write(BinaryWriter writer, ulong offset)
    {
        writer.Write((ulong)Name.Length);
        writer.Write(Name);
        writer.Write((uint)Dimensions.Length);
        foreach (ulong dimension in Dimensions)
            writer.Write(dimension);
        writer.Write(Type);
        writer.Write(Offset ?? offset);
    }
}
