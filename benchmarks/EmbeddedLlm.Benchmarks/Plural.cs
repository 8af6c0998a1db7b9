namespace EmbeddedLlm.Benchmarks;

internal static class Plural
{
    /// <summary><c>1 caller</c>, <c>8 callers</c>.</summary>
    public static string Of(int count, string noun) => count == 1 ? $"1 {noun}" : $"{count} {noun}s";
}
