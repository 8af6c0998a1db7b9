using EmbeddedLlm.Tokens;

namespace EmbeddedLlm.Scheduling;

/// <summary>How a model's reasoning is counted and bounded. Immutable, shared by any number of requests.</summary>
internal sealed class ReasoningLimit
{
    /// <summary>What encloses the reasoning.</summary>
    public required ReasoningMarkers Markers { get; init; }

    /// <summary>What begins a call, which ends the reasoning as well; empty where it does not.</summary>
    public byte[] Trigger { get; init; } = [];

    /// <summary>How many tokens the model may reason, what begins the reasoning not counted; null for as many as it likes.</summary>
    public int? Budget { get; init; }

    /// <summary>The tokens that end the reasoning where the budget is spent; at least one where there is a budget, and together they hold <see cref="ReasoningMarkers.Close"/>.</summary>
    public int[] Closing { get; init; } = [];
}

/// <summary>One answer's reasoning as it comes: how long it is, and when it has to end. Belongs to the engine thread.</summary>
internal sealed class ReasoningProgress(ReasoningLimit limit)
{
    private readonly byte[] _open = limit.Markers.Open;
    private readonly bool _endsAtTrigger = limit.Trigger.Length > 0;
    private StopString _close = new(limit.Markers.Close);
    private StopString _trigger = limit.Trigger.Length > 0 ? new(limit.Trigger) : default;
    private Phase _phase = limit.Markers.IsOpen ? Phase.Reasoning : limit.Markers.Open.Length > 0 ? Phase.Opening : Phase.Over;
    private int _opened;
    private int _openingTokens;
    private int _spent;

    private enum Phase
    {
        /// <summary>Nothing has come yet but white space and perhaps the beginning of what opens the reasoning.</summary>
        Opening,

        /// <summary>The model reasons.</summary>
        Reasoning,

        /// <summary>The model answers.</summary>
        Over,
    }

    /// <summary>How many tokens the reasoning has, those that begin and end it included as far as they were generated.</summary>
    public int TokenCount { get; private set; }

    /// <summary>The tokens that must come next, since the budget is spent; else none. A model that is about to end its reasoning by itself may do so.</summary>
    public ReadOnlySpan<int> ForcedTokens => _phase == Phase.Reasoning && _spent >= (long?)limit.Budget + Ending ? limit.Closing : [];

    /// <summary>How many bytes may end the reasoning by themselves, as they have begun to; 0 where none have.</summary>
    private int Ending => Math.Max(_close.Matched > 0 ? _close.Length : 0, _trigger.Matched > 0 ? _trigger.Length : 0);

    /// <summary>Takes the answer's next token.</summary>
    public void Accept(ReadOnlySpan<byte> bytes)
    {
        switch (_phase)
        {
            case Phase.Opening:
                Open(bytes);
                break;
            case Phase.Reasoning:
                TokenCount++;
                _spent++;
                Reason(bytes);
                break;
        }
    }

    private void Open(ReadOnlySpan<byte> bytes)
    {
        _openingTokens++;
        for (int i = 0; i < bytes.Length; i++)
        {
            if (_opened == 0 && bytes[i] is (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n')
                continue;
            if (_open[_opened] != bytes[i])
            {
                _phase = Phase.Over;
                return;
            }

            if (++_opened < _open.Length)
                continue;
            _phase = Phase.Reasoning;
            TokenCount = _openingTokens;
            Reason(bytes[(i + 1)..]);
            return;
        }
    }

    private void Reason(ReadOnlySpan<byte> bytes)
    {
        foreach (byte next in bytes)
        {
            bool isCall = _endsAtTrigger && _trigger.Advance(next);
            if (!_close.Advance(next) && !isCall)
                continue;
            _phase = Phase.Over;
            return;
        }
    }
}
