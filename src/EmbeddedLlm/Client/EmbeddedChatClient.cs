using System.Runtime.CompilerServices;
using System.Text;
using EmbeddedLlm.Runtime;
using EmbeddedLlm.Scheduling;
using EmbeddedLlm.Templates;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Client;

/// <summary>
/// A model as <see cref="IChatClient"/>. Thread-safe and stateless: each request carries its whole conversation. Disposal does nothing, since the model belongs to whoever loaded it.
/// </summary>
internal sealed class EmbeddedChatClient(EmbeddedModel model, PromptBuilder prompts, SamplingDefaults sampling) : IChatClient
{
    /// <summary>How many sets of tools are kept with their grammars; then all are forgotten.</summary>
    private const int KeptGrammars = 32;

    private readonly Dictionary<(string Tools, Grammar? Answer), ToolConstraint> _toolGrammars = [];
    private readonly ChatClientMetadata _metadata = new("embeddedllm", providerUri: null, model.Id);

    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        ResponseMapper mapper = ResponseMapper.Create(model.Id);
        (GenerationStream stream, AnswerReader reader, int dropped) = await SubmitAsync(messages, options, cancellationToken).ConfigureAwait(false);
        mapper = mapper with { DroppedMessages = dropped };
        TokenCarrier tokens = new();
        StringBuilder text = new();
        bool isLast;
        do
        {
            isLast = !await stream.WaitToReadAsync().ConfigureAwait(false);
            text.Append(tokens.Read(stream));
        }
        while (!isLast);
        (string reasoning, string answer, IReadOnlyList<AIContent> calls) = reader.Push(text.ToString(), isLast: true);
        return tokens.On(mapper.Response(reasoning, answer, stream.Summary, calls));
    }

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        ResponseMapper mapper = ResponseMapper.Create(model.Id);
        (GenerationStream stream, AnswerReader reader, int dropped) = await SubmitAsync(messages, options, cancellationToken).ConfigureAwait(false);
        mapper = mapper with { DroppedMessages = dropped };
        TokenCarrier tokens = new();
        try
        {
            bool isLast;
            do
            {
                isLast = !await stream.WaitToReadAsync().ConfigureAwait(false);
                (string reasoning, string text, IReadOnlyList<AIContent> calls) = reader.Push(tokens.Read(stream), isLast);
                if (reasoning.Length > 0)
                    yield return tokens.On(mapper.ReasoningUpdate(reasoning));
                if (text.Length > 0)
                    yield return tokens.On(mapper.TextUpdate(text));
                foreach (AIContent call in calls)
                    yield return tokens.On(mapper.CallUpdate(call));
            }
            while (!isLast);
            yield return tokens.On(mapper.LastUpdate(stream.Summary, reader.HasCalls));
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

    /// <summary>The priority of prefixes that are computed ahead: after all requests, where they are given none.</summary>
    internal const int PreloadPriority = int.MinValue;

    /// <summary>The tokens that all prompts begin with which begin with these messages, and the priority that the options give them.</summary>
    /// <exception cref="ChatTemplateException">The template refuses the messages with a user's after them.</exception>
    /// <exception cref="NotSupportedException">An option or content is not supported.</exception>
    internal (int[] Tokens, int Priority) FindPrefix(IReadOnlyList<ChatMessage> messages, ChatOptions? options, CancellationToken cancellationToken)
    {
        RequestMapper.EnsureSupported(options, model.Id);
        EmbeddedChatOptions? more = RequestMapper.RawRepresentation(options, this);
        ToolSet? tools = ToolSet.Of(options);
        return (PromptBoundaries.CommonBeginning(messages, Tokens(options, tools, cancellationToken)), more?.Priority ?? PreloadPriority);
    }

    /// <summary>Renders and tokenizes on the thread pool, so that a long prompt does not hold up a caller's user interface.</summary>
    private Task<(GenerationStream Stream, AnswerReader Reader, int DroppedMessages)> SubmitAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options, CancellationToken cancellationToken) =>
        Task.Run(() => Submit(messages, options, cancellationToken), cancellationToken);

    private (GenerationStream Stream, AnswerReader Reader, int DroppedMessages) Submit(
        IEnumerable<ChatMessage> messages, ChatOptions? options, CancellationToken cancellationToken)
    {
        RequestMapper.EnsureSupported(options, model.Id);
        EmbeddedChatOptions? more = RequestMapper.RawRepresentation(options, this);
        ToolSet? tools = ToolSet.Of(options);
        if (tools is not null && prompts.Tools.Variable is null && model.ToolFallback == ToolFallback.Refuse)
            throw RequestMapper.NotSupported(nameof(options.Tools), $"the chat template of '{model.Id}' does not tell the model about tools, and {nameof(EmbeddedModelOptions)}.{nameof(ToolFallback)} is {ToolFallback.Refuse}");
        Grammar? answer = RequestMapper.GrammarOf(options, more, tools);
        ToolConstraint? calls = tools is null ? null : ConstraintOf(answer, tools);
        Grammar? grammar = calls?.Grammar ?? answer;
        IReadOnlyList<ChatMessage> conversation = [.. messages];
        (IReadOnlyList<TextPart> prompt, int[] tokens, int dropped) = BuildPrompt(conversation, options, more, tools, cancellationToken);
        bool isHarmony = tools is not null && prompts.Tools.Format.IsHarmony;
        ReasoningFormat? reasoning = isHarmony ? null : prompts.Reasoning;
        bool isReasoningOpen = reasoning?.IsOpenAfter(prompt) ?? false;
        (TimeSpan? firstToken, TimeSpan? whole) = RequestMapper.Timeouts(more, model.Timeouts);
        GenerationRequest request = new()
        {
            Prompt = tokens,
            MaxOutputTokens = RequestMapper.MaxOutputTokens(options),
            StopStrings = RequestMapper.StopStrings(options),
            Sampling = RequestMapper.Sampling(options, more, sampling),
            TokenReport = RequestMapper.TokenReport(more),
            Priority = more?.Priority ?? 0,
            FirstTokenTimeout = firstToken,
            RequestTimeout = whole,
            Checkpoints = model.KeepsCheckpoints && dropped == 0 ? FindBoundaries(conversation, tokens, options, tools, cancellationToken) : [],
            Constraint = grammar is null ? null : model.Constrain(grammar, reasoning?.Markers(isReasoningOpen), calls?.Trigger),
            ShownControls = tools is null ? [] : ShownControls(reasoning),
        };
        GenerationStream stream = tokens.Length >= model.ContextLength && RequestMapper.ContextOverflow(more) == ContextOverflowPolicy.Stop
            ? GenerationStream.CompleteAtOnce(new GenerationSummary { End = GenerationEnd.Length, PromptTokens = tokens.Length })
            : model.Submit(request, cancellationToken);
        return (stream, new AnswerReader(reasoning is null ? null : new ReasoningSplitter(reasoning, isReasoningOpen), tools is null || isHarmony ? null : new ToolCallReader(prompts.Tools.Format, calls?.Arguments), isHarmony ? new HarmonyReader() : null), dropped);
    }

    /// <summary>Where other prompts may part from this one; of use where the model's memory cannot be cut.</summary>
    private int[] FindBoundaries(IReadOnlyList<ChatMessage> messages, int[] tokens, ChatOptions? options, ToolSet? tools, CancellationToken cancellationToken) =>
        PromptBoundaries.Find(
            messages, tokens, hasInstructions: tools is not null || !string.IsNullOrEmpty(options?.Instructions), Tokens(options, tools, cancellationToken));

    private Func<IReadOnlyList<ChatMessage>, int[]> Tokens(ChatOptions? options, ToolSet? tools, CancellationToken cancellationToken) =>
        messages => model.Tokenizer.TokenizePrompt(prompts.Build(messages, options?.Instructions, tools, cancellationToken));

    /// <summary>What the answer is held to, tools' calls included, and from where on.</summary>
    private ToolConstraint ConstraintOf(Grammar? answer, ToolSet tools)
    {
        lock (_toolGrammars)
        {
            if (_toolGrammars.TryGetValue((tools.Key, answer), out ToolConstraint? known))
                return known;
        }

        ToolConstraint made = ToolGrammar.Create(prompts.Tools.Format, tools, answer, new ControlTokens(FindControl, IsEnd));
        lock (_toolGrammars)
        {
            if (_toolGrammars.Count >= KeptGrammars)
                _toolGrammars.Clear();
            _toolGrammars[(tools.Key, answer)] = made;
        }

        return made;
    }

    /// <summary>The control tokens by whose text calls are told from the rest of the answer.</summary>
    private int[] ShownControls(ReasoningFormat? reasoning) =>
        [.. prompts.Tools.Format.Markers().Concat(reasoning is null ? [] : [reasoning.Open, reasoning.Close]).Select(FindControl).Where(token => token >= 0)];

    private int FindControl(string text) => model.GrammarVocabulary.FindControl(Encoding.UTF8.GetBytes(text));

    private bool IsEnd(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        foreach (int token in model.GrammarVocabulary.EndTokens)
        {
            if (model.GrammarVocabulary.Vocabulary.BytesOf(token).SequenceEqual(bytes))
                return true;
        }

        return false;
    }

    /// <summary>The prompt of as much of the conversation as the caller wants to be sent, and how many messages that leaves out.</summary>
    private (IReadOnlyList<TextPart> Parts, int[] Tokens, int DroppedMessages) BuildPrompt(
        IReadOnlyList<ChatMessage> messages, ChatOptions? options, EmbeddedChatOptions? more, ToolSet? tools, CancellationToken cancellationToken)
    {
        (IReadOnlyList<TextPart> parts, int[] tokens) = Build(messages);
        int longest = model.ContextLength - Math.Min(RequestMapper.MaxOutputTokens(options), Math.Max(model.ContextLength / 4, 1));
        if (tokens.Length <= longest || RequestMapper.ContextOverflow(more) != ContextOverflowPolicy.DropOldestTurns)
            return (parts, tokens, 0);
        ConversationTurns turns = new(messages);
        IReadOnlyList<ChatMessage> rest = turns.Without(turns.CountToDrop(some => Build(some).Tokens.Length, tokens.Length, longest));
        (parts, tokens) = Build(rest);
        return (parts, tokens, messages.Count - rest.Count);

        (IReadOnlyList<TextPart> Parts, int[] Tokens) Build(IReadOnlyList<ChatMessage> some)
        {
            IReadOnlyList<TextPart> built = prompts.Build(some, options?.Instructions, tools, cancellationToken);
            return (built, model.Tokenizer.TokenizePrompt(built));
        }
    }
}
