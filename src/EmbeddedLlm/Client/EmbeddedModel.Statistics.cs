using EmbeddedLlm.Scheduling;

namespace EmbeddedLlm;

/// <content>Figures.</content>
public sealed partial class EmbeddedModel
{
    /// <summary>The name of the <see cref="System.Diagnostics.Metrics.Meter"/> that publishes the figures of all models, each with its <see cref="Id"/> as <c>gen_ai.request.model</c>.</summary>
    public const string MeterName = EngineInstruments.MeterName;

    /// <summary>
    /// What the model's engine does and has done since the load: the queue, the KV cache, tokens. From any thread at any time, also after disposal; it costs the engine nothing. All
    /// zeros, but for the threads, for a model that makes embeddings only.
    /// </summary>
    public EngineStatistics GetStatistics() => (_model.GeneratesText ? _model.Engine.Statistics : default) with { Threads = Threads };
}
