namespace EmbeddedLlm.Grammars;

/// <summary>The characters of JSON strings (RFC 8259, section 7).</summary>
internal static class JsonCharacters
{
    /// <summary>What a string can hold as it is.</summary>
    public static CodePointSet Literal { get; } = CodePointSet.Of([new(0x20, 0x21), new(0x23, 0x5B), new(0x5D, CodePointSet.MaxCodePoint)]);

    /// <summary>The character that a letter after a backslash stands for, or -1; the slash, which needs no escape, is left out.</summary>
    public static int ShortEscape(byte letter) => letter switch
    {
        (byte)'"' => '"',
        (byte)'\\' => '\\',
        (byte)'b' => '\b',
        (byte)'f' => '\f',
        (byte)'n' => '\n',
        (byte)'r' => '\r',
        (byte)'t' => '\t',
        _ => -1,
    };

    /// <summary>Whether a character can be spelled only by its number.</summary>
    public static bool NeedsNumber(int codePoint) => codePoint < 0x20 && codePoint is not ('\b' or '\f' or '\n' or '\r' or '\t');
}

/// <summary>JSON strings with their quotes.</summary>
internal sealed class JsonEncoder : TextEncoder
{
    private readonly bool _hasNumbers;
    private readonly bool _hasSlash;

    private JsonEncoder(bool hasNumbers, bool hasSlash)
    {
        _hasNumbers = hasNumbers;
        _hasSlash = hasSlash;
    }

    /// <summary>Each text in one way: literally where that is possible, then by a short escape, then by <c>\u</c> and lower-case digits.</summary>
    public static JsonEncoder OneSpelling { get; } = new(hasNumbers: false, hasSlash: false);

    /// <summary>Every character also by its number; short escapes where they are needed.</summary>
    public static JsonEncoder Usual { get; } = new(hasNumbers: true, hasSlash: false);

    /// <summary>Whatever JSON allows.</summary>
    public static JsonEncoder AnySpelling { get; } = new(hasNumbers: true, hasSlash: true);

    protected override LexicalState CreateStart(TextState state) => new Quote(this, state);

    protected override LexicalState CreateBetween(TextState state) => new Inside(this, state);

    /// <summary>The character that a letter after a backslash stands for, or -1.</summary>
    private int ShortEscape(byte letter) => letter == '/' && _hasSlash ? '/' : JsonCharacters.ShortEscape(letter);

    private LexicalState PendingHex(TextState target, int digits)
    {
        ref LexicalState? pending = ref EncodedOf(target).PendingHex[digits];
        return pending ?? Interlocked.CompareExchange(ref pending, new HexPending(this, target, digits), null) ?? pending;
    }

    private LexicalState PendingLow(TextState target, int step)
    {
        ref LexicalState? pending = ref EncodedOf(target).PendingLow[step];
        return pending ?? Interlocked.CompareExchange(ref pending, new Low(this, target, isCommon: true, 0, step), null) ?? pending;
    }

    private static int HexValue(byte digit) => digit switch
    {
        >= (byte)'0' and <= (byte)'9' => digit - '0',
        >= (byte)'a' and <= (byte)'f' => digit - 'a' + 10,
        >= (byte)'A' and <= (byte)'F' => digit - 'A' + 10,
        _ => -1,
    };

    /// <summary>Before the string.</summary>
    private sealed class Quote(JsonEncoder encoder, TextState state) : LexicalState
    {
        public override bool IsAccepting => false;

        public override bool CanContinue => true;

        public override LexicalState Within(int characters) => encoder.Start(state.Within(characters));

        protected override ByteSet FindBytes()
        {
            ByteSet bytes = default;
            bytes.Add((byte)'"');
            return bytes;
        }

        protected override LexicalState? Compute(byte next) => next == '"' ? encoder.Between(state) : null;
    }

    /// <summary>After the string.</summary>
    private sealed class End(int label) : LexicalState
    {
        private static readonly End Unlabelled = new(0);
        private static readonly Dictionary<int, End> Labelled = [];

        public override bool IsAccepting => true;

        public override bool CanContinue => false;

        public override int Label => label;

        public static End Of(int label)
        {
            if (label == 0)
                return Unlabelled;
            lock (Labelled)
            {
                if (!Labelled.TryGetValue(label, out End? end))
                    Labelled[label] = end = new End(label);
                return end;
            }
        }

        protected override ByteSet FindBytes() => default;

        protected override LexicalState? Compute(byte next) => null;
    }

    /// <summary>Between two characters.</summary>
    private sealed class Inside(JsonEncoder encoder, TextState state) : LexicalState
    {
        public override bool IsAccepting => false;

        public override bool CanContinue => true;

        public override int FreeCharacters => state.FreeCharacters;

        public override LexicalState Within(int characters) => encoder.Between(state.Within(characters));

        protected override ByteSet FindBytes()
        {
            ByteSet characters = FirstBytes(state);
            ByteSet bytes = default;
            while (!characters.IsEmpty)
            {
                byte next = characters.TakeFirst();
                if (next >= 0x20 && next is not ((byte)'"' or (byte)'\\'))
                    bytes.Add(next);
            }

            if (state.IsAccepting)
                bytes.Add((byte)'"');
            if (Next((byte)'\\') is not null)
                bytes.Add((byte)'\\');
            return bytes;
        }

        protected override LexicalState? Compute(byte next)
        {
            switch (next)
            {
                case (byte)'"':
                    return state.IsAccepting ? End.Of(state.Label) : null;
                case (byte)'\\':
                    return Escape.Create(encoder, state);
                case < 0x20:
                    return null;
                case >= 0x80:
                    return encoder.AfterLead(state, next);
                default:
                    return state.Next(next, out _) is { } target ? encoder.Between(target) : null;
            }
        }
    }

    /// <summary>After a backslash.</summary>
    private sealed class Escape(JsonEncoder encoder, TextState source) : LexicalState
    {
        private static ReadOnlySpan<byte> Letters => "\"\\/bfnrt"u8;

        public override bool IsAccepting => false;

        public override bool CanContinue => true;

        public static Escape? Create(JsonEncoder encoder, TextState source)
        {
            bool isPossible = encoder._hasNumbers ? source.HasNext() : Hex.HasNumber(source, 0, 0x1F);
            foreach (byte letter in Letters)
                isPossible |= encoder.ShortEscape(letter) is >= 0 and var codePoint && source.Next(codePoint, out _) is not null;
            return isPossible ? new Escape(encoder, source) : null;
        }

        public override LexicalState Within(int characters)
        {
            TextState other = source.Within(characters + 1);
            return ReferenceEquals(other, source) ? this : encoder.Between(other).Next((byte)'\\') ?? this;
        }

        protected override LexicalState? Compute(byte next)
        {
            if (next == 'u')
                return Hex.Create(encoder, source, 0, 4);
            return encoder.ShortEscape(next) is >= 0 and var codePoint && source.Next(codePoint, out _) is { } target ? encoder.Between(target) : null;
        }
    }

    /// <summary>Within the four digits of an escape that is allowed with some of the digits that can complete it.</summary>
    private sealed class Hex(JsonEncoder encoder, TextState source, int value, int missing) : LexicalState
    {
        public override bool IsAccepting => false;

        public override bool CanContinue => true;

        public static LexicalState? Create(JsonEncoder encoder, TextState source, int value, int missing)
        {
            int first = value << (4 * missing);
            int last = ((value + 1) << (4 * missing)) - 1;
            if (!encoder._hasNumbers)
                return HasNumber(source, first, last) ? new Hex(encoder, source, value, missing) : null;

            bool isPossible = source.Probe(first, last, out TextState? common);
            if (last < 0xD800 || first > 0xDFFF)
                return !isPossible ? null : common is not null ? encoder.PendingHex(common, missing) : new Hex(encoder, source, value, missing);

            int firstHigh = Math.Max(first, 0xD800), lastHigh = Math.Min(last, 0xDBFF);
            if (firstHigh <= lastHigh)
                isPossible |= source.Probe(0x10000 + ((firstHigh - 0xD800) << 10), 0x10000 + ((lastHigh - 0xD800) << 10) + 0x3FF, out common);
            return !isPossible ? null
                : missing > 0 ? new Hex(encoder, source, value, missing)
                : common is not null ? encoder.PendingLow(common, 0)
                : new Low(encoder, source, isCommon: false, 0x10000 + ((value - 0xD800) << 10), 0);
        }

        /// <summary>Whether a character in a range is allowed that can be spelled only by its number.</summary>
        public static bool HasNumber(TextState source, int first, int last)
        {
            for (int codePoint = first; codePoint <= Math.Min(last, 0x1F); codePoint++)
            {
                if (JsonCharacters.NeedsNumber(codePoint) && source.Next(codePoint, out _) is not null)
                    return true;
            }

            return false;
        }

        public override LexicalState Within(int characters)
        {
            TextState other = source.Within(characters + 1);
            if (ReferenceEquals(other, source))
                return this;
            LexicalState? state = encoder.Between(other).Next((byte)'\\')?.Next((byte)'u');
            for (int i = 3 - missing; i >= 0 && state is not null; i--)
                state = state.Next("0123456789abcdef"u8[value >> (4 * i) & 0xF]);
            return state ?? this;
        }

        protected override LexicalState? Compute(byte next)
        {
            int digit = HexValue(next);
            if (digit < 0 || (!encoder._hasNumbers && next is >= (byte)'A' and <= (byte)'F'))
                return null;
            int all = value << 4 | digit;
            if (missing > 1 || all is >= 0xD800 and <= 0xDFFF)
                return Create(encoder, source, all, missing - 1);
            if (!encoder._hasNumbers && !JsonCharacters.NeedsNumber(all))
                return null;
            return source.Next(all, out _) is { } target ? encoder.Between(target) : null;
        }
    }

    /// <summary>Within the four digits of an escape whose last ones are free.</summary>
    private sealed class HexPending(JsonEncoder encoder, TextState target, int missing) : LexicalState
    {
        public override bool IsAccepting => false;

        public override bool CanContinue => true;

        public override LexicalState Within(int characters) => encoder.PendingHex(target.Within(characters), missing);

        protected override LexicalState? Compute(byte next) =>
            HexValue(next) < 0 ? null : missing == 1 ? encoder.Between(target) : encoder.PendingHex(target, missing - 1);
    }

    /// <summary>After the escape of a high surrogate, within that of the low one.</summary>
    /// <param name="encoder">Makes the state after the character.</param>
    /// <param name="state">The state before the character, or, if common, the state after it, whichever it is.</param>
    /// <param name="isCommon">Whether every low surrogate leads to one state.</param>
    /// <param name="bits">The first code point with the bits read so far.</param>
    /// <param name="step">How many bytes of the escape are read.</param>
    private sealed class Low(JsonEncoder encoder, TextState state, bool isCommon, int bits, int step) : LexicalState
    {
        public override bool IsAccepting => false;

        public override bool CanContinue => true;

        public override LexicalState Within(int characters)
        {
            if (isCommon)
                return encoder.PendingLow(state.Within(characters), step);
            TextState other = state.Within(characters + 1);
            if (ReferenceEquals(other, state))
                return this;
            int high = ((bits - 0x10000) >> 10) + 0xD800;
            string path = $"\\u{high:x4}\\u{(bits & 0x3FF) + 0xDC00:x4}";
            LexicalState? found = encoder.Between(other);
            foreach (char next in path.AsSpan(0, 6 + step))
                found = found?.Next((byte)next);
            return found ?? this;
        }

        protected override LexicalState? Compute(byte next)
        {
            int digit = HexValue(next);
            bool isExpected = step switch
            {
                0 => next == '\\',
                1 => next == 'u',
                2 => digit == 0xD,
                3 => digit >= 0xC,
                _ => digit >= 0,
            };
            if (!isExpected)
                return null;
            if (isCommon)
                return step == 5 ? encoder.Between(state) : encoder.PendingLow(state, step + 1);

            int all = step switch
            {
                3 => bits | (digit - 0xC) << 8,
                4 => bits | digit << 4,
                5 => bits | digit,
                _ => bits,
            };
            if (step == 5)
                return state.Next(all, out _) is { } target ? encoder.Between(target) : null;
            if (step < 3)
                return new Low(encoder, state, false, all, step + 1);
            if (!state.Probe(all, all + (step == 3 ? 0xFF : 0xF), out TextState? common))
                return null;
            return common is not null ? encoder.PendingLow(common, step + 1) : new Low(encoder, state, false, all, step + 1);
        }
    }
}
