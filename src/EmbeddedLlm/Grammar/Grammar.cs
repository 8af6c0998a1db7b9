using EmbeddedLlm.Grammars;

namespace EmbeddedLlm;

/// <summary>
/// A language that an answer is held to: a GBNF grammar, a JSON schema or a regular expression. Immutable and thread-safe; one instance serves any number of
/// requests and models at once, and what one of them has found out about it helps the others.
/// </summary>
public sealed partial class Grammar
{
    private const int KeptTexts = 64;
    private const int KeptTextLength = 64 * 1024;

    private static readonly GrammarCache<string> s_gbnf = new(KeptTexts);
    private static readonly GrammarCache<string> s_regex = new(KeptTexts);

    private readonly GrammarMachine _machine;

    internal Grammar(GrammarNode start, bool hasUniqueKeys = false, bool hasDistinctItems = false)
    {
        Start = start;
        _machine = new GrammarMachine(start);
        HasUniqueKeys = hasUniqueKeys;
        HasDistinctItems = hasDistinctItems;
    }

    /// <summary>The part that every text is an instance of, to be used in other grammars as well.</summary>
    internal GrammarNode Start { get; }

    internal GrammarMachine Machine => _machine;

    /// <summary>Whether the texts are JSON in which a matcher repeats no key of an object.</summary>
    internal bool HasUniqueKeys { get; }

    /// <summary>Whether no object has a key that its schema does not name, so that the automata alone repeat none.</summary>
    internal bool NamesAllKeys { get; init; }

    /// <summary>Whether there are arrays in which no item may be repeated, which the automata do not know.</summary>
    internal bool HasDistinctItems { get; }

    /// <summary>What keeps keys and items from being repeated, at the beginning of a text; null where there is nothing to be kept.</summary>
    internal JsonTrail? Trail => HasDistinctItems ? HasUniqueKeys ? JsonTrail.StartWithItems : JsonTrail.StartReading
        : !HasUniqueKeys || NamesAllKeys ? null
        : BeginsInString ? JsonTrail.StartInString : JsonTrail.Start;

    /// <summary>Whether the JSON in which keys are told apart has begun ahead of the text, which goes on within a string.</summary>
    internal bool BeginsInString { get; init; }

    /// <summary>Whether a text, in UTF-8 and as a whole, is in the language.</summary>
    /// <exception cref="GrammarException">The grammar is too ambiguous to be followed on this text.</exception>
    public bool Accepts(ReadOnlySpan<byte> text)
    {
        Configuration? configuration = _machine.Root;
        if (HasDistinctItems)
            return (HasUniqueKeys ? JsonTrail.StartJudging : JsonTrail.StartReading).After(ref configuration, text) is not null && configuration.IsComplete;
        foreach (byte next in text)
        {
            configuration = configuration.Next(next);
            if (configuration is null)
                return false;
        }

        return configuration.IsComplete;
    }
}
