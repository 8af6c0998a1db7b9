using System.Collections.Concurrent;
using System.Text;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Native.Tests.Scheduling;

/// <summary>One of many callers: asks this and that, at once or as a stream, goes on with conversations, and cancels a third of its requests.</summary>
internal sealed class SoakCaller(IChatClient chat, SoakFigures figures, Random random)
{
    private static readonly string?[] s_instructions =
    [
        null, "You are a helpful assistant. Answer briefly, and say nothing that was not asked for.", "You are a helpful assistant. Answer in English, whatever the question's language is.",
    ];

    private static readonly string[] s_names = ["Ana", "Bruno", "Carla", "David"];
    private static readonly string[] s_numbers = ["three", "four", "five", "six", "seven", "eight", "nine", "ten"];
    private static readonly string[] s_places = ["Japan", "France", "Spain", "Italy", "Peru"];

    public async Task RunAsync(int requests, CancellationToken cancellationToken)
    {
        List<ChatMessage> messages = [];
        for (int i = 0; i < requests; i++)
        {
            if (messages.Count > 5 || random.Next(2) == 0)
                messages = s_instructions[random.Next(s_instructions.Length)] is { } text ? [new(ChatRole.System, text)] : [];
            messages = [.. messages, new(ChatRole.User, Question())];
            if (await AskAsync(messages, cancellationToken) is { } answer)
                messages = [.. messages, new(ChatRole.Assistant, answer)];
            else
                messages = [];
        }
    }

    private string Question() => random.Next(6) switch
    {
        0 => $"Count to {Pick(s_numbers)}.",
        1 => $"What is the capital of {Pick(s_places)}?",
        2 => $"Extract the person: {Pick(s_names)} is {random.Next(30, 33)} years old and lives in Lisbon.",
        3 => $"My name is {Pick(s_names)}.",
        4 => "What is my name?",
        _ => "Tell me a story about a fox.",
    };

    /// <summary>The answer, or null where the request was cancelled.</summary>
    private async Task<string?> AskAsync(IReadOnlyList<ChatMessage> messages, CancellationToken cancellationToken)
    {
        ChatOptions options = new() { Temperature = 0, MaxOutputTokens = random.Next(4) == 0 ? 6 : 48 };
        using CancellationTokenSource source = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Moment moment = random.Next(3) > 0 ? Moment.Never : (Moment)random.Next(1, 5);
        bool streams = moment >= Moment.InTheMidst || random.Next(2) == 0;
        try
        {
            ChatResponse? response = streams
                ? await StreamAsync(messages, options, moment, source)
                : await GetAsync(messages, options, moment, source);
            if (response is null)
            {
                figures.AddCancelled(moment);
                return null;
            }

            // A cancellation may come too late to matter; then the answer is whole.
            figures.Add(new SoakAnswer(messages, options, response));
            return response.Text;
        }
        catch (OperationCanceledException) when (source.IsCancellationRequested && moment != Moment.Never)
        {
            figures.AddCancelled(moment);
            return null;
        }
    }

    private async Task<ChatResponse?> GetAsync(IReadOnlyList<ChatMessage> messages, ChatOptions options, Moment moment, CancellationTokenSource source)
    {
        Task<ChatResponse> task = chat.GetResponseAsync(messages, options, source.Token);
        if (moment == Moment.AtOnce)
            await source.CancelAsync();
        return await task;
    }

    private async Task<ChatResponse?> StreamAsync(IReadOnlyList<ChatMessage> messages, ChatOptions options, Moment moment, CancellationTokenSource source)
    {
        List<ChatResponseUpdate> updates = [];
        int last = moment is Moment.InTheMidst or Moment.ByLeaving ? random.Next(1, 8) : int.MaxValue;
        IAsyncEnumerable<ChatResponseUpdate> stream = chat.GetStreamingResponseAsync(messages, options, source.Token);
        if (moment == Moment.AtOnce)
            source.CancelAfter(TimeSpan.FromMilliseconds(random.Next(4)));
        await foreach (ChatResponseUpdate update in stream)
        {
            updates.Add(update);
            if (updates.Count >= last && moment == Moment.ByLeaving)
                return null;
            if (updates.Count >= last || (moment == Moment.AtTheEnd && update.Text.Contains('.', StringComparison.Ordinal)))
                await source.CancelAsync();
        }

        return updates.ToChatResponse();
    }

    private string Pick(string[] texts) => texts[random.Next(texts.Length)];
}

/// <summary>When a request is cancelled.</summary>
internal enum Moment
{
    Never,

    /// <summary>In the queue or before the first token.</summary>
    AtOnce,

    /// <summary>After some of the answer.</summary>
    InTheMidst,

    /// <summary>With the answer's last words, so that some come too late.</summary>
    AtTheEnd,

    /// <summary>By reading no further.</summary>
    ByLeaving,
}

/// <summary>A whole answer, with what was asked.</summary>
internal sealed class SoakAnswer(IReadOnlyList<ChatMessage> messages, ChatOptions options, ChatResponse response)
{
    public IReadOnlyList<ChatMessage> Messages { get; } = messages;

    public ChatOptions Options { get; } = options;

    public string Text { get; } = response.Text;

    public bool IsCut { get; } = response.FinishReason == ChatFinishReason.Length;

    public int InputTokens { get; } = (int)response.Usage!.InputTokenCount!.Value;

    public int CachedTokens { get; } = (int)response.Usage!.CachedInputTokenCount!.Value;

    public string Key { get; } = messages.Aggregate(new StringBuilder().Append(options.MaxOutputTokens), (text, message) => text.Append('\n').Append(message.Role).Append(message.Text)).ToString();
}

/// <summary>What came of all requests. Thread-safe.</summary>
internal sealed class SoakFigures
{
    private readonly int[] _cancelled = new int[Enum.GetValues<Moment>().Length];

    public ConcurrentBag<SoakAnswer> Answers { get; } = [];

    public ConcurrentBag<Exception> Errors { get; } = [];

    public int Cancelled => _cancelled.Sum();

    public int CachedRequests => Answers.Count(answer => answer.CachedTokens > 0);

    public void Add(SoakAnswer answer) => Answers.Add(answer);

    public void AddCancelled(Moment moment) => Interlocked.Increment(ref _cancelled[(int)moment]);

    public void Try(Action action)
    {
        try
        {
            action();
        }
        catch (Exception exception)
        {
            Errors.Add(exception);
        }
    }

    public override string ToString() =>
        $"{Answers.Count} answered, {Answers.Count(answer => answer.Messages.Count > 2)} of them further turns, {CachedRequests} with cached tokens; " +
        $"cancelled: {string.Join(", ", Enum.GetValues<Moment>().Skip(1).Select(moment => $"{_cancelled[(int)moment]} {moment}"))}";
}
