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
                int pairs = settings.IsQuick ? 2 : subject.IsSmall ? 21 : history > 1024 ? 3 : 5;
                int kept = 0;
                for (int i = -1; i < pairs; i++)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    Conversation conversation = await HoldAsync(subject, history, seed: history + i, kept);
                    if (i >= 0)
                        conversations.Add(conversation);
                    else
                        kept = PrefillBare(subject, conversation);
                }

                string what = $"history of {history}";
                yield return maker.Of($"{what}, first turn", FigureUnit.Milliseconds, Spread.Of(conversations.Select(conversation => conversation.First.TotalMilliseconds)));
                yield return maker.Of($"{what}, second turn", FigureUnit.Milliseconds, Spread.Of(conversations.Select(conversation => conversation.Second.TotalMilliseconds)));
                yield return maker.Of($"{what}, second turn", FigureUnit.Milliseconds, Spread.Of(conversations.Select(conversation => conversation.Bare.TotalMilliseconds)), FigureMaker.Bare);
                yield return maker.Of($"{what}, second turn", FigureUnit.Ratio, Spread.Of(conversations.Select(conversation => conversation.Bare / conversation.Second))) with
                {
                    Remark = "the bare loop keeps as many cells, and computes as many tokens",
                };
                yield return maker.Of($"{what}, second turn", FigureUnit.Tokens, Spread.Of(conversations.Select(conversation => (double)conversation.Computed))) with
                {
                    // What the first turn has not seen, its answer's last token, and what a word's boundary changes; or a tile of attention.
                    Target = Math.Max(conversations.Max(conversation => conversation.New) + AnswerTokens, Tile),
                    Remark = "computed of the prompt",
                };
            }
        }
    }

    /// <summary>Two turns, and right behind the second the bare loop's: as many tokens as the client computed, after a history of its own.</summary>
    private static async Task<Conversation> HoldAsync(Subject subject, int history, int seed, int kept)
    {
        BenchmarkPrompt prompt = subject.CreatePrompt(history, seed);
        int? core = subject.Model.Threads == 1 ? ComputingCore.HoldEngines() : null;
        ClientAnswer answer = await subject.AskAsync(prompt, AnswerTokens, keepText: true);
        ChatMessage[] next = [.. prompt.Messages, new(ChatRole.Assistant, answer.Text), new(ChatRole.User, "And what comes after that?")];
        ClientAnswer second = await subject.AskAsync(next, AnswerTokens);
        int computed = second.InputTokens - second.CachedTokens;
        int[] tokens = subject.TokensOf(next);
        return new Conversation(
            answer.Timings.Queue + answer.Timings.Prefill,
            second.Timings.Queue + second.Timings.Prefill,
            kept > 0 ? GoOnBare(subject, kept, tokens, computed, core) : TimeSpan.Zero,
            computed,
            second.InputTokens - answer.InputTokens - AnswerTokens + 1,
            tokens);
    }

    /// <summary>Gives the bare loop a history: one for all conversations of a length, since what is in the cells makes no difference to the time.</summary>
    /// <returns>How many tokens it has.</returns>
    private static int PrefillBare(Subject subject, Conversation conversation)
    {
        int kept = conversation.Tokens.Length - conversation.Computed;
        subject.Bare.Prefill(conversation.Tokens[..kept]);
        return kept;
    }

    /// <summary>The time in which the bare loop computes the last tokens. As the client's first turn has, a token by itself comes ahead of it, so that neither begins cold.</summary>
    private static TimeSpan GoOnBare(Subject subject, int kept, ReadOnlySpan<int> tokens, int computed, int? core)
    {
        if (core is { } number)
            ComputingCore.HoldCaller(number);
        try
        {
            subject.Bare.Continue(kept - 1, tokens[^(computed + 1)..^computed]);
            long start = Stopwatch.GetTimestamp();
            subject.Bare.Continue(kept, tokens[^computed..]);
            return Stopwatch.GetElapsedTime(start);
        }
        finally
        {
            if (core is not null)
                ComputingCore.ReleaseCaller();
        }
    }

    /// <param name="First">The first turn's time to its first token.</param>
    /// <param name="Second">The second turn's.</param>
    /// <param name="Bare">The bare loop's for as many tokens; zero where it has no history yet.</param>
    /// <param name="Computed">The tokens of the second prompt that were computed.</param>
    /// <param name="New">Those that the first turn had not computed.</param>
    /// <param name="Tokens">The second prompt's tokens.</param>
    private readonly record struct Conversation(TimeSpan First, TimeSpan Second, TimeSpan Bare, int Computed, int New, int[] Tokens);
}
