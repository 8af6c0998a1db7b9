namespace EmbeddedLlm.Native.Tests.Interop;

internal static class TestPaths
{
    public static string Starter { get; } = Path.Combine(AppContext.BaseDirectory, "models", "starter.gguf");

    /// <summary>A new, empty folder below the system's temporary one, deleted with the returned object.</summary>
    public static TemporaryFolder CreateFolder() => new();
}

internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("embeddedllm-").FullName;

    public string Write(string name, params ReadOnlySpan<byte> content)
    {
        string file = System.IO.Path.Combine(Path, name);
        File.WriteAllBytes(file, content);
        return file;
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
