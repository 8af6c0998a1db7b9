using System.Diagnostics;
using System.Text.Json;
using EmbeddedLlm.Benchmarks;
using EmbeddedLlm.Benchmarks.Results;

namespace EmbeddedLlm.Cli;

/// <summary>The measurements of one loaded model, one after the other, each within its time.</summary>
internal sealed class BenchRun(BenchSubject subject, FigureTemplate template, TimeSpan budget, BenchBar bar, CancellationToken cancellationToken)
{
    private const int MostSamples = 31;
    private const int FewestSamples = 3;
    private const int PromptTokens = 32;
    private const int ProbeTokens = 12;
    private const int Steps = 8;

    /// <summary>How many times its own time a measurement may take to get its fewest samples.</summary>
    private const int Patience = 4;

    /// <summary>Records of several types, more than any answer has room for.</summary>
    private const string Schema = """
        {"type":"array","minItems":1000,"items":{"type":"object","additionalProperties":false,"properties":{
          "name":{"type":"string","minLength":3,"maxLength":20},"age":{"type":"integer","minimum":0,"maximum":150},
          "kind":{"enum":["person","company","other"]},"isActive":{"type":"boolean"}},"required":["name","age","kind","isActive"]}}
        """;

    private readonly List<Figure> _figures = [];
    private readonly List<string> _remarks = [];
    private double _inputRate;
    private double _outputRate;
    private int _step;

    /// <summary>What was left out, and why.</summary>
    public IReadOnlyList<string> Remarks => _remarks;

    public async Task<IReadOnlyList<Figure>> MeasureAsync()
    {
        await ProbeAsync().ConfigureAwait(false);
        int room = subject.Model.ContextLength;
        int answer = Math.Min(Math.Clamp((int)(_outputRate * budget.TotalSeconds / 4), 16, 128), Math.Max(room / 2, 2));
        int shortAnswer = Math.Min(answer, Math.Max(answer / 2, 16));
        foreach (int tokens in ((int[])[128, 512]).Select(tokens => Math.Min(tokens, room - 2)).Distinct())
            await MeasurePromptAsync(tokens, hasFirstToken: tokens == Math.Min(128, room - 2)).ConfigureAwait(false);
        await MeasurePromptsAsync(BenchFigures.ManyCallers, Math.Min(128, room - 2)).ConfigureAwait(false);
        await MeasureAnswersAsync(callers: 1, answer).ConfigureAwait(false);
        await MeasureAnswersAsync(callers: 4, shortAnswer).ConfigureAwait(false);
        await MeasureAnswersAsync(BenchFigures.ManyCallers, shortAnswer).ConfigureAwait(false);
        await MeasureSchemaAsync(answer).ConfigureAwait(false);
        return _figures;
    }

    /// <summary>Warms up, and tells how long answers can be.</summary>
    private async Task ProbeAsync()
    {
        Begin("Warming up");
        int tokens = Math.Min(ProbeTokens, subject.Model.ContextLength / 2);
        await AskAsync(PromptTokens, 1).ConfigureAwait(false);
        BenchAnswer probe = await AskAsync(PromptTokens, tokens).ConfigureAwait(false);
        _inputRate = probe.InputTokens / (probe.Time - probe.Timings.Decode).TotalSeconds;
        _outputRate = tokens / Math.Max(probe.Timings.Decode.TotalSeconds, 1e-6);
    }

    private async Task MeasurePromptAsync(int tokens, bool hasFirstToken)
    {
        string what = $"prompt {tokens}";
        if (!Begin($"Prompt of {tokens} tokens", tokens / _inputRate, what))
            return;
        List<BenchAnswer> answers = await RunAsync(() => AskAsync(tokens, 1)).ConfigureAwait(false);
        Spread rates = Spread.Of(answers.Select(answer => answer.InputTokens / answer.Time.TotalSeconds));
        _inputRate = rates.Median;
        Add(BenchFigures.Prefill, what, FigureUnit.TokensPerSecond, rates);
        if (!hasFirstToken)
            return;
        Percentiles times = new(answers.Select(answer => answer.FirstUpdate));
        foreach (int percent in (int[])[50, 95])
            _figures.Add(template.Of(BenchFigures.FirstToken, $"{what}, p{percent}", FigureUnit.Milliseconds, times[percent]) with { Samples = times.Count });
    }

    /// <summary>Prompts that come together, each for one token.</summary>
    private async Task MeasurePromptsAsync(int callers, int tokens)
    {
        string what = $"{callers} callers × prompt {tokens}";
        if (!Begin($"{callers} prompts of {tokens} tokens at once", callers * tokens / _inputRate, what))
            return;
        List<double> rates = await RunAsync(async () =>
        {
            (BenchAnswer[] answers, TimeSpan time) = await AskTogetherAsync(callers, tokens, 1).ConfigureAwait(false);
            return answers.Sum(answer => answer.InputTokens) / time.TotalSeconds;
        }).ConfigureAwait(false);
        Add(BenchFigures.Prefill, what, FigureUnit.TokensPerSecond, Spread.Of(rates));
    }

    /// <summary>The tokens after the first: all of the time that is not the prompts' computation counts.</summary>
    private async Task MeasureAnswersAsync(int callers, int tokens)
    {
        string what = callers == 1 ? $"answer {tokens}" : $"{callers} callers × {tokens}";
        if (!Begin(callers == 1 ? $"Answer of {tokens} tokens" : $"{callers} answers of {tokens} tokens at once", callers * tokens / _outputRate / Math.Min(callers, 2), what))
            return;
        List<double> rates = await RunAsync(async () =>
        {
            (BenchAnswer[] answers, TimeSpan time) = await AskTogetherAsync(callers, PromptTokens, tokens).ConfigureAwait(false);
            return DecodeRate(answers, time, answers.Max(answer => answer.Timings.Queue + answer.Timings.Prefill));
        }).ConfigureAwait(false);
        Add(BenchFigures.Decode, what, FigureUnit.TokensPerSecond, Spread.Of(rates));
    }

    /// <summary>Answers in pairs, one free and one held to a schema, in turns first: what else the machine does falls on both alike.</summary>
    private async Task MeasureSchemaAsync(int tokens)
    {
        string what = $"JSON schema / free, answer {tokens}";
        if (!Begin("Answers held to a JSON schema", 2 * tokens / _outputRate, what))
            return;
        Grammar grammar = Grammar.FromJsonSchema(JsonElement.Parse(Schema));
        await AskAsync(PromptTokens, Math.Min(ProbeTokens, tokens), grammar).ConfigureAwait(false);
        int pair = 0;
        double forced = 0, all = 0;
        List<(double Free, double Held)> rates = await RunAsync(async () =>
        {
            bool isHeldFirst = pair++ % 2 == 1;
            BenchAnswer first = await AskAsync(PromptTokens, tokens, isHeldFirst ? grammar : null).ConfigureAwait(false);
            BenchAnswer second = await AskAsync(PromptTokens, tokens, isHeldFirst ? null : grammar).ConfigureAwait(false);
            (BenchAnswer free, BenchAnswer held) = isHeldFirst ? (second, first) : (first, second);
            forced += held.Timings.ForcedTokenCount;
            all += held.OutputTokens;
            // What the schema forces at the beginning is computed with the prompt: taken from the held answer's own time for that, it would count as free.
            TimeSpan prefill = free.Timings.Queue + free.Timings.Prefill;
            return (DecodeRate([free], free.Time, prefill), DecodeRate([held], held.Time, prefill));
        }).ConfigureAwait(false);
        string remark = FormattableString.Invariant($"{forced / all:P0} of the held answers was forced by the schema, and not sampled");
        Add(BenchFigures.StructuredOutput, $"JSON schema, answer {tokens}", FigureUnit.TokensPerSecond, Spread.Of(rates.Select(pair => pair.Held)));
        Add(BenchFigures.StructuredOutput, what, FigureUnit.Ratio, Spread.Of(rates.Select(pair => pair.Held / pair.Free)), remark);
    }

    private static double DecodeRate(BenchAnswer[] answers, TimeSpan time, TimeSpan prefill) => answers.Sum(answer => answer.OutputTokens - 1) / (time - prefill).TotalSeconds;

    private Task<BenchAnswer> AskAsync(int promptTokens, int tokens, Grammar? grammar = null) =>
        subject.AskAsync(subject.CreatePrompt(promptTokens), tokens, grammar, cancellationToken);

    private async Task<(BenchAnswer[] Answers, TimeSpan Time)> AskTogetherAsync(int callers, int promptTokens, int tokens)
    {
        string[] prompts = [.. Enumerable.Range(0, callers).Select(_ => subject.CreatePrompt(promptTokens))];
        long start = Stopwatch.GetTimestamp();
        BenchAnswer[] answers = await Task.WhenAll(prompts.Select(prompt => subject.AskAsync(prompt, tokens, grammar: null, cancellationToken))).ConfigureAwait(false);
        return (answers, Stopwatch.GetElapsedTime(start));
    }

    private void Begin(string title) => bar.Show(title, (double)_step++ / Steps);

    /// <summary>Whether a single run is likely to be done in bearable time; if not, that is remarked.</summary>
    private bool Begin(string title, double seconds, string what)
    {
        Begin(title);
        if (seconds <= Patience * budget.TotalSeconds)
            return true;
        _remarks.Add(FormattableString.Invariant($"Not measured: {what}. One run would take about {seconds:N0} s; --seconds gives more time."));
        return false;
    }

    /// <summary>As many runs as fit into the time, and a few even if they do not. The first is for warming up, if there is time for that.</summary>
    private async Task<List<T>> RunAsync<T>(Func<Task<T>> run)
    {
        List<T> samples = [];
        long start = Stopwatch.GetTimestamp();
        T first = await run().ConfigureAwait(false);
        if (Stopwatch.GetElapsedTime(start) > budget / 5)
            samples.Add(first);
        while (samples.Count < MostSamples)
        {
            TimeSpan elapsed = Stopwatch.GetElapsedTime(start);
            if (samples.Count >= (elapsed < Patience * budget ? FewestSamples : 1) && elapsed >= budget)
                break;
            samples.Add(await run().ConfigureAwait(false));
        }

        return samples;
    }

    private void Add(string subjectName, string what, FigureUnit unit, in Spread samples, string? remark = null) => _figures.Add(template.Of(subjectName, what, unit, samples) with { Remark = remark });
}
