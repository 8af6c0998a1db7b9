using System.Globalization;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Cli;

/// <summary>How an answer ended, and its figures.</summary>
internal sealed record Answer
{
    /// <summary>Whether it was stopped before its end; it has no figures then.</summary>
    public bool IsCancelled { get; init; }

    public ChatFinishReason? FinishReason { get; init; }

    public UsageDetails? Usage { get; init; }

    public GenerationTimings? Timings { get; init; }

    /// <summary>The answer with what an update, the last as a rule, says about it.</summary>
    public Answer With(ChatResponseUpdate update) => this with
    {
        FinishReason = update.FinishReason ?? FinishReason,
        Usage = update.Contents.OfType<UsageContent>().LastOrDefault()?.Details ?? Usage,
        Timings = update.RawRepresentation as GenerationTimings ?? Timings,
    };

    /// <summary>The figures in one line.</summary>
    public string Figures()
    {
        if (IsCancelled)
            return "stopped";

        List<string> parts = [];
        if (Usage is { InputTokenCount: { } input, OutputTokenCount: { } output })
        {
            long cached = Usage.CachedInputTokenCount ?? 0;
            parts.Add($"prompt {Count(input)}{(cached > 0 ? $" ({cached} cached)" : "")}{Speed(input - cached, Timings?.Prefill)}");
            // The first token of the answer comes out of the prompt's computation.
            parts.Add($"answer {Count(output)}{Speed(output - 1, Timings?.Decode)}");
        }

        if (Timings is not null)
            parts.Add(string.Create(CultureInfo.InvariantCulture, $"first token {(Timings.Queue + Timings.Prefill).TotalMilliseconds:N1} ms"));
        if (FinishReason is { } reason && reason != ChatFinishReason.Stop)
            parts.Add($"finish reason {reason.Value}");
        return string.Join("; ", parts);
    }

    private static string Count(long tokens) => tokens == 1 ? "1 token" : string.Create(CultureInfo.InvariantCulture, $"{tokens:N0} tokens");

    private static string Speed(long tokens, TimeSpan? time)
    {
        if (tokens <= 0 || time is not { Ticks: > 0 } span)
            return "";
        double speed = tokens / span.TotalSeconds;
        return ", " + speed.ToString(speed < 100 ? "N1" : "N0", CultureInfo.InvariantCulture) + " tok/s";
    }
}
