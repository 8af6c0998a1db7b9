namespace EmbeddedLlm;

/// <summary>A backend of llama.cpp, such as CUDA, whose file is there and that cannot be used. Whatever it would have computed, the CPU or another backend computes.</summary>
/// <param name="Backend">Its name, as its file has it: <c>cuda</c>, <c>cuda12</c>, <c>vulkan</c>.</param>
/// <param name="Path">Its file; null where <c>EMBEDDEDLLM_BACKENDS</c> names a backend of which there is no file.</param>
/// <param name="Reason">Why it cannot be used: libraries that are missing, by name, or the words of the system or of llama.cpp.</param>
/// <param name="Advice">What to install or to change; null where that cannot be told.</param>
/// <param name="MissingLibraries">The libraries that it needs and that were not found; empty where that is not the reason.</param>
public sealed record UnusableBackend(string Backend, string? Path, string Reason, string? Advice, IReadOnlyList<string> MissingLibraries)
{
    /// <summary>The backend, the reason and the advice in one line.</summary>
    public override string ToString() => Advice is null ? $"{Backend}: {Reason}" : $"{Backend}: {Reason.TrimEnd('.')}. {Advice}";
}
