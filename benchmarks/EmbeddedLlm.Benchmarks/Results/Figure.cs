using System.Text.Json.Serialization;

namespace EmbeddedLlm.Benchmarks.Results;

/// <summary>One measured quantity: what was measured, by whom, under which conditions, and what came out.</summary>
/// <remarks>Figures of two files belong together where all but the values are the same; <see cref="Key"/> says so.</remarks>
internal sealed record Figure
{
    /// <summary>The suite, such as <c>decode</c> or <c>structured-output</c>.</summary>
    public required string Subject { get; init; }

    /// <summary>The case within the suite, such as <c>prompt 512</c> or <c>8 callers × 64</c>.</summary>
    public required string Case { get; init; }

    /// <summary>The model, by the name that <c>--model</c> takes; a file by its name alone. Null where none is used.</summary>
    public string? Model { get; init; }

    /// <summary>Where it was computed: <c>cpu</c>, <c>cuda</c>, <c>vulkan</c> or <c>metal</c>.</summary>
    public required string Device { get; init; }

    /// <summary>The CPU threads that computed; null where that does not matter.</summary>
    public int? Threads { get; init; }

    /// <summary>How it was computed, where that is not the default and makes another number of it, such as <c>KV cache Q8_0</c>.</summary>
    public string? Settings { get; init; }

    /// <summary>Who was measured: <c>EmbeddedLlm</c>, <c>bare loop</c>, <c>node-llama-cpp</c>, …</summary>
    public required string Contender { get; init; }

    public required FigureUnit Unit { get; init; }

    /// <summary>The median of the samples.</summary>
    public required double Value { get; init; }

    /// <summary>The least sample.</summary>
    public double? Least { get; init; }

    /// <summary>The greatest sample.</summary>
    public double? Greatest { get; init; }

    /// <summary>The bounds of the median, as <see cref="Spread.Low"/> has them.</summary>
    public double? Low { get; init; }

    /// <inheritdoc cref="Low"/>
    public double? High { get; init; }

    /// <summary>How many samples.</summary>
    /// <remarks>Not <c>init</c>: of a file that leaves it out, the generated reader would make it 0.</remarks>
    public int Samples { get; set; } = 1;

    /// <summary>The value that the project aims at: at least, or at most, as the unit has it. Null where there is none.</summary>
    public double? Target { get; init; }

    /// <summary>Whatever else a reader must know, such as <c>answers of 32 tokens</c>.</summary>
    public string? Remark { get; init; }

    /// <summary>What makes two figures comparable.</summary>
    [JsonIgnore]
    public string Key => string.Join(" · ", Subject, Case, Model, Device, Threads, Settings, Contender, Unit);

    /// <summary>Whether the target is missed.</summary>
    [JsonIgnore]
    public bool MissesTarget => Target is { } target && (IsMoreBetter ? Value < target : Value > target);

    /// <summary>Whether the target is missed by less than the samples can tell.</summary>
    [JsonIgnore]
    public bool MayMeetTarget => MissesTarget && (IsMoreBetter ? High >= Target : Low <= Target);

    /// <summary>Whether a greater value is the better one.</summary>
    [JsonIgnore]
    public bool IsMoreBetter => Unit is FigureUnit.TokensPerSecond or FigureUnit.Ratio or FigureUnit.Share;

    /// <summary>The same figure with other values.</summary>
    public Figure With(in Spread spread) => this with
    {
        Value = spread.Median,
        Least = spread.Least,
        Greatest = spread.Greatest,
        Low = spread.Low,
        High = spread.High,
        Samples = spread.Samples,
    };
}

/// <summary>What a <see cref="Figure"/> counts.</summary>
[JsonConverter(typeof(FigureUnitConverter))]
internal enum FigureUnit
{
    [JsonStringEnumMemberName("tok/s")]
    TokensPerSecond,

    /// <summary>Beside the bare loop, or whatever the case names: 1 is as fast.</summary>
    [JsonStringEnumMemberName("ratio")]
    Ratio,

    /// <summary>A part of a whole, from 0 to 1, such as that of the memory bandwidth.</summary>
    [JsonStringEnumMemberName("share")]
    Share,

    [JsonStringEnumMemberName("ms")]
    Milliseconds,

    [JsonStringEnumMemberName("µs")]
    Microseconds,

    /// <summary>How many tokens, as of those that had to be computed.</summary>
    [JsonStringEnumMemberName("tokens")]
    Tokens,

    [JsonStringEnumMemberName("B/token")]
    BytesPerToken,

    [JsonStringEnumMemberName("MiB")]
    Mebibytes,

    [JsonStringEnumMemberName("per million tokens")]
    PricePerMillionTokens,
}

/// <summary>Units by their names alone: a number would be one that nobody has defined.</summary>
internal sealed class FigureUnitConverter() : JsonStringEnumConverter<FigureUnit>(namingPolicy: null, allowIntegerValues: false);
