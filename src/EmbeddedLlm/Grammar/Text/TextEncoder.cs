namespace EmbeddedLlm.Grammars;

/// <summary>A way to spell texts in bytes: makes lexical states of text states. Immutable; one object per way.</summary>
internal abstract class TextEncoder
{
    /// <summary>The lexical state between two characters.</summary>
    public LexicalState Between(TextState state) => EncodedOf(state).Between;

    /// <summary>The lexical state before the whole text.</summary>
    public LexicalState Start(TextState state)
    {
        EncodedStates encoded = EncodedOf(state);
        return encoded.Start ?? Interlocked.CompareExchange(ref encoded.Start, CreateStart(state), null) ?? encoded.Start;
    }

    /// <summary>The lexical state where so many bytes of UTF-8, whatever they are, complete a character that leads to a state.</summary>
    public LexicalState Pending(TextState target, int bytes)
    {
        EncodedStates encoded = EncodedOf(target);
        ref LexicalState? pending = ref encoded.Pending[bytes];
        return pending ?? Interlocked.CompareExchange(ref pending, new Utf8Pending(this, target, bytes), null) ?? pending;
    }

    /// <summary>The lexical state after a lead byte of UTF-8; null where no character that it begins is allowed.</summary>
    protected internal LexicalState? AfterLead(TextState source, byte lead) => lead switch
    {
        >= 0xC2 and <= 0xDF => Utf8Partial.Create(this, source, lead & 0x1F, 1, 1),
        >= 0xE0 and <= 0xEF => Utf8Partial.Create(this, source, lead & 0x0F, 2, 2),
        >= 0xF0 and <= 0xF4 => Utf8Partial.Create(this, source, lead & 0x07, 3, 3),
        _ => null,
    };

    /// <summary>The bytes of UTF-8 that a character can begin with which is allowed in a state.</summary>
    protected internal static ByteSet FirstBytes(TextState state)
    {
        ByteSet bytes = default;
        for (int next = 0; next <= CodePointSet.MaxCodePoint;)
        {
            if (next is >= 0xD800 and <= 0xDFFF)
                next = 0xE000;
            TextState? target = state.Next(next, out int last);
            if (target is null)
            {
                next = last + 1;
                continue;
            }

            if (next < 0x80)
                bytes.AddRange((byte)next, (byte)Math.Min(last, 0x7F));
            if (last >= 0x80)
                bytes.AddRange(FirstByte(Math.Max(next, 0x80)), FirstByte(last));

            // What else begins with the last of these bytes need not be looked at.
            next = last switch
            {
                < 0x80 => last + 1,
                < 0x800 => (last | 0x3F) + 1,
                < 0x10000 => (last | 0xFFF) + 1,
                _ => (last | 0x3FFFF) + 1,
            };
        }

        return bytes;

        static byte FirstByte(int codePoint) => (byte)(codePoint switch
        {
            < 0x800 => 0xC0 | codePoint >> 6,
            < 0x10000 => 0xE0 | codePoint >> 12,
            _ => 0xF0 | codePoint >> 18,
        });
    }

    protected abstract LexicalState CreateStart(TextState state);

    protected abstract LexicalState CreateBetween(TextState state);

    private protected EncodedStates EncodedOf(TextState state) =>
        state.Encoded ?? Interlocked.CompareExchange(ref state.Encoded, new EncodedStates(CreateBetween(state)), null) ?? state.Encoded;
}

/// <summary>The lexical states that belong to one text state, made when needed.</summary>
internal sealed class EncodedStates(LexicalState between)
{
    public LexicalState? Start;

    public LexicalState Between { get; } = between;

    /// <summary>By the bytes of UTF-8 that are missing.</summary>
    public LexicalState?[] Pending { get; } = new LexicalState?[4];

    /// <summary>By the hexadecimal digits that are missing of an escape in JSON.</summary>
    public LexicalState?[] PendingHex { get; } = new LexicalState?[5];

    /// <summary>By the place in the escape of a low surrogate.</summary>
    public LexicalState?[] PendingLow { get; } = new LexicalState?[6];
}

/// <summary>Text as it is, in UTF-8.</summary>
internal sealed class PlainEncoder : TextEncoder
{
    public static PlainEncoder Instance { get; } = new();

    protected override LexicalState CreateStart(TextState state) => Between(state);

    protected override LexicalState CreateBetween(TextState state) => new Text(this, state);

    private sealed class Text(PlainEncoder encoder, TextState state) : LexicalState
    {
        private readonly bool _canContinue = state.HasNext();
        private int _freeCharacters = -1;

        public override bool IsAccepting => state.IsAccepting;

        public override bool CanContinue => _canContinue;

        public override int Label => state.Label;

        /// <remarks>As nothing marks the end of the text, it must not be able to end after any of those characters.</remarks>
        public override int FreeCharacters => _freeCharacters >= 0 ? _freeCharacters : _freeCharacters = IsFree() ? int.MaxValue : 0;

        public override LexicalState Within(int characters) => encoder.Between(state.Within(characters));

        protected override ByteSet FindBytes() => FirstBytes(state);

        protected override LexicalState? Compute(byte next)
        {
            if (next >= 0x80)
                return encoder.AfterLead(state, next);
            return state.Next(next, out _) is { } target ? encoder.Between(target) : null;
        }

        private bool IsFree()
        {
            if (state.IsAccepting)
                return false;
            foreach (CodePointSet.Range range in JsonCharacters.Literal.Ranges)
            {
                if (!state.Probe(range.First, range.Last, out TextState? common) || common != state)
                    return false;
            }

            return true;
        }
    }
}

/// <summary>Within a character of UTF-8 whose last bytes are free: wherever they lead, it is the same state.</summary>
internal sealed class Utf8Pending(TextEncoder encoder, TextState target, int bytes) : LexicalState
{
    public override bool IsAccepting => false;

    public override bool CanContinue => true;

    public override LexicalState Within(int characters) => encoder.Pending(target.Within(characters), bytes);

    protected override ByteSet FindBytes()
    {
        ByteSet all = default;
        all.AddRange(0x80, 0xBF);
        return all;
    }

    protected override LexicalState? Compute(byte next) =>
        (next & 0xC0) != 0x80 ? null : bytes == 1 ? encoder.Between(target) : encoder.Pending(target, bytes - 1);
}

/// <summary>Within a character of UTF-8 that is allowed with some of the bytes that can complete it.</summary>
/// <param name="encoder">Makes the state after the character.</param>
/// <param name="source">The state before the character.</param>
/// <param name="bits">The code point's bits read so far.</param>
/// <param name="missing">The bytes still to come.</param>
/// <param name="total">The bytes of the character without the first.</param>
internal sealed class Utf8Partial(TextEncoder encoder, TextState source, int bits, int missing, int total) : LexicalState
{
    public override bool IsAccepting => false;

    public override bool CanContinue => true;

    public static LexicalState? Create(TextEncoder encoder, TextState source, int bits, int missing, int total)
    {
        int shift = 6 * missing;
        int first = bits << shift;
        int last = ((bits + 1) << shift) - 1;
        int shortest = total switch { 1 => 0x80, 2 => 0x800, _ => 0x10000 };
        bool isWhole = first >= shortest && last <= CodePointSet.MaxCodePoint && (last < 0xD800 || first > 0xDFFF);
        first = Math.Max(first, shortest);
        last = Math.Min(last, CodePointSet.MaxCodePoint);
        if (first > last || !source.Probe(first, last, out TextState? common))
            return null;
        return isWhole && common is not null ? encoder.Pending(common, missing) : new Utf8Partial(encoder, source, bits, missing, total);
    }

    public override LexicalState Within(int characters)
    {
        // What is there for the other source is found on the way of the same bytes, so that it is one object.
        TextState other = source.Within(characters + 1);
        if (ReferenceEquals(other, source))
            return this;
        int leadMark = total switch { 1 => 0xC0, 2 => 0xE0, _ => 0xF0 };
        int read = total - missing;
        LexicalState? state = encoder.Between(other).Next((byte)(leadMark | bits >> (6 * read)));
        for (int i = read - 1; i >= 0 && state is not null; i--)
            state = state.Next((byte)(0x80 | (bits >> (6 * i) & 0x3F)));
        return state ?? this;
    }

    protected override LexicalState? Compute(byte next)
    {
        if ((next & 0xC0) != 0x80)
            return null;
        int all = bits << 6 | (next & 0x3F);
        if (missing > 1)
            return Create(encoder, source, all, missing - 1, total);
        int shortest = total switch { 1 => 0x80, 2 => 0x800, _ => 0x10000 };
        if (all < shortest || all > CodePointSet.MaxCodePoint || all is >= 0xD800 and <= 0xDFFF)
            return null;
        return source.Next(all, out _) is { } target ? encoder.Between(target) : null;
    }
}
