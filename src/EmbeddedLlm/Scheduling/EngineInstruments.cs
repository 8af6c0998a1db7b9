using System.Collections.Immutable;
using System.Diagnostics.Metrics;

namespace EmbeddedLlm.Scheduling;

/// <summary>
/// The instruments of the meter <c>EmbeddedLlm</c>, one set for all engines of the process, whose measurements the model's id tells apart. Names, units and buckets are those of
/// OpenTelemetry's conventions for generative AI where these have one.
/// </summary>
internal sealed class EngineInstruments
{
    private ImmutableArray<EngineMeter> _engines = [];

    private EngineInstruments(Meter meter)
    {
        // OpenTelemetry's buckets, and a few below, since no network lies between here and the model.
        TimeToFirstToken = Seconds("gen_ai.server.time_to_first_token", "From a request's submission to its first token.",
            0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60);
        TimePerOutputToken = Seconds("gen_ai.server.time_per_output_token", "The mean time of a request's tokens after the first.",
            0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5);
        RequestDuration = Seconds("gen_ai.server.request.duration", "From a request's submission to its last token.",
            0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92);
        InterTokenLatency = Seconds("embeddedllm.inter_token_latency", "From one step that gave a request tokens to the next.",
            0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5);
        PromptTokens = meter.CreateCounter<long>("embeddedllm.prompt.tokens", "{token}", "Tokens of prompts, those included that were found computed.");
        CachedPromptTokens = meter.CreateCounter<long>("embeddedllm.prompt.cached_tokens", "{token}", "Tokens of prompts that were found computed.");
        GeneratedTokens = meter.CreateCounter<long>("embeddedllm.generated.tokens", "{token}", "Tokens generated.");
        DraftedTokens = meter.CreateCounter<long>("embeddedllm.draft.tokens", "{token}", "Tokens guessed ahead.");
        AcceptedTokens = meter.CreateCounter<long>("embeddedllm.draft.accepted_tokens", "{token}", "Tokens guessed ahead that were right.");
        Preemptions = meter.CreateCounter<long>("embeddedllm.preemptions", "{preemption}", "How often a request lost its place in the KV cache to others.");
        Failures = meter.CreateCounter<long>("embeddedllm.request.failures", "{request}", "Requests that ended with an exception, by its type.");
        meter.CreateObservableUpDownCounter("embeddedllm.requests.waiting", () => Observe(static figures => figures.Waiting), "{request}", "Requests that wait for their turn.");
        meter.CreateObservableUpDownCounter("embeddedllm.requests.running", () => Observe(static figures => figures.Running), "{request}", "Requests that are being answered.");
        meter.CreateObservableUpDownCounter("embeddedllm.kv_cache.used", () => Observe(static figures => figures.UsedCells), "{token}", "Tokens in the KV cache.");
        meter.CreateObservableUpDownCounter("embeddedllm.kv_cache.cached", () => Observe(static figures => figures.CachedCells), "{token}", "Tokens kept in the KV cache for later requests.");
        meter.CreateObservableUpDownCounter("embeddedllm.kv_cache.size", () => Observe(static figures => figures.CellCount), "{token}", "Tokens that the KV cache holds.");

        Histogram<double> Seconds(string name, string description, params double[] buckets) =>
            meter.CreateHistogram(name, "s", description, tags: null, new InstrumentAdvice<double> { HistogramBucketBoundaries = buckets });
    }

    /// <summary>The name of the meter.</summary>
    public const string MeterName = "EmbeddedLlm";

    public static EngineInstruments Shared { get; } = new(new Meter(MeterName, typeof(EngineInstruments).Assembly.GetName().Version?.ToString(3)));

    public Histogram<double> TimeToFirstToken { get; }

    public Histogram<double> TimePerOutputToken { get; }

    public Histogram<double> RequestDuration { get; }

    public Histogram<double> InterTokenLatency { get; }

    public Counter<long> PromptTokens { get; }

    public Counter<long> CachedPromptTokens { get; }

    public Counter<long> GeneratedTokens { get; }

    public Counter<long> DraftedTokens { get; }

    public Counter<long> AcceptedTokens { get; }

    public Counter<long> Preemptions { get; }

    public Counter<long> Failures { get; }

    public void Add(EngineMeter engine) => ImmutableInterlocked.Update(ref _engines, static (engines, added) => engines.Add(added), engine);

    public void Remove(EngineMeter engine) => ImmutableInterlocked.Update(ref _engines, static (engines, removed) => engines.Remove(removed), engine);

    private IEnumerable<Measurement<int>> Observe(Func<EngineStatistics, int> figure) =>
        [.. _engines.Select(engine => new Measurement<int>(figure(engine.Read()), engine.Tags))];
}
