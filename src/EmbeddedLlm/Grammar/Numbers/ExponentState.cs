using System.Runtime.InteropServices;

namespace EmbeddedLlm.Grammars;

/// <summary>A state within a number's exponent, behind its letter: whole numbers between two bounds.</summary>
internal sealed class ExponentState : LexicalState
{
    /// <summary>Above this an exponent's further digits are not told apart.</summary>
    private const long Huge = long.MaxValue;

    private readonly Side _side;
    private readonly bool _hasDigits;
    private readonly long _value;

    private ExponentState(Side side, bool hasDigits, long value)
    {
        _side = side;
        _hasDigits = hasDigits;
        _value = value;
    }

    public override bool IsAccepting => _hasDigits && _value >= _side.Least && _value <= _side.Most;

    public override bool CanContinue => !_hasDigits || CanAppendAny();

    /// <summary>The beginning of the exponents between two bounds, each null where there is none.</summary>
    public static LexicalState Create(int? least, int? most, bool allowsLeadingZeros)
    {
        ExponentState? up = most < 0 ? null : new Side(Math.Max(least ?? 0, 0), most ?? Huge, allowsLeadingZeros).Start;
        ExponentState? down = least > 0 ? null : new Side(Math.Max(-(long)(most ?? 0), 0), -(long?)least ?? Huge, allowsLeadingZeros).Start;
        return new Signed(up, down);
    }

    protected override LexicalState? Compute(byte next) => next is >= (byte)'0' and <= (byte)'9' ? Append(next - '0') : null;

    private bool CanAppendAny()
    {
        for (int digit = 0; digit < 10; digit++)
        {
            if (Append(digit) is not null)
                return true;
        }

        return false;
    }

    private ExponentState? Append(int digit)
    {
        if (_hasDigits && _value == 0 && !_side.AllowsLeadingZeros)
            return null;
        long value = _value * 10 + digit;
        // Without an upper bound, all exponents from the lower one on are alike.
        if (_side.Most == Huge && _value >= Math.Max(_side.Least, 1))
            value = _value;
        return _side.State(value);
    }

    /// <summary>The exponents of one sign.</summary>
    private sealed class Side(long least, long most, bool allowsLeadingZeros)
    {
        private readonly Dictionary<long, ExponentState> _states = [];

        public long Least => least;

        public long Most => most;

        public bool AllowsLeadingZeros => allowsLeadingZeros;

        public ExponentState Start => field ??= new ExponentState(this, false, 0);

        /// <summary>The state after an exponent's first digits; null where none in the range begins with them.</summary>
        public ExponentState? State(long value)
        {
            bool isPossible = value == 0 && (least == 0 || allowsLeadingZeros);
            for (long low = value, high = value; value > 0 && low <= most && !isPossible; low *= 10, high = high * 10 + 9)
                isPossible = high >= least;
            if (!isPossible)
                return null;
            lock (_states)
            {
                ref ExponentState? state = ref CollectionsMarshal.GetValueRefOrAddDefault(_states, value, out _);
                return state ??= new ExponentState(this, true, value);
            }
        }
    }

    private sealed class Signed(ExponentState? up, ExponentState? down) : LexicalState
    {
        public override bool IsAccepting => false;

        public override bool CanContinue => true;

        protected override LexicalState? Compute(byte next) => next switch
        {
            (byte)'+' => up,
            (byte)'-' => down,
            _ => up?.Next(next),
        };
    }
}
