using System.Runtime.InteropServices;

namespace EmbeddedLlm.Grammars;

/// <summary>
/// A grammar in motion: makes each configuration and each stack once, and keeps them within a bound. Thread-safe: what is known is read without a lock, what is new is made
/// under one.
/// </summary>
internal sealed class GrammarMachine
{
    /// <summary>The ways to go on at one place of the text, as a bound on time.</summary>
    private const int WorkLimit = 200_000;

    /// <summary>How many configurations and stacks are kept; then all are forgotten and made anew when needed again.</summary>
    private const int KeptLimit = 100_000;

    private readonly GrammarNode _start;
    private readonly ParserStack _bottom = ParserStack.CreateBottom();
    private readonly Closure _closure;
    private readonly Dictionary<Key, Configuration> _configurations = [];
    private readonly Dictionary<(int Then, int Below), ParserStack> _singles = [];
    private readonly Dictionary<Key, ParserStack> _stacks = [];
    private Configuration? _root;
    private int _lastStackId;

    public GrammarMachine(GrammarNode start)
    {
        _start = start;
        _closure = new Closure(this, WorkLimit);
    }

    /// <summary>Held while something new is made.</summary>
    public Lock Gate { get; } = new();

    /// <summary>Where every text begins.</summary>
    public Configuration Root
    {
        get
        {
            if (Volatile.Read(ref _root) is { } root)
                return root;
            lock (Gate)
            {
                if (_root is null)
                {
                    _closure.Enter(_start, _bottom);
                    Volatile.Write(ref _root, _closure.Settle());
                }

                return _root;
            }
        }
    }

    /// <summary>How many configurations are kept.</summary>
    public int ConfigurationCount => _configurations.Count;

    public Configuration? AfterByte(Configuration from, byte next)
    {
        // Most bytes are refused, which needs no lock to find out, and most others leave one automaton within its text, which needs no closure.
        int allowed = 0;
        bool isEnding = false;
        Configuration.Item only = default;
        foreach (Configuration.Item item in from.Items)
        {
            if (item.State.Next(next) is not { } state)
                continue;
            allowed++;
            isEnding |= state.IsAccepting;
            only = new Configuration.Item(state, item.Stack);
        }

        if (allowed == 0)
            return null;
        lock (Gate)
        {
            if (allowed == 1 && !isEnding)
                return Configuration([only], isComplete: false);
            foreach (Configuration.Item item in from.Items)
            {
                if (item.State.Next(next) is { } state)
                    _closure.Add(state, item.Stack);
            }

            return _closure.Settle() is { IsDead: false } configuration ? configuration : null;
        }
    }

    /// <summary>
    /// The configuration after a token that matches by its id; null where none of that kind is expected. Where the token's text may come as well, both ways go on.
    /// </summary>
    /// <param name="from">Where the text is.</param>
    /// <param name="vocabulary">Where the token is from.</param>
    /// <param name="token">Its id.</param>
    public Configuration? AfterToken(Configuration from, GrammarVocabulary vocabulary, int token)
    {
        lock (Gate)
        {
            ParserStack[] expecting = [.. from.Items.Where(item => item.State.Token is { } reference && vocabulary.Matches(reference, token)).Select(item => item.Stack)];
            if (expecting.Length == 0)
                return null;

            ReadOnlySpan<byte> text = vocabulary.Vocabulary.TextBytesOf(token);
            Configuration? asText = text.IsEmpty ? null : from;
            foreach (byte next in text)
                asText = asText?.Next(next);
            foreach (ParserStack stack in expecting)
                _closure.Return(stack);
            foreach (Configuration.Item item in asText?.Items ?? [])
                _closure.Add(item.State, item.Stack);
            if (asText is { IsComplete: true })
                _closure.Complete();
            return _closure.Settle();
        }
    }

    /// <summary>The configuration where what waits on a stack has its turn. Called under the lock.</summary>
    public Configuration AfterReturn(ParserStack stack, int label)
    {
        _closure.Return(stack, label);
        return _closure.Settle();
    }

    /// <summary>The one configuration with these items. Called under the lock.</summary>
    /// <param name="items">Ordered by their states' ids.</param>
    /// <param name="isComplete">Whether the text may end.</param>
    public Configuration Configuration(ReadOnlySpan<Configuration.Item> items, bool isComplete)
    {
        if (_configurations.Count + _stacks.Count + _singles.Count > KeptLimit)
            Forget();
        int[] key = new int[items.Length * 2 + 1];
        for (int i = 0; i < items.Length; i++)
        {
            key[2 * i] = items[i].State.Id;
            key[2 * i + 1] = items[i].Stack.Id;
        }

        key[^1] = isComplete ? 1 : 0;
        ref Configuration? known = ref CollectionsMarshal.GetValueRefOrAddDefault(_configurations, new Key(key), out _);
        return known ??= new Configuration(this, items.ToArray(), isComplete);
    }

    /// <summary>The one stack with a continuation on top of another stack. Called under the lock.</summary>
    public ParserStack Stack(Continuation then, ParserStack below)
    {
        ref ParserStack? known = ref CollectionsMarshal.GetValueRefOrAddDefault(_singles, (then.Id, below.Id), out _);
        return known ??= ParserStack.Create(++_lastStackId, [new ParserStack.Frame(then, below)]);
    }

    /// <summary>The one stack that waits for all that the given ones wait for. Called under the lock.</summary>
    public ParserStack Stack(HashSet<ParserStack> parts)
    {
        HashSet<ParserStack.Frame> all = [];
        foreach (ParserStack part in parts)
            all.UnionWith(part.Frames);
        ParserStack.Frame[] frames = [.. all];
        Array.Sort(frames, static (left, right) =>
            left.Then.Id != right.Then.Id ? left.Then.Id.CompareTo(right.Then.Id) : BelowId(left).CompareTo(BelowId(right)));
        int[] key = new int[frames.Length * 2];
        for (int i = 0; i < frames.Length; i++)
        {
            key[2 * i] = frames[i].Then.Id;
            key[2 * i + 1] = BelowId(frames[i]);
        }

        ref ParserStack? known = ref CollectionsMarshal.GetValueRefOrAddDefault(_stacks, new Key(key), out _);
        return known ??= ParserStack.Create(++_lastStackId, frames);
    }

    private static int BelowId(ParserStack.Frame frame) => frame.Below?.Id ?? -1;

    /// <summary>Starts anew. Matchers go on with the configurations they hold; ids are never given twice, so old and new do not mix up.</summary>
    private void Forget()
    {
        _configurations.Clear();
        _singles.Clear();
        _stacks.Clear();
        Volatile.Write(ref _root, null);
    }

    /// <summary>A sequence of numbers compared by its elements.</summary>
    private readonly struct Key(int[] parts) : IEquatable<Key>
    {
        private readonly int[] _parts = parts;

        public bool Equals(Key other) => _parts.AsSpan().SequenceEqual(other._parts);

        public override bool Equals(object? obj) => obj is Key other && Equals(other);

        public override int GetHashCode()
        {
            HashCode hash = default;
            hash.AddBytes(MemoryMarshal.AsBytes(_parts.AsSpan()));
            return hash.ToHashCode();
        }
    }
}
