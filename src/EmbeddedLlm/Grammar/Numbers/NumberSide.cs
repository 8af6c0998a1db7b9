using System.Numerics;
using System.Runtime.InteropServices;

namespace EmbeddedLlm.Grammars;

/// <summary>
/// The numbers of a range on one side of zero, zero included, without their sign: what can be asked about all the numbers that begin with the same digits.
/// Makes each state of their automaton once. All arithmetic is exact.
/// </summary>
internal sealed class NumberSide
{
    /// <summary>The most digits ahead of the point, where there is no bound and one spelling: 64-bit integers, which most readers use, hold them all.</summary>
    private const int WholeDigits = 18;

    /// <summary>The most digits behind the point, where there is neither bound nor step, and one spelling.</summary>
    private const int FractionDigits = 20;

    /// <summary>The digits that a double always tells apart. Numbers next to a bound that has no more have no more either, so that they are on its right side as doubles too.</summary>
    private const int DoubleDigits = 15;

    /// <summary>With one spelling, the largest exponent: with <see cref="WholeDigits"/> digits ahead of the point, a double still holds the number.</summary>
    private const int LargestExponent = 267;

    /// <summary>The most digits ahead of the point, and behind it, that an exponent may follow, where what it may be depends on them.</summary>
    private const int CountedDigits = 40;

    /// <summary>The bounds: zero, included, where the lower one says nothing; null where there is no upper one.</summary>
    private readonly DecimalBound _least;
    private readonly DecimalBound? _most;

    /// <summary>The numbers' step is this over 10^<see cref="_stepPlaces"/>; zero where they are dense.</summary>
    private readonly BigInteger _step;
    private readonly int _stepPlaces;

    /// <summary>The step without its factors 2 and 5: what no power of ten takes away.</summary>
    private readonly BigInteger _oddStep;

    /// <summary>How many digits behind the point hold the bounds and the step, and a number between the bounds where there is one.</summary>
    private readonly int _places;

    private readonly int? _maxWhole;
    private readonly int? _maxFraction;
    private readonly bool _anySpelling;
    private readonly Dictionary<NumberStateKey, NumberState> _states = [];
    private readonly Dictionary<(int? Least, int? Most), LexicalState> _exponents = [];

    private NumberSide(DecimalBound least, DecimalBound? most, ExactDecimal? step, bool anySpelling)
    {
        _least = least;
        _most = most;
        _anySpelling = anySpelling;
        if (step is { } unit)
        {
            _stepPlaces = unit.FractionDigits;
            _step = unit.Scaled(_stepPlaces);
            _oddStep = _step;
            foreach (int factor in (ReadOnlySpan<int>)[2, 5])
            {
                while ((_oddStep % factor).IsZero)
                    _oddStep /= factor;
            }
        }

        int bounds = Math.Max(least.Value.FractionDigits, most?.Value.FractionDigits ?? 0);
        if (anySpelling)
        {
            _places = Math.Max(_stepPlaces, bounds) + 1;
            return;
        }

        _maxFraction = step is not null ? _stepPlaces : IsFree ? FractionDigits : Math.Max(bounds + 1, DoubleDigits - Math.Max(least.Value.Magnitude, most?.Value.Magnitude ?? 0));
        _places = Math.Max(_maxFraction.Value, bounds);
        if (most is null)
            _maxWhole = Math.Max(WholeDigits, Math.Max(least.Value.Magnitude, step?.Magnitude ?? 0) + 1);
    }

    /// <summary>Whether every number is on this side.</summary>
    private bool IsFree => !HasBounds && !HasStep;

    private bool HasBounds => _most is not null || !_least.Value.IsZero || _least.IsExclusive;

    private bool HasStep => !_step.IsZero;

    /// <summary>The beginning of the automaton; null where no number is on this side.</summary>
    public static LexicalState? Create(DecimalBound? least, DecimalBound? most, ExactDecimal? step, bool anySpelling)
    {
        DecimalBound from = least is { } bound && (bound.Value > ExactDecimal.Zero || (bound.Value.IsZero && bound.IsExclusive)) ? bound : new DecimalBound(ExactDecimal.Zero, false);
        if (most is { } end && (end.Value.IsNegative || (end.Value.IsZero && end.IsExclusive)))
            return null;
        NumberState start = new NumberSide(from, most, step, anySpelling).State(default);
        return start.CanContinue ? start : null;
    }

    /// <summary>The state after some digits; null where no number begins with them.</summary>
    public NumberState? After(NumberPrefix prefix) => IsCompletable(prefix) ? State(prefix) : null;

    /// <summary>Whether the prefix is a number of this side.</summary>
    public bool Contains(NumberPrefix prefix) =>
        prefix.Part is NumberPart.Zero or NumberPart.Whole or NumberPart.Fraction && HasNumber(prefix.Digits, prefix.Digits, prefix.Places);

    /// <summary>Whether a digit may follow by its count alone.</summary>
    public bool AllowsDigit(NumberPrefix prefix) => prefix.Part switch
    {
        NumberPart.Whole => prefix.Count < (_maxWhole ?? int.MaxValue),
        NumberPart.Point or NumberPart.Fraction => prefix.Places < (_maxFraction ?? int.MaxValue),
        _ => false,
    };

    public bool AllowsPoint => _maxFraction != 0;

    /// <summary>The beginning of the exponents that make a number of this side out of the digits, behind the letter; null where there is none.</summary>
    public LexicalState? Exponents(NumberPrefix prefix)
    {
        if (!AllowsExponent(prefix) || ExponentsOf(prefix) is not { } range)
            return null;
        lock (_exponents)
        {
            ref LexicalState? state = ref CollectionsMarshal.GetValueRefOrAddDefault(_exponents, range, out _);
            return state ??= ExponentState.Create(range.Least, range.Most, allowsLeadingZeros: _anySpelling);
        }
    }

    private NumberState State(NumberPrefix prefix)
    {
        NumberStateKey key = Key(prefix);
        lock (_states)
        {
            ref NumberState? state = ref CollectionsMarshal.GetValueRefOrAddDefault(_states, key, out _);
            return state ??= new NumberState(this, prefix);
        }
    }

    private bool IsCompletable(NumberPrefix prefix)
    {
        int places = Math.Max(_places, prefix.Places + (_anySpelling ? 1 : 0));
        BigInteger digits = prefix.Digits * ExactDecimal.PowerOfTen(places - prefix.Places);
        BigInteger width = ExactDecimal.PowerOfTen(places - prefix.Places) - 1;
        if (HasNumber(digits, digits + width, places))
            return true;
        if (prefix.Part == NumberPart.Whole)
        {
            // Behind the digits of the upper bound all is too large; behind those of the lower one and of the step, some number follows.
            int most = _most?.Value.Magnitude ?? _maxWhole ?? Math.Max(Math.Max(_least.Value.Magnitude, prefix.Count) + 1, prefix.Count + ExactDecimal.CountDigits(_step));
            for (int count = prefix.Count + 1; count <= most; count++)
            {
                digits *= 10;
                width = width * 10 + 9;
                if (HasNumber(digits, digits + width, places))
                    return true;
            }
        }

        return AllowsExponent(prefix) && HasNumberWithExponent(prefix);
    }

    /// <summary>Whether a number of this side, times 10^places, is between two whole numbers, or one of them.</summary>
    private bool HasNumber(BigInteger from, BigInteger to, int places)
    {
        // Numbers of fewer places than the bounds and the step are compared with them as if they had more.
        if (places < _places)
        {
            BigInteger more = ExactDecimal.PowerOfTen(_places - places);
            (from, to, places) = (from * more, to * more, _places);
        }

        from = BigInteger.Max(from, _least.Value.Scaled(places) + (_least.IsExclusive ? 1 : 0));
        if (_most is { } most)
            to = BigInteger.Min(to, most.Value.Scaled(places) - (most.IsExclusive ? 1 : 0));
        return from <= to && (!HasStep || HasMultiple(from, to, _step * ExactDecimal.PowerOfTen(places - _stepPlaces)));
    }

    private static bool HasMultiple(BigInteger from, BigInteger to, BigInteger unit) => to / unit * unit >= from;

    private bool AllowsExponent(NumberPrefix prefix) =>
        IsFree || (_anySpelling && prefix.Count - prefix.Places <= CountedDigits && prefix.Places <= CountedDigits);

    /// <summary>The least and the greatest exponent that make a number of this side out of the digits; null where there is none.</summary>
    private (int? Least, int? Most)? ExponentsOf(NumberPrefix prefix)
    {
        if (IsFree)
            return _anySpelling ? (null, null) : (-LargestExponent, LargestExponent);
        if (prefix.Digits.IsZero)
            return Contains(prefix) ? (null, null) : null;

        int? least = null;
        int? most = null;
        int magnitude = prefix.Count - prefix.Places;
        if (!_least.Value.IsZero)
        {
            int exponent = _least.Value.Magnitude - magnitude;
            int order = Number(exponent).CompareTo(_least.Value);
            least = order < 0 || (order == 0 && _least.IsExclusive) ? exponent + 1 : exponent;
        }

        if (_most is { } end)
        {
            if (end.Value.IsZero)
                return null;
            int exponent = end.Value.Magnitude - magnitude;
            int order = Number(exponent).CompareTo(end.Value);
            most = order > 0 || (order == 0 && end.IsExclusive) ? exponent - 1 : exponent;
        }

        // Ten times a multiple is a multiple, so that the exponents have a least one and no greatest.
        if (HasStep)
        {
            if (ShiftToMultiple(prefix.Digits) is not { } shift)
                return null;
            least = Math.Max(least ?? int.MinValue, prefix.Places - _stepPlaces + shift);
        }

        return least > most ? null : (least, most);

        ExactDecimal Number(int exponent) => ExactDecimal.Create(prefix.Digits, exponent - prefix.Places);
    }

    /// <summary>The least power of ten that turns the digits, which are not zero, into a multiple of <see cref="_step"/>; null where none does.</summary>
    private int? ShiftToMultiple(BigInteger digits)
    {
        if (!(digits % _oddStep).IsZero)
            return null;
        int shift = 0;
        if ((digits % _step).IsZero)
        {
            while ((digits % (_step * ExactDecimal.PowerOfTen(1 - shift))).IsZero)
                shift--;
            return shift;
        }

        while (!(digits * ExactDecimal.PowerOfTen(shift) % _step).IsZero)
            shift++;
        return shift;
    }

    /// <summary>Whether a number of this side begins with the digits, more digits follow or not, and an exponent follows.</summary>
    private bool HasNumberWithExponent(NumberPrefix prefix)
    {
        int more = prefix.Part == NumberPart.Whole ? CountedDigits - prefix.Count + CountedDigits : CountedDigits - prefix.Places;
        if (prefix.Part == NumberPart.Zero && !AllowsPoint)
            more = 0;
        if (prefix.Digits.IsZero && HasNumber(0, 0, 0))
            return true;

        // All the mantissas, written with all the digits that may still come.
        BigInteger width = ExactDecimal.PowerOfTen(more);
        BigInteger from = BigInteger.Max(prefix.Digits * width, 1);
        BigInteger to = prefix.Digits * width + width - 1;
        if (to < from)
            return false;
        if (_most is not { } most)
            return !HasStep || HasMultiple(from, to, _oddStep);
        if (most.Value.IsZero)
            return false;
        if (!HasStep && _least.Value.IsZero)
            return true;

        int digits = prefix.Count + more;
        int lowest = HasStep ? -digits - _stepPlaces : int.MinValue;
        if (!_least.Value.IsZero)
            lowest = Math.Max(lowest, _least.Value.Magnitude - digits);
        int highest = most.Value.Magnitude - (prefix.Digits.IsZero ? 1 : digits);
        for (int exponent = highest; exponent >= lowest; exponent--)
        {
            int places = Math.Max(Math.Max(_places, -exponent), 0);
            BigInteger unit = ExactDecimal.PowerOfTen(places + exponent);
            BigInteger first = BigInteger.Max(from * unit, _least.Value.Scaled(places) + (_least.IsExclusive ? 1 : 0));
            BigInteger last = BigInteger.Min(to * unit, most.Value.Scaled(places) - (most.IsExclusive ? 1 : 0));
            if (HasStep)
            {
                BigInteger step = _step * ExactDecimal.PowerOfTen(places - _stepPlaces);
                unit = unit / BigInteger.GreatestCommonDivisor(unit, step) * step;
            }

            if (first <= last && HasMultiple(first, last, unit))
                return true;
        }

        return false;
    }

    /// <summary>What of the digits decides what may follow them: prefixes with equal keys have the same continuations.</summary>
    private NumberStateKey Key(NumberPrefix prefix)
    {
        NumberStateKey key = new() { Part = prefix.Part, IsZero = prefix.Digits.IsZero, AllowsExponent = AllowsExponent(prefix) };
        if (prefix.Part == NumberPart.Start)
            return key;
        if (HasStep)
            key = key with { Rest = prefix.Digits % _step };
        int? least = HasBounds && !_least.Value.IsZero ? Compare(prefix, _least.Value) : null;
        int? most = _most is { } end ? Compare(prefix, end.Value) : null;
        if (key.AllowsExponent && !IsFree)
        {
            int trailing = HasStep && key.Rest.IsZero && !key.IsZero ? ShiftToMultiple(prefix.Digits)!.Value : 0;
            return key with { Count = prefix.Count, Places = prefix.Places, Trailing = trailing, Least = least, Most = most };
        }

        int magnitude = prefix.Count - prefix.Places;
        if (prefix.Part == NumberPart.Whole)
        {
            if (magnitude > _least.Value.Magnitude)
                least = null;
            bool counts = least is not null || _most is not null || _maxWhole is not null;
            return key with { Count = counts ? prefix.Count : -1, Least = least, Most = most };
        }

        int places = _maxFraction is not null ? prefix.Places : Math.Min(prefix.Places, _stepPlaces);
        if (key.IsZero)
        {
            // Where zeros follow the point, it matters how many only as long as the bounds' first digits may still come.
            int zeros = Math.Max(least is null ? 0 : 1 - _least.Value.Magnitude, most is null ? 0 : 1 - _most!.Value.Value.Magnitude);
            return key with { Places = Math.Max(places, Math.Min(prefix.Places, zeros)) };
        }

        if (magnitude > _least.Value.Magnitude || least == NumberStateKey.Greater)
            least = null;
        if (_most is not { } top || magnitude < top.Value.Magnitude || most == NumberStateKey.Less)
            most = null;
        return key with { Places = places, Least = least, Most = most };
    }

    /// <summary>Compares the digits with a bound's first digits: less, greater, or the number of the bound's digits that they are equal to.</summary>
    private static int Compare(NumberPrefix prefix, ExactDecimal bound)
    {
        if (bound.IsZero)
            return prefix.Digits.IsZero ? 0 : NumberStateKey.Greater;
        int digits = bound.SignificantDigits;
        BigInteger significand = BigInteger.Abs(bound.Significand);
        BigInteger first = prefix.Count <= digits
            ? significand / ExactDecimal.PowerOfTen(digits - prefix.Count)
            : significand * ExactDecimal.PowerOfTen(prefix.Count - digits);
        return prefix.Digits.CompareTo(first) switch
        {
            < 0 => NumberStateKey.Less,
            > 0 => NumberStateKey.Greater,
            _ => Math.Min(prefix.Count, digits),
        };
    }
}
