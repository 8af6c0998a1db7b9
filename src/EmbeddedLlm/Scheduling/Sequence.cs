using System.Buffers;
using System.Diagnostics;
using EmbeddedLlm.Sampling;
using EmbeddedLlm.Tokens;

namespace EmbeddedLlm.Scheduling;

/// <summary>
/// One generation in progress: its tokens, how many of them are in the KV cache, and where its text goes. Belongs to the engine thread but for <see cref="Output"/>.
/// </summary>
/// <remarks>
/// Prefill and decode are the same here: whatever tokens are not computed yet are computed next, and when the last one is, a token is sampled. So
/// an aborted step is made good by setting <see cref="ComputedCount"/> back.
/// </remarks>
internal sealed class Sequence
{
    private readonly StopController _controller;
    private long _admittedAt;
    private long _firstTokenAt;
    private int[] _tokens;
    private int _forcedCount;
    private int _cachedCount = -1;
    private int _prefillCount;
    private int _shortestWaiting = int.MaxValue;

    public Sequence(GenerationRequest request, int contextLength, int draftLength)
    {
        Request = request;
        Urgency = request.Priority;
        // The last token sampled needs no cell: nothing is computed after it.
        MaxOutputTokens = Math.Min(request.MaxOutputTokens, contextLength - request.Prompt.Length);
        _controller = new StopController(request.StopStrings);
        Constraint = request.Constraint is { } constraint ? new ConstrainedAnswer(constraint) : null;
        Log = request.TokenReport is { } report ? new TokenLog(report) : null;
        Reasoning = request.Reasoning is { } reasoning ? new ReasoningProgress(reasoning) : null;
        // A prefix has no answer to guess, and is kept as it is.
        Draft = draftLength > 0 && request.Prefix is null ? new Draft(draftLength) : null;
        _tokens = request.Prompt;
        TokenCount = request.Prompt.Length;
    }

    public GenerationRequest Request { get; }

    public GenerationStream Output { get; } = new();

    /// <summary>How many tokens may be generated.</summary>
    public int MaxOutputTokens { get; }

    /// <summary>The slot in the KV cache, or -1 while waiting.</summary>
    public int Slot { get; private set; } = -1;

    /// <summary>Where it waits; null where it does not. The <see cref="RequestQueue"/>'s own.</summary>
    public LinkedListNode<Sequence>? Place { get; set; }

    /// <summary>When the sequence was admitted last, as a number that only grows.</summary>
    public long Admission { get; private set; }

    /// <summary>Whether it is settled what the sequence shares; until then it may wait for another that is about to compute the same tokens.</summary>
    public bool IsStarted { get; private set; }

    /// <summary>Whether the sequence has been started once; it may have lost its cells since.</summary>
    public bool HasStartedBefore => _cachedCount >= 0;

    /// <summary>When the request came, as <see cref="Stopwatch.GetTimestamp"/> has it.</summary>
    public long SubmittedAt { get; } = Stopwatch.GetTimestamp();

    /// <summary>When the last token came; 0 before the first, and where nobody listens.</summary>
    public long LastTokenAt { get; set; }

    /// <summary>The adapters that all of it is computed with.</summary>
    public AdapterSet Adapters => Request.Adapters;

    /// <summary>When the sequence began to wait for its set of adapters, in the time of <see cref="AdapterTurns"/>.</summary>
    public long WaitsSince { get; set; }

    /// <summary>The plan in which the sequence last got its turn to prefill.</summary>
    public long LastPrefill { get; set; }

    /// <summary>The priority, or a higher one of a sequence that waits for this one's tokens.</summary>
    public int Urgency { get; private set; }

    /// <summary>How many tokens are to be computed before somebody has a first one: its own, or a shorter prompt's that waits for this one's tokens.</summary>
    public int TokensToFirst => Math.Min(TokenCount, _shortestWaiting) - ComputedCount;

    /// <summary>How many tokens of later requests' prompts were computed while this one's waited, less those of its own since.</summary>
    public long OvertakenCount { get; set; }

    /// <summary>Whether the prompt has waited for as many tokens of later requests as it has itself.</summary>
    public bool IsOvertakenEnough => OvertakenCount >= TokenCount;

    /// <summary>Prompt and generated tokens.</summary>
    public int TokenCount { get; private set; }

    /// <summary>How many of the tokens are in the KV cache.</summary>
    public int ComputedCount { get; set; }

    public int PendingCount => TokenCount - ComputedCount;

    /// <summary>Whether what was there at admission is computed: the prompt, and what a sequence had generated that lost its cells.</summary>
    public bool IsDecoding => ComputedCount >= _prefillCount;

    public int OutputCount => TokenCount - Request.Prompt.Length;

    /// <summary>Chooses the tokens; there from admission on.</summary>
    public Sampler? Sampler { get; private set; }

    /// <summary>Holds the answer to a grammar; null where it is free.</summary>
    public ConstrainedAnswer? Constraint { get; }

    /// <summary>Tells the caller about the tokens; null where nothing was asked.</summary>
    public TokenLog? Log { get; }

    /// <summary>Counts the reasoning; null where the model does not reason.</summary>
    public ReasoningProgress? Reasoning { get; }

    /// <summary>Guesses the next tokens; null where none are to be guessed.</summary>
    public Draft? Draft { get; }

    /// <inheritdoc cref="GenerationStream.Interruption"/>
    public Interruption? Interruption
    {
        get => Output.Interruption;
        set => Output.Interruption = value;
    }

    /// <summary>How many tokens the running step computes for the sequence.</summary>
    public int PlannedCount { get; set; }

    /// <summary>The counts of tokens, ascending, at which a copy of the computed cells is kept.</summary>
    public int[] Checkpoints { get; private set; } = [];

    /// <summary>The next of <see cref="Checkpoints"/> that is still to be computed; <see cref="int.MaxValue"/> after the last.</summary>
    public int NextCheckpoint
    {
        get
        {
            foreach (int count in Checkpoints)
            {
                if (count > ComputedCount)
                    return count;
            }

            return int.MaxValue;
        }
    }

    /// <summary>Whether a copy of what is computed now is to be kept.</summary>
    public bool IsAtCheckpoint => Checkpoints.AsSpan().Contains(ComputedCount);

    /// <summary>The batch entry whose logits the running step gives, or -1 in the midst of a prompt.</summary>
    public int LogitsIndex { get; set; } = -1;

    /// <summary>All tokens, at least <see cref="TokenCount"/>. What is there never changes.</summary>
    public int[] Tokens => _tokens;

    public ReadOnlySpan<int> Pending(int count) => _tokens.AsSpan(ComputedCount, count);

    /// <summary>Gives the sequence a slot, for the first time or again.</summary>
    public void Admit(int slot, long admission)
    {
        Slot = slot;
        Admission = admission;
        IsStarted = false;
        ComputedCount = 0;
        _prefillCount = TokenCount;
        if (Sampler is not null)
            return;
        Sampler = new Sampler(Request.Sampling);
        Sampler.Accept(Request.Prompt);
        _admittedAt = Stopwatch.GetTimestamp();
    }

    /// <summary>Another sequence waits for what this one computes, and so is as urgent, and as near to its first token, as it would be without waiting.</summary>
    public void AddWaiting(Sequence other)
    {
        Urgency = Math.Max(Urgency, other.Request.Priority);
        _shortestWaiting = Math.Min(_shortestWaiting, other.TokenCount);
    }

    /// <summary>Nobody waits for this one any more.</summary>
    public void ClearWaiting() => (Urgency, _shortestWaiting) = (Request.Priority, int.MaxValue);

    /// <summary>Begins to compute after the tokens that were found computed.</summary>
    public void Start(int sharedCount, int[] checkpoints)
    {
        IsStarted = true;
        ComputedCount = sharedCount;
        Checkpoints = checkpoints;
        if (_cachedCount < 0)
            _cachedCount = Math.Min(sharedCount, Request.Prompt.Length);
    }

    /// <summary>Whether the sequence was there when a step's logits were no numbers, and has not been computed alone since: it may be the one that made them so.</summary>
    public bool IsSuspect { get; set; }

    /// <summary>Begins anew in the same slot, which has lost its cells.</summary>
    public void Restart() => IsStarted = false;

    /// <summary>Takes the slot away. The tokens stay, and so do the sampler's and the grammar's states: only the cells have to be computed again.</summary>
    public void Preempt() => Slot = -1;

    /// <summary>Takes the token sampled from the last logits, and writes the text it decides.</summary>
    /// <returns>Why the generation ends with it, or null where it goes on.</returns>
    public GenerationEnd? AcceptSampled(int token, Vocabulary vocabulary, ArrayBufferWriter<byte> text)
    {
        if (_firstTokenAt == 0)
            _firstTokenAt = Stopwatch.GetTimestamp();
        return Accept(token, vocabulary, text);
    }

    /// <summary>Takes a token that the grammar, or a spent budget of reasoning, leaves no choice about.</summary>
    /// <inheritdoc cref="AcceptSampled"/>
    public GenerationEnd? AcceptForced(int token, Vocabulary vocabulary, ArrayBufferWriter<byte> text)
    {
        _forcedCount++;
        return Accept(token, vocabulary, text);
    }

    public GenerationSummary Summarize(GenerationEnd end) => new(
        end,
        Request.Prompt.Length,
        Math.Max(_cachedCount, 0),
        OutputCount,
        _forcedCount,
        Draft?.TotalCount ?? 0,
        Draft?.TotalVerified ?? 0,
        Stopwatch.GetElapsedTime(SubmittedAt, _admittedAt),
        _firstTokenAt == 0 ? Stopwatch.GetElapsedTime(_admittedAt) : Stopwatch.GetElapsedTime(_admittedAt, _firstTokenAt),
        _firstTokenAt == 0 ? TimeSpan.Zero : Stopwatch.GetElapsedTime(_firstTokenAt))
    {
        ReasoningTokens = Reasoning?.TokenCount ?? 0,
    };

    private GenerationEnd? Accept(int token, Vocabulary vocabulary, ArrayBufferWriter<byte> text)
    {
        if (OutputCount == 0)
        {
            Interruption?.EndFirstTokenLimit();
            // The request's prompt is the caller's; it is copied only once there is something to append.
            Array.Resize(ref _tokens, Math.Min(TokenCount + Math.Max(MaxOutputTokens, 1), TokenCount + 256));
        }
        else if (TokenCount == _tokens.Length)
        {
            Array.Resize(ref _tokens, Math.Min(_tokens.Length * 2, Request.Prompt.Length + MaxOutputTokens));
        }

        _tokens[TokenCount++] = token;
        Sampler!.Accept(token);
        Reasoning?.Accept(vocabulary.BytesOf(token));

        ReadOnlySpan<byte> bytes = !vocabulary.IsEndOfGeneration(token) && Request.ShownControls.AsSpan().Contains(token) ? vocabulary.BytesOf(token) : vocabulary.TextBytesOf(token);
        Log?.Add(token, bytes.Length, vocabulary);
        GenerationEnd? end = Push(token, bytes, vocabulary, text);
        Log?.Release(_controller.ReleasedCount, isFinal: end is not null);
        return end;
    }

    private GenerationEnd? Push(int token, ReadOnlySpan<byte> bytes, Vocabulary vocabulary, ArrayBufferWriter<byte> text)
    {
        if (vocabulary.IsEndOfGeneration(token))
            return End(GenerationEnd.Stop, text);
        if (_controller.Push(bytes, text))
            return GenerationEnd.Stop;
        if (Constraint is { IsFinished: true })
            return End(GenerationEnd.Stop, text);
        if (OutputCount >= MaxOutputTokens)
            return End(GenerationEnd.Length, text);
        return null;
    }

    private GenerationEnd End(GenerationEnd end, ArrayBufferWriter<byte> text)
    {
        _controller.Flush(text);
        return end;
    }
}
