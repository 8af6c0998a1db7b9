namespace EmbeddedLlm;

/// <summary>
/// A LoRA adapter (Hu et al. 2021, arXiv:2106.09685) to load with a model: a GGUF file with small matrices that change what the model's own do, as <c>convert_lora_to_gguf.py</c> of llama.cpp makes it.
/// </summary>
/// <param name="Path">The path of the .gguf file. It must be made for the model that is loaded.</param>
/// <param name="Name">What requests call the adapter; null for the file's name without its extension.</param>
/// <param name="Scale">
/// How strongly it works in requests that say nothing: its part is multiplied with it, 1 being as it was trained; finite, and 0 for not at all.
/// </param>
public sealed record LoraAdapter(string Path, string? Name = null, float Scale = 1)
{
    internal string NameOrDefault => Name ?? System.IO.Path.GetFileNameWithoutExtension(Path);
}

/// <summary>An adapter that a request is computed with.</summary>
/// <param name="Name">The adapter's name, see <see cref="LoraAdapter"/>.</param>
/// <param name="Scale">How strongly it works: its part is multiplied with it, 1 being as it was trained; finite, and 0 for not at all.</param>
public sealed record AdapterScale(string Name, float Scale = 1);
