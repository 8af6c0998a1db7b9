namespace EmbeddedLlm.Native.Tests.Interop;

internal static class TestPaths
{
    public static string Starter { get; } = Path.Combine(AppContext.BaseDirectory, "models", "starter.gguf");

    /// <summary>A new, empty folder below the system's temporary one, deleted with the returned object.</summary>
    public static TemporaryFolder CreateFolder() => new();
}
