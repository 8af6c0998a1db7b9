using System.Globalization;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Benchmarks;

/// <summary>The time to the first token of a conversation's second turn, for histories of growing length: only what is new is computed.</summary>
internal static class HistoryRun
{
    private const int AnswerTokens = 16;
    private const int Repetitions = 5;

    private static readonly int[] Histories = [256, 512, 1024, 2048, 4096];

    public static async Task<Table> MeasureAsync(string[] models, int? threads)
    {
        Table table = new(
            "The second turn of a conversation (milliseconds, medians)",
            "| model | history, tokens | first turn's first token | second turn's first token | beside the shortest history | computed tokens |",
            "|---|--:|--:|--:|--:|--:|");
        foreach (string name in models)
        {
            // One conversation after the other: nothing of the others is kept beside it.
            EmbeddedModelOptions options = new() { Threads = threads, MaxSequences = 1, ContextLength = Histories[^1] + 256 };
            await using Subject subject = await Subject.LoadAsync(name, options);
            double shortest = 0;
            foreach (int history in Histories)
            {
                List<TimeSpan> first = [], second = [];
                int computed = 0;
                for (int repetition = -1; repetition < (subject.IsSmall ? Repetitions : 3); repetition++)
                {
                    BenchmarkPrompt prompt = subject.CreatePrompt(history, seed: history + repetition);
                    ClientAnswer answer = await subject.AskAsync(prompt, AnswerTokens, keepText: true);
                    ChatMessage[] next = [.. prompt.Messages, new(ChatRole.Assistant, answer.Text), new(ChatRole.User, "And what comes after that?")];
                    ClientAnswer nextAnswer = await subject.AskAsync(next, AnswerTokens);
                    if (repetition < 0)
                        continue;
                    first.Add(answer.Timings.Queue + answer.Timings.Prefill);
                    second.Add(nextAnswer.Timings.Queue + nextAnswer.Timings.Prefill);
                    computed = nextAnswer.InputTokens - nextAnswer.CachedTokens;
                }

                double median = new Percentiles(second)[50];
                shortest = shortest == 0 ? median : shortest;
                table.Add(string.Create(
                    CultureInfo.InvariantCulture,
                    $"| {subject.Model.Id} | {history:N0} | {new Percentiles(first)[50]:N1} | {median:N1} | {median / shortest:F2} | {computed} |"));
            }
        }

        return table;
    }
}
