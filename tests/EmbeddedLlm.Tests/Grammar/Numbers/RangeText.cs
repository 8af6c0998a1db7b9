using System.Text;
using EmbeddedLlm.Grammars;

namespace EmbeddedLlm.Tests.Grammars.Numbers;

/// <summary>A range as its parts' texts, so that a failing test shows it.</summary>
internal sealed record RangeText(string? Minimum, bool ExcludesMinimum, string? Maximum, bool ExcludesMaximum, bool IsInteger, params string[] MultipleOf)
{
    private static readonly string[] s_bounds = ["0", "1", "2", "5", "10", "12", "15", "20", "21", "50", "99", "100", "101", "120", "205", "0.1", "0.5", "0.05", "0.12", "0.125", "1.5", "2.05", "10.5", "11.02", "1e2", "5e-2"];
    private static readonly string[] s_steps = ["1", "2", "3", "5", "7", "10", "12", "25", "0.1", "0.5", "0.25", "0.05", "0.3", "1.5", "0.02", "50"];

    public static RangeText Random(Random random)
    {
        string? Bound() => random.Next(4) == 0 ? null : (random.Next(3) == 0 ? "-" : "") + s_bounds[random.Next(s_bounds.Length)];
        string[] steps = [.. Enumerable.Range(0, Math.Max(random.Next(5) - 2, 0)).Select(_ => s_steps[random.Next(s_steps.Length)])];
        string? low = Bound();
        string? high = Bound();
        if (low is not null && high is not null && random.Next(8) != 0 && ReferenceNumber.Parse(low).CompareTo(ReferenceNumber.Parse(high)) > 0)
            (low, high) = (high, low);
        return new RangeText(low, random.Next(3) == 0, high, random.Next(3) == 0, random.Next(4) == 0, steps);
    }

    public NumberRange ToRange() => new()
    {
        IsInteger = IsInteger,
        Minimum = Minimum is null ? null : new DecimalBound(ExactDecimal.Parse(Minimum), ExcludesMinimum),
        Maximum = Maximum is null ? null : new DecimalBound(ExactDecimal.Parse(Maximum), ExcludesMaximum),
        MultipleOf = [.. MultipleOf.Select(text => ExactDecimal.Parse(text))],
    };

    public bool Contains(string text)
    {
        ReferenceNumber number = ReferenceNumber.Parse(text);
        return (Minimum is null || number.CompareTo(ReferenceNumber.Parse(Minimum)) > (ExcludesMinimum ? 0 : -1))
            && (Maximum is null || number.CompareTo(ReferenceNumber.Parse(Maximum)) < (ExcludesMaximum ? 0 : 1))
            && (!IsInteger || number.IsMultipleOf(ReferenceNumber.Parse("1")))
            && MultipleOf.All(step => number.IsMultipleOf(ReferenceNumber.Parse(step)));
    }

    public override string ToString() => $"{(ExcludesMinimum ? "(" : "[")}{Minimum}..{Maximum}{(ExcludesMaximum ? ")" : "]")}{(IsInteger ? " whole" : "")} step {string.Join(",", MultipleOf)}";

    public static LexicalState? After(LexicalState? state, string text)
    {
        foreach (byte next in Encoding.UTF8.GetBytes(text))
            state = state?.Next(next);
        return state;
    }

    public static bool Accepts(LexicalState? state, string text) => After(state, text) is { IsAccepting: true };
}
