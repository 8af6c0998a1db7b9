namespace EmbeddedLlm.Grammars;

/// <summary>A state within a number without its sign. It holds one of the prefixes that lead to it; they all have the same continuations.</summary>
internal sealed class NumberState(NumberSide side, NumberPrefix prefix) : LexicalState
{
    private static readonly byte[] s_successors = ".e0123456789"u8.ToArray();

    private int _canContinue = -1;

    public override bool IsAccepting { get; } = side.Contains(prefix);

    public override bool CanContinue
    {
        get
        {
            if (_canContinue < 0)
                _canContinue = s_successors.Any(next => Next(next) is not null) ? 1 : 0;
            return _canContinue > 0;
        }
    }

    protected override LexicalState? Compute(byte next) => next switch
    {
        (byte)'.' => prefix.Part is NumberPart.Zero or NumberPart.Whole && side.AllowsPoint ? side.After(prefix.AppendPoint()) : null,
        (byte)'e' or (byte)'E' => prefix.Part is NumberPart.Zero or NumberPart.Whole or NumberPart.Fraction ? side.Exponents(prefix) : null,
        >= (byte)'0' and <= (byte)'9' => prefix.Part == NumberPart.Start || side.AllowsDigit(prefix) ? side.After(prefix.Append(next - '0')) : null,
        _ => null,
    };
}
