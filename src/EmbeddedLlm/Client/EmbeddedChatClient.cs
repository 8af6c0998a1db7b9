using System.Runtime.CompilerServices;
using System.Text;
using EmbeddedLlm.Runtime;
using EmbeddedLlm.Scheduling;
using EmbeddedLlm.Templates;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Client;

/// <summary>
/// A model as <see cref="IChatClient"/>. Thread-safe and stateless but for the conversations that the model keeps where it is asked to. Disposal does nothing, since the model belongs to whoever loaded it.
/// </summary>
internal sealed class EmbeddedChatClient(EmbeddedModel model, PromptBuilder prompts, SamplingDefaults sampling) : IChatClient
{
    /// <summary>What telemetry calls the library.</summary>
    internal const string ProviderName = "embeddedllm";

    /// <summary>How many sets of tools are kept with their grammars; then all are forgotten.</summary>
    private const int KeptGrammars = 32;

    private readonly Dictionary<(string Tools, Grammar? Answer), ToolConstraint> _toolGrammars = [];
    private readonly ChatClientMetadata _metadata = new(ProviderName, providerUri: null, model.Id);

    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        using RunningAnswer running = await SubmitAsync(messages, options, cancellationToken).ConfigureAwait(false);
        await running.Stream.WaitForAllAsync().ConfigureAwait(false);
        (string reasoning, string answer, IReadOnlyList<AIContent> calls) = running.Reader.Push(running.Tokens.Read(running.Stream), isLast: true);
        running.Keep(reasoning, answer, calls);
        running.Complete();
        return running.Tokens.On(running.Mapper.Response(running.ShowsReasoning ? reasoning : "", answer, running.Stream.Summary, calls));
    }

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        using RunningAnswer running = await SubmitAsync(messages, options, cancellationToken).ConfigureAwait(false);
        (ResponseMapper mapper, TokenCarrier tokens) = (running.Mapper, running.Tokens);
        try
        {
            bool isLast;
            do
            {
                isLast = !await running.Stream.WaitToReadAsync().ConfigureAwait(false);
                (string reasoning, string text, IReadOnlyList<AIContent> calls) = running.Reader.Push(tokens.Read(running.Stream), isLast);
                running.Keep(reasoning, text, calls);
                if (reasoning.Length > 0 && running.ShowsReasoning)
                    yield return tokens.On(mapper.ReasoningUpdate(reasoning));
                if (text.Length > 0)
                    yield return tokens.On(mapper.TextUpdate(text));
                foreach (AIContent call in calls)
                    yield return tokens.On(mapper.CallUpdate(call));
            }
            while (!isLast);
            running.Complete();
            yield return tokens.On(mapper.LastUpdate(running.Stream.Summary, running.Reader.HasCalls));
        }
        finally
        {
            // A caller who stops reading early wants no more tokens; after the end this does nothing.
            running.Stream.Abandon();
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

    /// <summary>The tokens that all prompts begin with which begin with these messages, and the adapters and the priority that the options give them.</summary>
    /// <exception cref="ArgumentException">An adapter is not there.</exception>
    /// <exception cref="ChatTemplateException">The template refuses the messages with a user's after them.</exception>
    /// <exception cref="NotSupportedException">An option or content is not supported.</exception>
    internal Task<(PinnedPrefix Prefix, int Priority)> FindPrefixAsync(IEnumerable<ChatMessage> messages, ChatOptions? options, CancellationToken cancellationToken)
    {
        RequestMapper.EnsureSupported(options, model.Id);
        // As for a request: on the caller's thread, and what is read later is copied.
        EmbeddedChatOptions? more = (EmbeddedChatOptions?)RequestMapper.RawRepresentation(options, this)?.Copy();
        ChatMessage[] beginning = [.. messages];
        ChatOptions? copy = options?.Clone();
        return Task.Run(() => FindPrefix(beginning, copy, more, cancellationToken), cancellationToken);
    }

    private (PinnedPrefix Prefix, int Priority) FindPrefix(ChatMessage[] messages, ChatOptions? options, EmbeddedChatOptions? more, CancellationToken cancellationToken)
    {
        PromptRequest asked = PromptRequestOf(options, more, ToolSet.Of(options), ReasoningRequest.Of(options, more, prompts.Reasoning));
        int[] tokens = PromptBoundaries.CommonBeginning(SettledApprovals.LeaveOut(messages), Tokens(asked, cancellationToken));
        return (new PinnedPrefix(tokens, model.AdaptersFor(more?.Adapters)), more?.Priority ?? PreloadPriority);
    }

    /// <summary>
    /// Renders and tokenizes on the thread pool, so that a long prompt holds up neither a caller's user interface nor other requests of the same caller; at once where that takes less time than a thread to wake.
    /// </summary>
    private ValueTask<RunningAnswer> SubmitAsync(IEnumerable<ChatMessage> messages, ChatOptions? options, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        RequestMapper.EnsureSupported(options, model.Id);
        EmbeddedChatOptions? more = RequestMapper.RawRepresentation(options, this);
        // Gone through on the caller's thread: a list may be changed as soon as the call has returned, and what makes the messages may be bound to that thread.
        ChatMessage[] wanted = [.. messages];
        bool isHeld = SynchronizationContext.Current is not null || TaskScheduler.Current != TaskScheduler.Default;
        return isHeld || !ShortRequest.Is(wanted, options, more)
            ? new(SubmitOnPoolAsync(wanted, options, more, cancellationToken))
            : new(SubmitTurn(wanted, options, more, cancellationToken));
    }

    // Apart, so that requests that stay on their thread make no closure.
    private Task<RunningAnswer> SubmitOnPoolAsync(ChatMessage[] wanted, ChatOptions? options, EmbeddedChatOptions? more, CancellationToken cancellationToken)
    {
        // As a list of messages, options may be changed as soon as the call has returned.
        ChatOptions? asked = options?.Clone();
        EmbeddedChatOptions? copy = (EmbeddedChatOptions?)more?.Copy();
        return Task.Run(() => SubmitTurn(wanted, asked, copy, cancellationToken), cancellationToken);
    }

    /// <summary>Submits a request together with the conversation that it goes on with, where there is one.</summary>
    private RunningAnswer SubmitTurn(ChatMessage[] wanted, ChatOptions? options, EmbeddedChatOptions? more, CancellationToken cancellationToken)
    {
        ConversationStore.Turn? turn = options?.ConversationId is not null || more is { KeepConversation: true } ? model.Conversations.Begin(options?.ConversationId) : null;
        try
        {
            return Submit(SettledApprovals.LeaveOut(turn?.With(wanted) ?? wanted), options, more, cancellationToken) with { Turn = turn, Asked = wanted };
        }
        catch
        {
            turn?.Dispose();
            throw;
        }
    }

    private RunningAnswer Submit(ChatMessage[] messages, ChatOptions? options, EmbeddedChatOptions? more, CancellationToken cancellationToken)
    {
        ToolSet? tools = ToolSet.Of(options);
        if (tools is not null && !prompts.Tools.DescribesTools && model.ToolFallback == ToolFallback.Refuse)
            throw RequestMapper.NotSupported(nameof(options.Tools), $"the chat template of '{model.Id}' does not tell the model about tools, and {nameof(EmbeddedModelOptions)}.{nameof(ToolFallback)} is {ToolFallback.Refuse}");
        Grammar? answer = RequestMapper.GrammarOf(options, more, tools);
        ToolConstraint? calls = tools is null ? null : ConstraintOf(answer, tools);
        Grammar? grammar = calls?.Grammar ?? answer;
        GrammarTrigger? trigger = calls?.Trigger;
        ReasoningRequest wanted = ReasoningRequest.Of(options, more, prompts.Reasoning);
        PromptRequest asked = PromptRequestOf(options, more, tools, wanted);
        (IReadOnlyList<TextPart> prompt, int[] tokens, int dropped) = BuildPrompt(messages, options, more, asked, cancellationToken);
        // With tools, harmony's channels are read and held as a whole. An answer that has begun is past its reasoning.
        bool isHarmony = tools is not null && prompts.Tools.Format.IsHarmony;
        ReasoningFormat? reasoning = isHarmony || asked.ContinuesLast ? null : prompts.Reasoning.Format;
        bool isReasoningOpen = reasoning?.IsOpenAfter(prompt) ?? false;
        bool callsEndReasoning = reasoning is { EndsAtCalls: true } && trigger is { IsAtStart: false };
        // A text that has begun has its header in the prompt.
        string header = tools is null ? "" : prompts.Tools.Format.TextHeader;
        (TimeSpan? firstToken, TimeSpan? whole) = RequestMapper.Timeouts(more, model.Timeouts);
        GenerationRequest request = new()
        {
            Prompt = tokens,
            MaxOutputTokens = RequestMapper.MaxOutputTokens(options),
            StopStrings = RequestMapper.StopStrings(options),
            Adapters = model.AdaptersFor(more?.Adapters),
            Sampling = RequestMapper.Sampling(options, more, sampling),
            TokenReport = RequestMapper.TokenReport(more),
            Priority = more?.Priority ?? 0,
            FirstTokenTimeout = firstToken,
            RequestTimeout = whole,
            Checkpoints = model.KeepsCheckpoints && dropped == 0 ? FindBoundaries(messages, tokens, asked, cancellationToken) : [],
            Constraint = grammar is null ? null
                : model.Constrain(grammar, callsEndReasoning ? null : reasoning?.Markers(isReasoningOpen, isHeaderPartOfEnd: trigger is null), trigger, asked.ContinuesLast ? BegunAnswer(messages[^1], grammar, trigger, header) : null),
            ShownControls = ShownControls(reasoning, tools),
            Reasoning = reasoning is null ? null : LimitOf(reasoning, isReasoningOpen, wanted.Budget, callsEndReasoning ? trigger!.Text : []),
        };
        GenerationStream stream = tokens.Length >= model.ContextLength && RequestMapper.ContextOverflow(more) == ContextOverflowPolicy.Stop
            ? GenerationStream.CompleteAtOnce(new GenerationSummary { End = GenerationEnd.Length, PromptTokens = tokens.Length })
            : model.Submit(request, cancellationToken);
        AnswerReader reader = new(
            reasoning is null ? null : new ReasoningSplitter(reasoning, isReasoningOpen),
            tools is null || isHarmony ? null : new ToolCallReader(prompts.Tools.Format, calls?.Arguments, tools.IsRequired || (answer is null && !prompts.Tools.Format.IsTriggeredByName) ? null : [.. tools.Callable.Select(function => function.Name)]),
            isHarmony ? new HarmonyReader() : null,
            isHarmony ? null : TaggedTextOf(asked.ContinuesLast),
            callsEndReasoning);
        if (asked.ContinuesLast && header.Length > 0)
            reader.Push(header, isLast: false);
        return new RunningAnswer(stream, reader, ResponseMapper.Create(model.Id) with { DroppedMessages = dropped }, wanted.IsShown);
    }

    /// <summary>What the template is given beside the conversation.</summary>
    private PromptRequest PromptRequestOf(ChatOptions? options, EmbeddedChatOptions? more, ToolSet? tools, in ReasoningRequest wanted)
    {
        (Dictionary<string, TemplateValue> arguments, string? systemSwitch) = prompts.Reasoning.Switch(wanted.Effort, wanted.Budget);
        foreach ((string name, TemplateValue value) in TemplateArguments.Of(options, more, prompts.Template))
            arguments[name] = value;
        return new PromptRequest
        {
            Instructions = options?.Instructions,
            Tools = tools,
            AnswerDescription = AnswerDescription.Of(options, more),
            SystemSwitch = systemSwitch,
            Arguments = arguments,
            ContinuesLast = more?.ContinueLastMessage ?? false,
        };
    }

    private TaggedText? TaggedTextOf(bool isOpen)
    {
        if (prompts.TextTags is { } tags)
            return new TaggedText(tags.Open, tags.Close, isOpen || tags.Open.Length == 0, tags.End);
        // What begins such a text has ended the reasoning.
        return prompts.Reasoning.Format?.TextEnd is { } end ? new TaggedText("", end, isOpen: true) : null;
    }

    private ReasoningLimit LimitOf(ReasoningFormat reasoning, bool isOpen, int? budget, byte[] trigger) => new()
    {
        Trigger = trigger,
        Markers = reasoning.Markers(isOpen, isHeaderPartOfEnd: false),
        Budget = budget,
        Closing = budget is null ? [] : model.Tokenizer.Tokenize(reasoning.Closing, parseSpecial: true),
    };

    /// <summary>What the prompt has of the answer that a grammar holds, a text's header included; null where the grammar begins later.</summary>
    private byte[]? BegunAnswer(ChatMessage begun, Grammar grammar, GrammarTrigger? trigger, string header)
    {
        if (trigger is not null)
            return null;
        byte[] text = Encoding.UTF8.GetBytes(header + MessageContent.Of(begun, 0).Text);
        if (!model.GrammarVocabulary.CreateMatcher(grammar).TryAdvance(text))
            throw new ArgumentException($"{nameof(EmbeddedChatOptions)}.{nameof(EmbeddedChatOptions.ContinueLastMessage)} is set, and the last message does not begin any answer that the format or the grammar allows.", nameof(begun));
        return text;
    }

    /// <summary>Where other prompts may part from this one; of use where the model's memory cannot be cut.</summary>
    private int[] FindBoundaries(IReadOnlyList<ChatMessage> messages, int[] tokens, PromptRequest asked, CancellationToken cancellationToken) =>
        PromptBoundaries.Find(messages, tokens, asked.SaysSomethingAhead, Tokens(asked, cancellationToken));

    /// <summary>The prompt of other messages in the same request, each of which is to be answered.</summary>
    private Func<IReadOnlyList<ChatMessage>, int[]> Tokens(PromptRequest asked, CancellationToken cancellationToken) =>
        messages => model.Tokenizer.TokenizePrompt(prompts.Build(messages, asked with { ContinuesLast = false }, cancellationToken), cancellationToken);

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

    /// <summary>The control tokens by whose text reasoning and calls are told from the rest of the answer.</summary>
    private int[] ShownControls(ReasoningFormat? reasoning, ToolSet? tools) =>
        [.. (tools is null ? [] : prompts.Tools.Format.Markers()).Concat(reasoning?.Markers() ?? []).Distinct().Select(FindControl).Where(token => token >= 0)];

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
        ChatMessage[] messages, ChatOptions? options, EmbeddedChatOptions? more, PromptRequest asked, CancellationToken cancellationToken)
    {
        (IReadOnlyList<TextPart> parts, int[] tokens) = Build(messages);
        int longest = model.ContextLength - Math.Min(RequestMapper.MaxOutputTokens(options), Math.Max(model.ContextLength / 4, 1));
        if (tokens.Length <= longest || RequestMapper.ContextOverflow(more) != ContextOverflowPolicy.DropOldestTurns)
            return (parts, tokens, 0);
        ConversationTurns turns = new(messages);
        IReadOnlyList<ChatMessage> rest = turns.Without(turns.CountToDrop(some => Build(some).Tokens.Length, tokens.Length, longest));
        (parts, tokens) = Build(rest);
        return (parts, tokens, messages.Length - rest.Count);

        (IReadOnlyList<TextPart> Parts, int[] Tokens) Build(IReadOnlyList<ChatMessage> some)
        {
            IReadOnlyList<TextPart> built = prompts.Build(some, asked, cancellationToken);
            return (built, model.Tokenizer.TokenizePrompt(built, cancellationToken));
        }
    }
}
