using System.Runtime.CompilerServices;
using System.Text;
using EmbeddedLlm.Runtime;
using EmbeddedLlm.Scheduling;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Client;

/// <summary>
/// A model as <see cref="IChatClient"/>. Thread-safe and stateless: each request carries its whole conversation. Disposal does nothing, since the model belongs to whoever loaded it.
/// </summary>
internal sealed class EmbeddedChatClient(EmbeddedModel model, PromptBuilder prompts, SamplingDefaults sampling) : IChatClient
{
    private readonly ChatClientMetadata _metadata = new("embeddedllm", providerUri: null, model.Id);

    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        ResponseMapper mapper = ResponseMapper.Create(model.Id);
        (GenerationStream stream, ReasoningSplitter? splitter, int dropped) = await SubmitAsync(messages, options, cancellationToken).ConfigureAwait(false);
        mapper = mapper with { DroppedMessages = dropped };
        StringBuilder text = new();
        while (await stream.WaitToReadAsync().ConfigureAwait(false))
            text.Append(stream.ReadText());
        (string reasoning, string answer) = splitter?.Push(text.ToString(), isLast: true) ?? ("", text.ToString());
        return mapper.Response(reasoning, answer, stream.Summary);
    }

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        ResponseMapper mapper = ResponseMapper.Create(model.Id);
        (GenerationStream stream, ReasoningSplitter? splitter, int dropped) = await SubmitAsync(messages, options, cancellationToken).ConfigureAwait(false);
        mapper = mapper with { DroppedMessages = dropped };
        try
        {
            bool isLast;
            do
            {
                isLast = !await stream.WaitToReadAsync().ConfigureAwait(false);
                string piece = stream.ReadText();
                (string reasoning, string text) = splitter?.Push(piece, isLast) ?? ("", piece);
                if (reasoning.Length > 0)
                    yield return mapper.ReasoningUpdate(reasoning);
                if (text.Length > 0)
                    yield return mapper.TextUpdate(text);
            }
            while (!isLast);
            yield return mapper.LastUpdate(stream.Summary);
        }
        finally
        {
            // A caller who stops reading early wants no more tokens; after the end this does nothing.
            stream.TryFail(new OperationCanceledException());
        }
    }

    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        if (serviceKey is not null)
            return null;
        return serviceType == typeof(ChatClientMetadata) ? _metadata
            : serviceType.IsInstanceOfType(this) ? this
            : serviceType.IsInstanceOfType(model) ? model
            : null;
    }

    public void Dispose()
    {
    }

    /// <summary>Renders and tokenizes on the thread pool, so that a long prompt does not hold up a caller's user interface.</summary>
    private Task<(GenerationStream Stream, ReasoningSplitter? Splitter, int DroppedMessages)> SubmitAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options, CancellationToken cancellationToken) =>
        Task.Run(() => Submit(messages, options, cancellationToken), cancellationToken);

    private (GenerationStream Stream, ReasoningSplitter? Splitter, int DroppedMessages) Submit(
        IEnumerable<ChatMessage> messages, ChatOptions? options, CancellationToken cancellationToken)
    {
        RequestMapper.EnsureSupported(options, model.Id);
        EmbeddedChatOptions? more = RequestMapper.RawRepresentation(options, this);
        Grammar? grammar = RequestMapper.GrammarOf(options, more);
        (IReadOnlyList<TextPart> prompt, int[] tokens, int dropped) = BuildPrompt([.. messages], options, more, cancellationToken);
        ReasoningFormat? reasoning = prompts.Reasoning;
        bool isReasoningOpen = reasoning?.IsOpenAfter(prompt) ?? false;
        (TimeSpan? firstToken, TimeSpan? whole) = RequestMapper.Timeouts(more, model.Timeouts);
        GenerationRequest request = new()
        {
            Prompt = tokens,
            MaxOutputTokens = RequestMapper.MaxOutputTokens(options),
            StopStrings = RequestMapper.StopStrings(options),
            Sampling = RequestMapper.Sampling(options, more, sampling),
            Priority = more?.Priority ?? 0,
            FirstTokenTimeout = firstToken,
            RequestTimeout = whole,
            Constraint = grammar is null ? null : model.Constrain(grammar, reasoning?.Markers(isReasoningOpen)),
        };
        GenerationStream stream = tokens.Length >= model.ContextLength && RequestMapper.ContextOverflow(more) == ContextOverflowPolicy.Stop
            ? GenerationStream.CompleteAtOnce(new GenerationSummary { End = GenerationEnd.Length, PromptTokens = tokens.Length })
            : model.Submit(request, cancellationToken);
        return (stream, reasoning is null ? null : new ReasoningSplitter(reasoning, isReasoningOpen), dropped);
    }

    /// <summary>The prompt of as much of the conversation as the caller wants to be sent, and how many messages that leaves out.</summary>
    private (IReadOnlyList<TextPart> Parts, int[] Tokens, int DroppedMessages) BuildPrompt(
        IReadOnlyList<ChatMessage> messages, ChatOptions? options, EmbeddedChatOptions? more, CancellationToken cancellationToken)
    {
        (IReadOnlyList<TextPart> parts, int[] tokens) = Build(messages);
        int longest = model.ContextLength - Math.Min(RequestMapper.MaxOutputTokens(options), Math.Max(model.ContextLength / 4, 1));
        if (tokens.Length <= longest || RequestMapper.ContextOverflow(more) != ContextOverflowPolicy.DropOldestTurns)
            return (parts, tokens, 0);
        ConversationTurns turns = new(messages);
        IReadOnlyList<ChatMessage> rest = turns.Without(turns.LeastToDrop(some => Build(some).Tokens.Length <= longest));
        (parts, tokens) = Build(rest);
        return (parts, tokens, messages.Count - rest.Count);

        (IReadOnlyList<TextPart> Parts, int[] Tokens) Build(IReadOnlyList<ChatMessage> some)
        {
            IReadOnlyList<TextPart> built = prompts.Build(some, options?.Instructions, cancellationToken);
            return (built, model.Tokenizer.TokenizePrompt(built));
        }
    }
}
