namespace EmbeddedLlm.Grammars;

/// <summary>A part of a GBNF rule. Parts may nest deeper than a thread's stack: whoever walks them keeps a stack of its own.</summary>
internal abstract class GbnfPart
{
    /// <summary>The part that this one is in; null for a rule's body. Found by <see cref="GbnfAnalysis"/>.</summary>
    public GbnfPart? Parent { get; set; }

    /// <summary>The rule whose body this is; null for a part of another. Found by <see cref="GbnfAnalysis"/>.</summary>
    public GbnfRule? BodyOf { get; set; }

    /// <summary>Whether the empty text is an instance; found by <see cref="GbnfAnalysis"/>.</summary>
    public bool IsNullable { get; set; }

    /// <summary>Whether any text is an instance; found by <see cref="GbnfAnalysis"/>.</summary>
    public bool IsProductive { get; set; }

    /// <summary>The parts in this part.</summary>
    public virtual IReadOnlyList<GbnfPart> Parts => [];

    /// <summary>A literal or a character class.</summary>
    internal sealed class Characters(Pattern pattern) : GbnfPart
    {
        public Pattern Pattern { get; } = pattern;
    }

    internal sealed class Token(TokenReference meant) : GbnfPart
    {
        public TokenReference Meant { get; } = meant;
    }

    /// <summary>A rule's name where another rule, or the same one, uses it.</summary>
    internal sealed class Reference(GbnfRule rule, int offset) : GbnfPart
    {
        public GbnfRule Rule { get; } = rule;

        public int Offset { get; } = offset;
    }

    /// <summary>Parts one after the other; none for the empty text.</summary>
    internal sealed class Sequence(GbnfPart[] parts) : GbnfPart
    {
        public override IReadOnlyList<GbnfPart> Parts => parts;
    }

    internal sealed class Choice(GbnfPart[] parts) : GbnfPart
    {
        public override IReadOnlyList<GbnfPart> Parts => parts;
    }

    internal sealed class Repeat(GbnfPart part, int min, int? max) : GbnfPart
    {
        private readonly GbnfPart[] _parts = [part];

        public override IReadOnlyList<GbnfPart> Parts => _parts;

        public int Min { get; } = min;

        public int? Max { get; } = max;
    }
}

/// <summary>A rule of a GBNF grammar.</summary>
internal sealed class GbnfRule(string name)
{
    public string Name { get; } = name;

    /// <summary>Where its name stands ahead of its body.</summary>
    public int Offset { get; set; }

    /// <summary>What it stands for; null as long as it is used only.</summary>
    public GbnfPart? Body { get; set; }

    /// <summary>Where it is used.</summary>
    public List<GbnfPart.Reference> Uses { get; } = [];

    /// <summary>The rules that its body uses, once each, in their order; found by <see cref="GbnfAnalysis"/>.</summary>
    public OrderedDictionary<GbnfRule, GbnfPart.Reference> Callees { get; } = [];

    /// <summary>Whether it is among what it stands for; found by <see cref="GbnfAnalysis"/>.</summary>
    public bool IsRecursive { get; set; }
}
