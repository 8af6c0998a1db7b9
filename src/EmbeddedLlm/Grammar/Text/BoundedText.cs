using System.Runtime.InteropServices;

namespace EmbeddedLlm.Grammars;

/// <summary>
/// The texts of an automaton with a length, in code points, within bounds. Nothing is unrolled: a state is one of the automaton and a count. Thread-safe.
/// </summary>
internal sealed class BoundedText
{
    /// <summary>How many states are kept before all are forgotten, and made anew when they are needed again.</summary>
    private const int KeptLimit = 100_000;

    /// <summary>A count so far from the minimum that it makes no difference.</summary>
    private const int FarFromMinimum = -1;

    private readonly TextAutomaton _automaton;
    private readonly int _min;
    private readonly int? _max;
    private readonly TextLengths _lengths;
    private readonly BoundedText? _unbounded;
    private readonly Dictionary<(int State, int Count), State> _states = [];

    /// <param name="automaton">The texts.</param>
    /// <param name="min">The least number of code points.</param>
    /// <param name="max">The greatest number of code points, or null.</param>
    /// <param name="unbounded">The same texts without bounds, spelled by the same encoder; null where this is that.</param>
    /// <exception cref="GrammarException">It takes too long to find out which texts are left.</exception>
    public BoundedText(TextAutomaton automaton, int min, int? max, BoundedText? unbounded)
    {
        _automaton = automaton;
        _min = min;
        _max = max;
        _unbounded = unbounded;
        _lengths = new TextLengths(automaton, min, max);
    }

    /// <summary>Where the text begins; null where there is none.</summary>
    public TextState? Start => _automaton.IsNone || !_lengths.CanEnd(0, 0) ? null : StateOf(0, 0);

    private State StateOf(int state, int count)
    {
        if (_max is null && count > _min)
            count = _min;
        lock (_states)
        {
            if (_states.Count > KeptLimit)
                _states.Clear();
            ref State? known = ref CollectionsMarshal.GetValueRefOrAddDefault(_states, (state, count), out _);
            return known ??= new State(this, state, count);
        }
    }

    private sealed class State(BoundedText text, int state, int count) : TextState
    {
        public override bool IsAccepting => count >= text._min && text._automaton.IsAccepting(state);

        public override int FreeCharacters
        {
            get
            {
                if (text._max is not { } max)
                    return text._automaton.IsFree(state, mustAccept: false) ? int.MaxValue : 0;
                if (!text._automaton.IsFree(state, mustAccept: true))
                    return 0;
                return count == FarFromMinimum ? int.MaxValue : max - count;
            }
        }

        public override TextState? Next(int codePoint, out int last)
        {
            int next = text._automaton.Next(state, codePoint, out last);
            if (next < 0)
                return null;
            if (count == FarFromMinimum)
                return text._lengths.CanEndFarOff(next) ? text.StateOf(next, FarFromMinimum) : null;
            return text._lengths.CanEnd(next, count + 1) ? text.StateOf(next, count + 1) : null;
        }

        public override TextState Within(int characters)
        {
            if (count == FarFromMinimum)
                return this;
            if (count < text._min)
            {
                int missing = text._min - count - characters;
                return missing > 0 && missing >= text._lengths.Settled ? text.StateOf(state, FarFromMinimum) : this;
            }

            return text._max is not { } max || max - count - characters >= text._lengths.Longest
                ? (text._unbounded ?? text).StateOf(text._automaton.Representative(state, characters), 0)
                : this;
        }
    }
}
