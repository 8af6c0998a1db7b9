using System.Globalization;

namespace EmbeddedLlm.Tests.Grammars.Gbnf;

/// <summary>A small grammar made by chance, as GBNF, and which texts are in its language by the plainest of methods: all the places where a part that begins at a place may end.</summary>
internal sealed class RandomGrammar
{
    private readonly Part[] _rules;
    private readonly Random _random;
    private int _partsLeft = 40;

    public RandomGrammar(Random random)
    {
        _random = random;
        _rules = new Part[random.Next(1, 5)];
        for (int i = 0; i < _rules.Length; i++)
            _rules[i] = Create(4);
    }

    private enum Kind
    {
        Literal,
        Class,
        Rule,
        Sequence,
        Choice,
        Repeat,
    }

    public string Gbnf => string.Join('\n', _rules.Select((body, i) => $"{Name(i)} ::= {Write(body)}"));

    /// <summary>Whether a text is in the language; the grammar must not be left-recursive.</summary>
    public bool Accepts(string text) => Ends(text, _rules[0], 0, []).Contains(text.Length);

    private static string Name(int rule) => rule == 0 ? "root" : "r" + rule.ToString(CultureInfo.InvariantCulture);

    private Part Create(int depth)
    {
        _partsLeft--;
        Kind kind = depth == 0 || _partsLeft < 0 ? (Kind)_random.Next(3) : (Kind)_random.Next(6);
        return kind switch
        {
            Kind.Literal => new Part(kind) { Text = ((string[])["", "a", "b", "ab", "c", "ba"])[_random.Next(6)] },
            Kind.Class => new Part(kind) { Text = ((string[])["a", "ab", "bc", "abc"])[_random.Next(4)] },
            Kind.Rule => new Part(kind) { Rule = _random.Next(_rules.Length) },
            Kind.Repeat => new Part(kind) { Parts = [Create(depth - 1)], Min = _random.Next(3), Max = _random.Next(2) == 0 ? null : _random.Next(2, 4) },
            _ => new Part(kind) { Parts = [.. Enumerable.Range(0, _random.Next(1, 4)).Select(_ => Create(depth - 1))] },
        };
    }

    private static string Write(Part part) => part.Kind switch
    {
        Kind.Literal => $"\"{part.Text}\"",
        Kind.Class => $"[{part.Text}]",
        Kind.Rule => Name(part.Rule),
        Kind.Sequence => $"({string.Join(' ', part.Parts.Select(Write))})",
        Kind.Choice => $"({string.Join(" | ", part.Parts.Select(Write))})",
        _ => string.Create(CultureInfo.InvariantCulture, $"({Write(part.Parts[0])}){{{part.Min},{part.Max}}}"),
    };

    private HashSet<int> Ends(string text, Part part, int start, Dictionary<(Part, int), HashSet<int>> known)
    {
        if (known.TryGetValue((part, start), out HashSet<int>? ends))
            return ends;
        ends = [];
        switch (part.Kind)
        {
            case Kind.Literal:
                if (string.CompareOrdinal(text, start, part.Text, 0, part.Text.Length) == 0)
                    ends.Add(start + part.Text.Length);
                break;
            case Kind.Class:
                if (start < text.Length && part.Text.Contains(text[start], StringComparison.Ordinal))
                    ends.Add(start + 1);
                break;
            case Kind.Rule:
                ends.UnionWith(Ends(text, _rules[part.Rule], start, known));
                break;
            case Kind.Choice:
                foreach (Part alternative in part.Parts)
                    ends.UnionWith(Ends(text, alternative, start, known));
                break;
            case Kind.Sequence:
                ends.Add(start);
                foreach (Part next in part.Parts)
                    ends = [.. ends.SelectMany(end => Ends(text, next, end, known))];
                break;
            default:
                HashSet<int> places = [start];
                // More often than there are characters it can be there only by being empty.
                for (int times = 0; times <= (part.Max ?? text.Length + part.Min + 1); times++)
                {
                    if (times >= part.Min)
                        ends.UnionWith(places);
                    places = [.. places.SelectMany(place => Ends(text, part.Parts[0], place, known))];
                }

                break;
        }

        return known[(part, start)] = ends;
    }

    private sealed class Part(Kind kind)
    {
        public Kind Kind { get; } = kind;

        public string Text { get; init; } = "";

        public int Rule { get; init; }

        public Part[] Parts { get; init; } = [];

        public int Min { get; init; }

        public int? Max { get; init; }
    }
}
