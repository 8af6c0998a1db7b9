using System.Globalization;
using EmbeddedLlm.Gguf;

namespace EmbeddedLlm.Native.Tests;

/// <summary>A model that is split over several files.</summary>
internal static class SplitModel
{
    /// <summary>Writes a model again beside its file, its tensors by turns in each of several.</summary>
    /// <returns>The paths in their order.</returns>
    public static string[] Write(string path, int count)
    {
        string[] paths = [.. Enumerable.Range(1, count).Select(number => string.Create(CultureInfo.InvariantCulture, $"{path[..^".gguf".Length]}-{number:D5}-of-{count:D5}.gguf"))];
        using FileStream data = File.OpenRead(path);
        GgufFile file = GgufFile.Read(data);
        for (int i = 0; i < count; i++)
        {
            GgufWriter writer = new();
            foreach ((string key, GgufValue value) in file.Metadata.Take(i == 0 ? file.Metadata.Count : 0))
                writer.Add(key, value);
            writer.Add("split.no", (ushort)i);
            writer.Add("split.count", (ushort)count);
            writer.Add("split.tensors.count", file.Tensors.Count);
            foreach (GgufTensorInfo tensor in file.Tensors.Where((_, index) => index % count == i))
                writer.AddTensor(tensor.Name, tensor.Type, tensor.Dimensions, Filler(data, file.DataOffset + tensor.Offset));
            using FileStream part = File.Create(paths[i]);
            writer.Write(part);
        }

        return paths;
    }

    private static GgufTensorFiller Filler(FileStream data, long start) => (offset, destination) =>
    {
        data.Position = start + offset;
        data.ReadExactly(destination);
    };
}
