using System.Diagnostics;
using System.Runtime.CompilerServices;
using EmbeddedLlm.Benchmarks.Results;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Benchmarks.Subjects;

/// <summary>The second turn of a conversation, for histories of growing length: only what is new is computed.</summary>
internal static class PrefixReuseSubject
{
    private const int AnswerTokens = 16;
    private const int Tile = 64;

    public static async IAsyncEnumerable<Figure> MeasureAsync(RunSettings settings, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        int[] histories = settings.IsQuick ? [256] : [256, 512, 1024, 2048, 4096];
        foreach (string name in settings.Models)
        {
            // One conversation after the other: nothing of the others is kept beside it.
            await using Subject subject = await Subject.LoadAsync(name, settings, options =>
            {
                options.MaxSequences = 1;
                options.ContextLength = histories[^1] + 256;
                options.PrefixCacheLength = null;
            });
            FigureMaker maker = new("prefix-reuse", settings, name, subject.Model.Threads);
            foreach (int history in histories)
            {
                List<Conversation> conversations = [];
                for (int i = -1; i < (settings.IsQuick ? 2 : 3); i++)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    Conversation conversation = await HoldAsync(subject, history, seed: history + i);
                    if (i >= 0)
                        conversations.Add(conversation);
                }

                string what = $"history of {history}";
                yield return maker.Of($"{what}, first turn", FigureUnit.Milliseconds, Spread.Of(conversations.Select(conversation => conversation.First.TotalMilliseconds)));
                Spread second = Spread.Of(conversations.Select(conversation => conversation.Second.TotalMilliseconds));
                Spread bare = Spread.Of(GoOnBare(subject, conversations[^1]));
                yield return maker.Of($"{what}, second turn", FigureUnit.Milliseconds, second);
                yield return maker.Of($"{what}, second turn", FigureUnit.Milliseconds, bare, FigureMaker.Bare);
                yield return maker.Of($"{what}, second turn", FigureUnit.Ratio, bare.Median / second.Median) with { Remark = "the bare loop keeps the history's cells too, and computes the same tokens" };
                yield return maker.Of($"{what}, second turn", FigureUnit.Tokens, Spread.Of(conversations.Select(conversation => (double)conversation.Computed))) with
                {
                    // What the first turn has not seen, its answer's last token, and what a word's boundary changes; or a tile of attention.
                    Target = Math.Max(conversations.Max(conversation => conversation.New) + AnswerTokens, Tile),
                    Remark = "computed of the prompt",
                };
            }
        }
    }

    /// <summary>The times in which the bare loop computes what the client computed of the second prompt, with the rest in its cells.</summary>
    private static double[] GoOnBare(Subject subject, Conversation conversation)
    {
        const int Runs = 5;
        int[] tokens = conversation.Tokens;
        int kept = tokens.Length - conversation.Computed;
        subject.Bare.Prefill(tokens[..kept]);
        double[] times = new double[Runs];
        for (int i = -1; i < Runs; i++)
        {
            long start = Stopwatch.GetTimestamp();
            subject.Bare.Continue(kept, tokens.AsSpan(kept));
            if (i >= 0)
                times[i] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }

        return times;
    }

    private static async Task<Conversation> HoldAsync(Subject subject, int history, int seed)
    {
        BenchmarkPrompt prompt = subject.CreatePrompt(history, seed);
        ClientAnswer answer = await subject.AskAsync(prompt, AnswerTokens, keepText: true);
        ChatMessage[] next = [.. prompt.Messages, new(ChatRole.Assistant, answer.Text), new(ChatRole.User, "And what comes after that?")];
        ClientAnswer second = await subject.AskAsync(next, AnswerTokens);
        return new Conversation(
            answer.Timings.Queue + answer.Timings.Prefill,
            second.Timings.Queue + second.Timings.Prefill,
            second.InputTokens - second.CachedTokens,
            second.InputTokens - answer.InputTokens - AnswerTokens + 1,
            subject.TokensOf(next));
    }

    /// <param name="First">The first turn's time to its first token.</param>
    /// <param name="Second">The second turn's.</param>
    /// <param name="Computed">The tokens of the second prompt that were computed.</param>
    /// <param name="New">Those that the first turn had not computed.</param>
    /// <param name="Tokens">The second prompt's tokens.</param>
    private readonly record struct Conversation(TimeSpan First, TimeSpan Second, int Computed, int New, int[] Tokens);
}
