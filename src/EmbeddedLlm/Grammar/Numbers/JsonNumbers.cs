namespace EmbeddedLlm.Grammars;

/// <summary>The lexical automata of JSON numbers.</summary>
internal static class JsonNumbers
{
    /// <summary>The automaton of the numbers in a set; null where there is none.</summary>
    /// <param name="range">The set.</param>
    /// <param name="anySpelling">Whether every JSON spelling of a number is taken, such as 1.0 and 1e2; else the number of digits is limited, so that every number ends.</param>
    public static LexicalState? Create(NumberRange range, bool anySpelling) => throw new NotImplementedException();
}
