using EmbeddedLlm.Scheduling;

namespace EmbeddedLlm;

/// <content>LoRA adapters.</content>
public sealed partial class EmbeddedModel
{
    /// <summary>The LoRA adapters that the model was loaded with, with their full paths and the names that <see cref="GenerationOptions.Adapters"/> takes.</summary>
    public IReadOnlyList<LoraAdapter> Adapters => _model.Adapters.Adapters;

    /// <inheritdoc cref="Runtime.LoadedAdapters.SetOf"/>
    internal AdapterSet AdaptersFor(IReadOnlyList<AdapterScale>? wanted) => _model.Adapters.SetOf(wanted);
}
