namespace EmbeddedLlm.Interop;

/// <summary>The three libraries of one llama.cpp build, opened by full path from one folder and checked.</summary>
/// <param name="Folder">Where they and their backends lie.</param>
/// <param name="Version">What <c>llama_version()</c> says, such as <c>0.4.0-dev</c>.</param>
/// <param name="Llama">libllama</param>
/// <param name="Ggml">libggml: the registry of backends</param>
/// <param name="GgmlBase">libggml-base: tensors, devices, logging</param>
internal sealed record NativeLibraries(string Folder, string Version, nint Llama, nint Ggml, nint GgmlBase)
{
    /// <summary>The backends whose files were found and that cannot be used.</summary>
    public IReadOnlyList<UnusableBackend> UnusableBackends { get; init; } = [];
}
