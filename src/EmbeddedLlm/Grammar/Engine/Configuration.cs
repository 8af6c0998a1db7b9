namespace EmbeddedLlm.Grammars;

/// <summary>
/// All the ways to read the text so far: the lexical automata that are in progress, each with what waits for its end. Immutable, one object per distinct
/// configuration of a machine, shared between threads; so a matcher's whole state is one reference, and what follows a byte is found once.
/// </summary>
internal sealed class Configuration
{
    private readonly GrammarMachine _machine;
    private ByteTable<Configuration> _next;
    private int _forcedByte;

    public Configuration(GrammarMachine machine, Item[] items, bool isComplete)
    {
        _machine = machine;
        Items = items;
        IsComplete = isComplete;
        foreach (Item item in items)
            ExpectsToken |= item.State.Token is not null;
    }

    /// <summary>The automata in progress, ordered by their ids. None where nothing can follow.</summary>
    public Item[] Items { get; }

    /// <summary>Whether the text may end here.</summary>
    public bool IsComplete { get; }

    /// <summary>The tokens of the text that must follow, one list per vocabulary.</summary>
    public MaskList<int[]> Forced { get; } = new();

    /// <summary>Whether nothing can follow and the text is not complete: no way to read the text is left.</summary>
    public bool IsDead => Items.Length == 0 && !IsComplete;

    public GrammarMachine Machine => _machine;

    /// <summary>The masks of this configuration, one per vocabulary it was used with.</summary>
    public MaskList<ConfigurationMask> Masks { get; } = new();

    /// <summary>The bytes that can follow.</summary>
    public ByteSet Bytes
    {
        get
        {
            ByteSet bytes = default;
            foreach (Item item in Items)
                bytes.Union(item.State.Bytes);
            return bytes;
        }
    }

    /// <summary>The one byte that can follow, or -1 where the text may end here or there is a choice.</summary>
    public int ForcedByte
    {
        get
        {
            // Found out once and kept as the byte plus two, since 0 is the state before.
            if (_forcedByte == 0)
                _forcedByte = !IsComplete && !ExpectsToken && Bytes is { Count: 1 } bytes ? bytes.First + 2 : 1;
            return Math.Max(-1, _forcedByte - 2);
        }
    }

    /// <summary>Whether a token may come by its id.</summary>
    public bool ExpectsToken { get; }

    /// <summary>The configuration after one more byte, or null where it is not allowed.</summary>
    /// <exception cref="GrammarException">The grammar is too ambiguous.</exception>
    public Configuration? Next(byte next)
    {
        if (_next.TryGet(next, out Configuration? configuration))
            return configuration;
        configuration = _machine.AfterByte(this, next);
        _next.Set(next, configuration);
        return configuration;
    }

    /// <summary>A lexical automaton in progress and what waits for its end.</summary>
    public readonly record struct Item(LexicalState State, ParserStack Stack);
}
