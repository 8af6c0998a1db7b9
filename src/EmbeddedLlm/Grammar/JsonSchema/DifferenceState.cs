using System.Collections.Concurrent;

namespace EmbeddedLlm.Grammars;

/// <summary>What one lexical automaton takes and another does not: both run side by side.</summary>
internal sealed class DifferenceState : LexicalState
{
    /// <summary>
    /// How many states are looked at for a way to the end. A number that is no multiple of another is a digit or two away from any place; where none is found this near, the
    /// byte is refused, which keeps the promise that no allowed byte leads into a dead end.
    /// </summary>
    private const int SearchLimit = 2_000;

    private readonly LexicalState _taken;
    private readonly LexicalState _refused;
    private readonly ConcurrentDictionary<(LexicalState, LexicalState), LexicalState?> _known;
    private readonly Lazy<bool> _canContinue;

    private DifferenceState(LexicalState taken, LexicalState refused, ConcurrentDictionary<(LexicalState, LexicalState), LexicalState?> known)
    {
        _taken = taken;
        _refused = refused;
        _known = known;
        _canContinue = new Lazy<bool>(() => Enumerable.Range(0, 256).Any(next => Next((byte)next) is not null));
    }

    public override bool IsAccepting => _taken.IsAccepting && !_refused.IsAccepting;

    public override bool CanContinue => _canContinue.Value;

    public override int Label => _taken.Label;

    /// <summary>The automaton of the difference; null where nothing is left of it, or only what is far from its beginning.</summary>
    public static LexicalState? Create(LexicalState? taken, LexicalState? refused) => taken is null ? null : Of(taken, refused, []);

    protected override LexicalState? Compute(byte next) => _taken.Next(next) is { } taken ? Of(taken, _refused.Next(next), _known) : null;

    private static LexicalState? Of(LexicalState taken, LexicalState? refused, ConcurrentDictionary<(LexicalState, LexicalState), LexicalState?> known) => refused is null
        ? taken
        : known.GetOrAdd((taken, refused), static (pair, all) => CanEnd(pair.Item1, pair.Item2) ? new DifferenceState(pair.Item1, pair.Item2, all) : null, known);

    private static bool CanEnd(LexicalState taken, LexicalState refused)
    {
        HashSet<(LexicalState, LexicalState)> seen = [(taken, refused)];
        Queue<(LexicalState Taken, LexicalState Refused)> todo = new([(taken, refused)]);
        while (todo.TryDequeue(out (LexicalState Taken, LexicalState Refused) state))
        {
            if (state.Taken.IsAccepting && !state.Refused.IsAccepting)
                return true;
            for (int next = 0; next < 256; next++)
            {
                if (state.Taken.Next((byte)next) is not { } further)
                    continue;
                // What the other automaton has left behind is free to end.
                if (state.Refused.Next((byte)next) is not { } other)
                    return true;
                if (seen.Count < SearchLimit && seen.Add((further, other)))
                    todo.Enqueue((further, other));
            }
        }

        return false;
    }
}
