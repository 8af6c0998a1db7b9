using System.Collections.Concurrent;

namespace EmbeddedLlm.Grammars;

/// <summary>The numbers that one automaton takes and others do not: all run side by side.</summary>
internal sealed class NumberDifference : LexicalState
{
    /// <summary>
    /// How many states are looked at for a way to the end. A number that is no multiple of another is a few digits away from nearly any place; where none is found this near,
    /// the byte is refused, which keeps the promise that no allowed byte leads into a dead end.
    /// </summary>
    private const int SearchLimit = 4_000;

    private readonly LexicalState _taken;
    private readonly LexicalState?[] _refused;
    private readonly ConcurrentDictionary<Key, NumberDifference?> _known;
    private readonly Lazy<bool> _canContinue;

    private NumberDifference(Key key, ConcurrentDictionary<Key, NumberDifference?> known)
    {
        _taken = key.Taken;
        _refused = key.Refused;
        _known = known;
        _canContinue = new Lazy<bool>(() => HasNext);
    }

    public override bool IsAccepting => IsEnd(_taken, _refused);

    public override bool CanContinue => _canContinue.Value;

    private static ReadOnlySpan<byte> Characters => "0123456789-.eE+"u8;

    private bool HasNext
    {
        get
        {
            foreach (byte next in Characters)
            {
                if (Next(next) is not null)
                    return true;
            }

            return false;
        }
    }

    /// <summary>The automaton of the difference; null where nothing is left, or only what is far from the beginning.</summary>
    public static LexicalState? Create(LexicalState? taken, IEnumerable<LexicalState?> refused) => taken is null ? null : Of(new Key(taken, [.. refused]), []);

    protected override LexicalState? Compute(byte next) => _taken.Next(next) is { } taken ? Of(new Key(taken, After(_refused, next)), _known) : null;

    private static LexicalState? Of(Key key, ConcurrentDictionary<Key, NumberDifference?> known) => Array.TrueForAll(key.Refused, state => state is null)
        ? key.Taken
        : known.GetOrAdd(key, static (key, known) => CanEnd(key) ? new NumberDifference(key, known) : null, known);

    private static bool IsEnd(LexicalState taken, LexicalState?[] refused) => taken.IsAccepting && !Array.Exists(refused, state => state is { IsAccepting: true });

    private static LexicalState?[] After(LexicalState?[] states, byte next) => Array.ConvertAll(states, state => state?.Next(next));

    private static bool CanEnd(Key start)
    {
        HashSet<Key> seen = [start];
        Queue<Key> todo = new([start]);
        while (todo.TryDequeue(out Key state))
        {
            if (IsEnd(state.Taken, state.Refused))
                return true;
            foreach (byte next in Characters)
            {
                if (state.Taken.Next(next) is not { } taken)
                    continue;
                Key further = new(taken, After(state.Refused, next));
                // What all others have left behind is free to end.
                if (Array.TrueForAll(further.Refused, refused => refused is null))
                    return true;
                if (seen.Count < SearchLimit && seen.Add(further))
                    todo.Enqueue(further);
            }
        }

        return false;
    }

    /// <summary>States side by side, compared by which they are.</summary>
    private readonly struct Key(LexicalState taken, LexicalState?[] refused) : IEquatable<Key>
    {
        public LexicalState Taken { get; } = taken;

        public LexicalState?[] Refused { get; } = refused;

        public bool Equals(Key other) => Taken == other.Taken && Refused.AsSpan().SequenceEqual(other.Refused);

        public override bool Equals(object? obj) => obj is Key other && Equals(other);

        public override int GetHashCode()
        {
            HashCode hash = default;
            hash.Add(Taken.Id);
            foreach (LexicalState? state in Refused)
                hash.Add(state?.Id);
            return hash.ToHashCode();
        }
    }
}
