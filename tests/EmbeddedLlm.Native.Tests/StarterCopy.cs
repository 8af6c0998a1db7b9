using EmbeddedLlm.Gguf;
using EmbeddedLlm.Native.Tests.Interop;

namespace EmbeddedLlm.Native.Tests;

/// <summary>The starter model with other metadata.</summary>
internal static class StarterCopy
{
    /// <summary>Writes it to a file and returns its path.</summary>
    /// <param name="folder">Where to.</param>
    /// <param name="without">The keys to leave out.</param>
    /// <param name="add">Adds others.</param>
    public static string Write(TemporaryFolder folder, string[] without, Action<GgufWriter> add)
    {
        GgufFile starter = GgufFile.Open(TestPaths.Starter);
        byte[] bytes = File.ReadAllBytes(TestPaths.Starter);
        GgufWriter writer = new();
        foreach ((string name, GgufValue value) in starter.Metadata.Where(entry => !without.Contains(entry.Key)))
            writer.Add(name, value);
        add(writer);
        foreach (GgufTensorInfo tensor in starter.Tensors)
            writer.AddTensor(tensor.Name, tensor.Type, tensor.Dimensions, bytes.AsMemory((int)(starter.DataOffset + tensor.Offset), (int)tensor.ByteSize));
        string path = folder.PathOf("copy.gguf");
        using FileStream stream = File.Create(path);
        writer.Write(stream, TestContext.Current.CancellationToken);
        return path;
    }
}
