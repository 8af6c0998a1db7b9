namespace EmbeddedLlm.Grammars;

/// <summary>Reads one pattern; groups that are open are on a stack of its own.</summary>
internal sealed partial class EcmaPatternParser(string text)
{
    private static readonly Pattern AtBoundary = Pattern.OneOf(
        Pattern.Sequence(new Pattern.At(Pattern.Place.AfterWord), new Pattern.Look(Pattern.Of(UnicodeSets.Word), false, isNegated: true)),
        Pattern.Sequence(new Pattern.At(Pattern.Place.Start | Pattern.Place.AfterOther), new Pattern.Look(Pattern.Of(UnicodeSets.Word), false, isNegated: false)));

    private static readonly Pattern NotAtBoundary = Pattern.OneOf(
        Pattern.Sequence(new Pattern.At(Pattern.Place.AfterWord), new Pattern.Look(Pattern.Of(UnicodeSets.Word), false, isNegated: false)),
        Pattern.Sequence(new Pattern.At(Pattern.Place.Start | Pattern.Place.AfterOther), new Pattern.Look(Pattern.Of(UnicodeSets.Word), false, isNegated: true)));

    private readonly Stack<Group> _open = new();
    private Group _group = new(GroupKind.Group, default);
    private int _position;

    /// <summary>Where a class has had a bracket that opens one, without a backslash.</summary>
    private int? _bracketInClass;

    private enum GroupKind
    {
        Group,
        Ahead,
        NotAhead,
        Behind,
        NotBehind,
    }

    private bool IsAtEnd => _position == text.Length;

    public Pattern Parse()
    {
        while (!IsAtEnd)
        {
            switch (text[_position])
            {
                case '|':
                    _position++;
                    _group.EndAlternative();
                    break;
                case '(':
                    OpenGroup();
                    break;
                case ')':
                    CloseGroup();
                    break;
                default:
                    _group.Parts.Add(Quantified(ReadAtom()));
                    break;
            }
        }

        if (_open.Count > 0)
            throw Malformed("a group is not closed", _group.Position);
        return _group.Close();
    }

    private void OpenGroup()
    {
        int start = _position++;
        GroupKind kind = GroupKind.Group;
        Flags flags = _group.Flags;
        if (Take("?"))
        {
            if (Take("="))
                kind = GroupKind.Ahead;
            else if (Take("!"))
                kind = GroupKind.NotAhead;
            else if (Take("<="))
                kind = GroupKind.Behind;
            else if (Take("<!"))
                kind = GroupKind.NotBehind;
            else if (Take("P<") || Take("<"))
                SkipName();
            else if (Take("P=") || Take("P>") || Take("&") || Take("R"))
                throw NotSupported("a reference to a group");
            else if (Take(">") || Take("|"))
                throw NotSupported("an atomic or branch-reset group");
            else if (Take("("))
                throw NotSupported("a conditional group");
            else if (Take("#"))
            {
                int end = text.IndexOf(')', _position);
                if (end < 0)
                    throw Malformed("a comment is not closed", start);
                _position = end + 1;
                return;
            }
            else if (!Take(":"))
            {
                flags = ReadFlags(flags, out bool isWholeGroup);
                if (isWholeGroup)
                {
                    _group.Flags = flags;
                    return;
                }
            }
        }

        _open.Push(_group);
        _group = new Group(kind, flags) { Position = start };
    }

    private void CloseGroup()
    {
        if (!_open.TryPop(out Group? outer))
            throw Malformed("a ')' closes no group");
        _position++;
        Pattern part = _group.Close();
        part = _group.Kind switch
        {
            GroupKind.Ahead => new Pattern.Look(part, isBehind: false, isNegated: false),
            GroupKind.NotAhead => new Pattern.Look(part, isBehind: false, isNegated: true),
            GroupKind.Behind => new Pattern.Look(part, isBehind: true, isNegated: false),
            GroupKind.NotBehind => new Pattern.Look(part, isBehind: true, isNegated: true),
            _ => part,
        };
        _group = outer;
        _group.Parts.Add(Quantified(part));
    }

    /// <summary>Reads <c>i</c>, <c>s</c> and <c>-</c> up to the colon of a group that they hold for, or up to the end of a group that has nothing else in it.</summary>
    private Flags ReadFlags(Flags flags, out bool isWholeGroup)
    {
        bool value = true;
        while (!IsAtEnd)
        {
            switch (text[_position++])
            {
                case 'i':
                    flags.IgnoreCase = value;
                    break;
                case 's':
                    flags.DotIsAll = value;
                    break;
                case 'u':
                    break;
                case '-' when value:
                    value = false;
                    break;
                case ':':
                    isWholeGroup = false;
                    return flags;
                case ')':
                    isWholeGroup = true;
                    return flags;
                case 'm' or 'x' or 'n' or 'a' or 'L' or 'U' or 'J':
                    throw NotSupported($"the flag '{text[_position - 1]}'", _position - 1);
                default:
                    throw Malformed("this is no kind of group", _position - 1);
            }
        }

        throw Malformed("a group is not closed");
    }

    private void SkipName()
    {
        int start = _position;
        while (!IsAtEnd && (char.IsLetterOrDigit(text[_position]) || text[_position] is '_' or '$'))
            _position++;
        if (_position == start || !Take(">"))
            throw Malformed("a group's name is expected, followed by '>'");
    }

    private Pattern ReadAtom()
    {
        int start = _position;
        char next = text[_position++];
        switch (next)
        {
            case '^':
                return new Pattern.At(Pattern.Place.Start);
            case '$':
                return Pattern.AtEnd;
            case '.':
                return Pattern.Of(_group.Flags.DotIsAll ? CodePointSet.All : UnicodeSets.LineTerminators.Complement());
            case '[':
                return Pattern.Of(ReadClass());
            case '\\':
                return ReadEscape();
            case '*' or '+' or '?':
                throw Malformed("there is nothing that could be repeated", start);
            case '{':
                _position = start;
                if (TryReadBounds(out _, out _))
                    throw Malformed("there is nothing that could be repeated", start);
                _position = start + 1;
                return One('{');
            case ']' when _bracketInClass is { } inner:
                // Without a bracket in a class ahead of it, Annex B takes it literally. With one, others mean a class within a class: of POSIX, [[:alpha:]], of .NET, [a-z-[aeiou]], or of Java, [a-z&&[^x]].
                throw NotSupported("a class within a class", inner);
            default:
                _position = start;
                return One(ReadCodePoint());
        }
    }

    /// <summary>The part as often as the quantifier says that follows it, if one does.</summary>
    private Pattern Quantified(Pattern part)
    {
        if (IsAtEnd)
            return part;
        int min, start = _position;
        int? max;
        switch (text[_position])
        {
            case '*':
                (min, max) = (0, null);
                _position++;
                break;
            case '+':
                (min, max) = (1, null);
                _position++;
                break;
            case '?':
                (min, max) = (0, 1);
                _position++;
                break;
            case '{' when TryReadBounds(out min, out max):
                break;
            default:
                return part;
        }

        if (max < min)
            throw Malformed("the bounds of a repetition are out of order", start);

        // Which of several matches is found first makes no difference to whether there is one.
        Take("?");
        if (!IsAtEnd && text[_position] == '+')
            throw NotSupported("a possessive quantifier");
        return Pattern.Times(part, min, max);
    }

    /// <summary>Reads <c>{3}</c>, <c>{3,}</c> or <c>{3,5}</c>; stays where it is and returns false where something else follows the brace.</summary>
    private bool TryReadBounds(out int min, out int? max)
    {
        int start = _position++;
        max = null;
        if (TryReadNumber(out min))
        {
            if (Take("}"))
            {
                max = min;
                return true;
            }

            if (Take(","))
            {
                if (Take("}"))
                    return true;
                if (TryReadNumber(out int last) && Take("}"))
                {
                    max = last;
                    return true;
                }
            }
        }
        else if (Take(",") && TryReadNumber(out _) && Take("}"))
        {
            // Annex B takes it literally, others read {0,n}; whoever wrote it meant that.
            throw NotSupported("a repetition without a minimum, which not all read alike", start);
        }

        _position = start;
        return false;
    }

    private bool TryReadNumber(out int number)
    {
        long value = 0;
        int start = _position;
        while (!IsAtEnd && char.IsAsciiDigit(text[_position]))
            value = Math.Min(value * 10 + (text[_position++] - '0'), int.MaxValue);
        number = (int)value;
        return _position > start;
    }

    private bool Take(string expected)
    {
        if (!text.AsSpan(_position).StartsWith(expected, StringComparison.Ordinal))
            return false;
        _position += expected.Length;
        return true;
    }

    /// <summary>The next code point as it stands in the text.</summary>
    private int ReadCodePoint()
    {
        char first = text[_position++];
        if (!char.IsSurrogate(first))
            return first;
        if (char.IsHighSurrogate(first) && !IsAtEnd && char.IsLowSurrogate(text[_position]))
            return char.ConvertToUtf32(first, text[_position++]);
        throw Malformed("half of a surrogate pair", _position - 1);
    }

    private Pattern One(int codePoint) => Pattern.Of(Cased(CodePointSet.Of(codePoint)));

    private CodePointSet Cased(CodePointSet set) => _group.Flags.IgnoreCase ? UnicodeSets.WithCases(set) : set;

    private GrammarException Malformed(string reason, int? position = null) =>
        new($"The regular expression is malformed: {reason}", 1, (position ?? _position) + 1);

    private PatternNotSupportedException NotSupported(string what, int? position = null) =>
        new($"The regular expression has {what} at column {(position ?? _position) + 1}, which is not supported.");

    private record struct Flags(bool IgnoreCase, bool DotIsAll);

    /// <summary>A group whose end is not read yet.</summary>
    private sealed class Group(GroupKind kind, Flags flags)
    {
        private readonly List<Pattern> _alternatives = [];

        public GroupKind Kind { get; } = kind;

        public Flags Flags { get; set; } = flags;

        public int Position { get; init; }

        public List<Pattern> Parts { get; } = [];

        public void EndAlternative()
        {
            _alternatives.Add(Pattern.Sequence([.. Parts]));
            Parts.Clear();
        }

        public Pattern Close()
        {
            EndAlternative();
            return Pattern.OneOf([.. _alternatives]);
        }
    }
}
