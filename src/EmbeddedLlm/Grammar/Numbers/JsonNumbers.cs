namespace EmbeddedLlm.Grammars;

/// <summary>The lexical automata of JSON numbers.</summary>
internal static class JsonNumbers
{
    // Most schemas have just these; made once, they share their masks.
    private static readonly LexicalState? s_any = Build(NumberRange.Any, anySpelling: false);
    private static readonly LexicalState? s_anyRead = Build(NumberRange.Any, anySpelling: true);
    private static readonly LexicalState? s_integer = Build(new NumberRange { IsInteger = true }, anySpelling: false);
    private static readonly LexicalState? s_integerRead = Build(new NumberRange { IsInteger = true }, anySpelling: true);

    /// <summary>The automaton of the numbers in a set; null where there is none.</summary>
    /// <param name="range">The set.</param>
    /// <param name="anySpelling">
    /// Whether every JSON spelling of a number is taken, such as 1.0 and 1e2 for 1 and 100. Otherwise the number of digits is limited, so that every number ends and is within a
    /// double's range, and numbers that have bounds or steps are written without an exponent.
    /// </param>
    /// <exception cref="GrammarException">The set's numbers are too long to be computed with, or it wants multiples of zero or less.</exception>
    public static LexicalState? Create(NumberRange range, bool anySpelling)
    {
        if (range.Minimum is null && range.Maximum is null && range.MultipleOf.Count == 0)
            return range.IsInteger ? anySpelling ? s_integerRead : s_integer : anySpelling ? s_anyRead : s_any;
        return Build(range, anySpelling);
    }

    private static Signed? Build(NumberRange range, bool anySpelling)
    {
        if (range.IsEmpty)
            return null;
        ExactDecimal? step = range.Step;
        LexicalState? positive = NumberSide.Create(range.Minimum, range.Maximum, step, anySpelling);
        LexicalState? negative = NumberSide.Create(Mirror(range.Maximum), Mirror(range.Minimum), step, anySpelling);
        return positive is null && negative is null ? null : new Signed(positive, negative);
    }

    private static DecimalBound? Mirror(DecimalBound? bound) => bound is { } known ? new DecimalBound(-known.Value, known.IsExclusive) : null;

    /// <summary>A number's beginning, where it may have a sign.</summary>
    private sealed class Signed(LexicalState? positive, LexicalState? negative) : LexicalState
    {
        public override bool IsAccepting => false;

        public override bool CanContinue => true;

        protected override LexicalState? Compute(byte next) => next == '-' ? negative : positive?.Next(next);
    }
}
