namespace EmbeddedLlm.Templates;

/// <summary>What a scope's variables hold when it is entered.</summary>
internal sealed class ScopeEntry(ScopeEntry.Initial[] initials)
{
    public static ScopeEntry Empty { get; } = new([]);

    /// <summary>The variables of the host that are looked up.</summary>
    public IEnumerable<string> FromContext => initials.Where(initial => initial.Source == Source.Context).Select(initial => initial.Name);

    public void Enter(Rendering rendering, Frame frame, FrozenTopLevel? topLevel = null)
    {
        rendering.Charge(initials.Length / 8);
        foreach (Initial initial in initials)
        {
            frame.Slots[initial.Slot] = initial.Source switch
            {
                Source.Outer => initial.Place.Read(frame),
                Source.Context => topLevel?.Find(initial.Name, frame.Outer!) ?? rendering.Resolve(initial.Name),
                _ => null,
            };
        }
    }

    /// <summary>Where a variable's first value comes from.</summary>
    internal enum Source
    {
        /// <summary>It has none until it is assigned.</summary>
        Nowhere,

        /// <summary>The variables that the host gave, or a global.</summary>
        Context,

        /// <summary>The variable of the same name of an outer scope.</summary>
        Outer,
    }

    internal readonly record struct Initial(int Slot, Source Source, string Name, VariablePlace Place);
}

/// <summary>The variables that the top level of a template assigns.</summary>
internal sealed class FrozenTopLevel(Dictionary<string, int> slots)
{
    public static FrozenTopLevel Empty { get; } = new([]);

    public TemplateValue? Find(string name, Frame frame)
    {
        while (frame.Outer is not null)
            frame = frame.Outer;
        return slots.TryGetValue(name, out int slot) ? frame.Slots[slot] : null;
    }
}

/// <summary>The slots of one kind of <see cref="Frame"/>.</summary>
internal sealed class FrameLayout(FrameLayout? outer)
{
    public FrameLayout? Outer => outer;

    public int Slots { get; private set; }

    public int AddSlot() => Slots++;
}

/// <summary>
/// The names of one scope while a template is bound. Jinja decides at compile time, from the order in which a scope
/// reads and assigns a name, what the name means in all of the scope; these are its rules (jinja2.idtracking).
/// </summary>
internal sealed class Scope
{
    private readonly Scope? _trunk;
    private readonly Dictionary<string, int> _slots;
    private readonly Dictionary<string, (ScopeEntry.Source Source, VariablePlace Place)?> _names = [];
    private readonly HashSet<string> _stores = [];

    public Scope(Scope? outer, FrameLayout layout)
    {
        Outer = outer;
        Layout = layout;
        _slots = [];
    }

    private Scope(Scope trunk)
    {
        _trunk = trunk;
        Outer = trunk.Outer;
        Layout = trunk.Layout;
        _slots = trunk._slots;
    }

    public Scope? Outer { get; }

    public FrameLayout Layout { get; }

    public IEnumerable<string> Stores => _stores;

    /// <summary>This scope as a branch of an <c>if</c> starts with it; what the branch adds stays in the branch until it is merged.</summary>
    public Scope Branch() => new(this);

    public VariablePlace? Find(string name)
    {
        int levels = 0;
        for (Scope? scope = this; scope is not null; scope = scope.Outer)
        {
            if (scope.Has(name))
                return new VariablePlace(levels, scope._slots[name]);
            if (scope.Outer is not null && scope.Outer.Layout != scope.Layout)
                levels++;
        }

        return null;
    }

    public void Read(string name)
    {
        if (Find(name) is null)
            Define(name, (ScopeEntry.Source.Context, default));
    }

    public void Assign(string name)
    {
        bool isKnown = Has(name);
        if (!HasStored(name))
            _stores.Add(name);
        if (!isKnown)
            Define(name, FindOutside(name) is { } outer ? (ScopeEntry.Source.Outer, outer) : (ScopeEntry.Source.Nowhere, default));
    }

    /// <summary>Declares a variable that is given its value when the scope is entered.</summary>
    public int DeclareParameter(string name)
    {
        _stores.Add(name);
        return Define(name, null);
    }

    /// <summary>Takes over what the branches of an <c>if</c> assigned: a name that only some of them assign keeps its outer value in the others.</summary>
    public void Merge(params ReadOnlySpan<Scope> branches)
    {
        HashSet<string> assigned = [];
        foreach (Scope branch in branches)
        {
            foreach (string name in branch._stores)
            {
                if (!HasStored(name))
                    assigned.Add(name);
            }
        }

        foreach (Scope branch in branches)
        {
            foreach ((string name, (ScopeEntry.Source, VariablePlace)? load) in branch._names)
                _names[name] = load;
            _stores.UnionWith(branch._stores);
        }

        foreach (string name in assigned)
            _names[name] = FindOutside(name) is { } outer ? (ScopeEntry.Source.Outer, outer) : (ScopeEntry.Source.Context, default);
    }

    public ScopeEntry CreateEntry()
    {
        List<ScopeEntry.Initial> initials = [];
        foreach ((string name, (ScopeEntry.Source Source, VariablePlace Place)? load) in _names)
        {
            if (load is { } first)
                initials.Add(new ScopeEntry.Initial(_slots[name], first.Source, name, first.Place));
        }

        return initials.Count == 0 ? ScopeEntry.Empty : new ScopeEntry([.. initials]);
    }

    public Dictionary<string, int> SlotsOf(IEnumerable<string> names) => names.ToDictionary(name => name, name => _slots[name]);

    private bool Has(string name)
    {
        for (Scope? scope = this; scope is not null; scope = scope._trunk)
        {
            if (scope._names.ContainsKey(name))
                return true;
        }

        return false;
    }

    private bool HasStored(string name)
    {
        for (Scope? scope = this; scope is not null; scope = scope._trunk)
        {
            if (scope._stores.Contains(name))
                return true;
        }

        return false;
    }

    private VariablePlace? FindOutside(string name)
    {
        if (Outer?.Find(name) is not { } place)
            return null;
        return Outer.Layout == Layout ? place : place with { Levels = place.Levels + 1 };
    }

    /// <param name="name">The name.</param>
    /// <param name="load">Where its first value comes from; null for a parameter.</param>
    private int Define(string name, (ScopeEntry.Source Source, VariablePlace Place)? load)
    {
        if (!_slots.TryGetValue(name, out int slot))
        {
            slot = Layout.AddSlot();
            _slots.Add(name, slot);
        }

        _names[name] = load;
        return slot;
    }
}
