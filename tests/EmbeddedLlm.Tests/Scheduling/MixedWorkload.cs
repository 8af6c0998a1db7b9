using EmbeddedLlm.Scheduling;

namespace EmbeddedLlm.Tests.Scheduling;

/// <summary>Requests that make use of all a scheduler has, within few steps: prompts in chunks, guesses, shared beginnings, a conversation's next turn, priorities, and fewer cells than they need.</summary>
internal static class MixedWorkload
{
    public const int ContextLength = 110;

    private const string Beginning = "You are a helpful assistant. ";

    private static readonly (string Prompt, int MaxTokens, int Priority)[] s_requests = CreateRequests();

    public static int Count => s_requests.Length;

    public static SchedulerLimits Limits { get; } = new()
    {
        ContextLength = ContextLength,
        QueueCapacity = 20,
        PrefillChunk = 7,
        PrefixCells = 60,
        DraftLength = 4,
    };

    public static FakeDecoder CreateDecoder() => new(5, cells: 130, batch: 16) { Repeats = true, KeepsHistory = false };

    public static GenerationRequest Request(int request) =>
        SchedulerFixture.Request(s_requests[request].Prompt, s_requests[request].MaxTokens, priority: s_requests[request].Priority);

    public static string Answer(int request) => FakeDecoder.Answer(s_requests[request].Prompt, s_requests[request].MaxTokens, repeats: true);

    private static (string Prompt, int MaxTokens, int Priority)[] CreateRequests()
    {
        string first = LongAnswer(Beginning + "One? ", 20);
        return
        [
            (first, 20, 0),
            (LongAnswer(Beginning + "Two? ", 40), 40, 0),
            (LongAnswer("A prompt that takes several chunks, since it goes on and on until it ends. ", 25), 25, -1),
            (LongAnswer("short ", 45), 45, 0),
            (LongAnswer("soon ", 12), 12, 1),
            ($"{first}{FakeDecoder.Answer(first, 20, repeats: true)}\nAnd then? ", 15, 0),
            (LongAnswer(Beginning + "Three? ", 10), 10, 0),
        ];
    }

    private static string LongAnswer(string prompt, int length) =>
        Enumerable.Range(0, 1000).Select(i => prompt + i).First(candidate => FakeDecoder.Answer(candidate, length, repeats: true).Length == length);
}
