using System.Diagnostics;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Benchmarks.Peers;

/// <summary>The library, through its chat client, every update awaited.</summary>
internal sealed class ClientPeer(Subject subject) : Peer
{
    public const string PeerName = "EmbeddedLlm";

    private Dictionary<int, float>? _endless;
    private readonly Dictionary<string, Grammar> _grammars = [];

    public override string Name => PeerName;

    public override async Task<PeerRun> AnswerAsync(IReadOnlyList<BenchmarkPrompt> prompts, int outputTokens, string? schema, CancellationToken cancellationToken)
    {
        _endless ??= subject.Model.EndOfGenerationTokens.ToDictionary(token => token, _ => float.NegativeInfinity);
        EmbeddedChatOptions more = new() { LogitBias = _endless, Grammar = GrammarOf(schema), DescribeResponseFormat = false };
        ChatOptions options = new() { Temperature = 0, MaxOutputTokens = outputTokens, RawRepresentationFactory = _ => more };
        long start = Stopwatch.GetTimestamp();
        (UsageDetails Usage, GenerationTimings Timings)[] answers = await Task.WhenAll(prompts.Select(AskAsync));
        return new PeerRun(
            Stopwatch.GetElapsedTime(start),
            answers.Max(answer => answer.Timings.Queue + answer.Timings.Prefill),
            answers.Sum(answer => (int)((answer.Usage.InputTokenCount ?? 0) - (answer.Usage.CachedInputTokenCount ?? 0))),
            answers.Sum(answer => (int)(answer.Usage.OutputTokenCount ?? 0)));

        async Task<(UsageDetails, GenerationTimings)> AskAsync(BenchmarkPrompt prompt)
        {
            UsageDetails? usage = null;
            GenerationTimings? timings = null;
            await foreach (ChatResponseUpdate update in subject.Chat.GetStreamingResponseAsync(prompt.Messages, options, cancellationToken))
            {
                usage = update.Contents.OfType<UsageContent>().LastOrDefault()?.Details ?? usage;
                timings = update.RawRepresentation as GenerationTimings ?? timings;
            }

            return usage?.OutputTokenCount == outputTokens && usage.InputTokenCount == prompt.Tokens.Length
                ? (usage, timings!)
                : throw new PeerException($"failed: it answered {usage?.OutputTokenCount} tokens of {outputTokens} to {usage?.InputTokenCount} of {prompt.Tokens.Length}");
        }
    }

    /// <summary>The model is the caller's.</summary>
    public override ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <summary>The schema is made a grammar for each request, unless it is the same text: as an application that has one schema does it.</summary>
    private Grammar? GrammarOf(string? schema)
    {
        if (schema is null)
            return null;
        if (!_grammars.TryGetValue(schema, out Grammar? grammar))
            _grammars[schema] = grammar = Grammar.FromJsonSchema(JsonElement.Parse(schema));
        return grammar;
    }
}
