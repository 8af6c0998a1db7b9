using System.Text;

namespace EmbeddedLlm.Grammars;

/// <summary>
/// Reads GBNF as llama.cpp documents it (grammars/README.md there). Beyond that, a line may begin with <c>|</c>, names may have underscores, and
/// <c>{,n}</c> is <c>{0,n}</c>.
/// </summary>
internal sealed class GbnfParser(string text)
{
    private const int MaxLength = 4 * 1024 * 1024;
    private const int MaxParts = 1_000_000;
    private const int MaxRepetitions = 1_000_000;

    private readonly GbnfReader _reader = new(text);
    private readonly Dictionary<string, GbnfRule> _rules = [];
    private readonly List<GbnfRule> _order = [];

    /// <summary>The literals and classes by what is written: equal ones are one object, and so one automaton.</summary>
    private readonly Dictionary<string, Pattern> _patterns = [];
    private int _parts;

    /// <summary>An error at an offset of the text.</summary>
    public GrammarException Error(string message, int offset) => _reader.Error(message, offset);

    /// <summary>The rules, <c>root</c> first; all that are used are defined.</summary>
    public List<GbnfRule> Parse()
    {
        if (text.Length > MaxLength)
            throw new GrammarException($"The grammar has {text.Length} characters; the limit is {MaxLength}.");
        _reader.SkipSpace(newLines: true);
        if (_reader.IsAtEnd)
            throw Error("The grammar has no rules.", 0);
        while (!_reader.IsAtEnd)
            ParseRule();

        foreach (GbnfRule rule in _order)
        {
            if (rule.Body is null)
                throw Error($"The rule '{rule.Name}' is not defined.", rule.Uses[0].Offset);
        }

        if (!_rules.TryGetValue("root", out GbnfRule? root))
            throw Error("There is no rule 'root', with which a text begins.", 0);
        _order.Remove(root);
        _order.Insert(0, root);
        return _order;
    }

    private void ParseRule()
    {
        int start = _reader.Offset;
        string name = _reader.ReadName();
        if (name.Length == 0)
            throw Error($"The name of a rule was expected, not {Next()}.", start);
        _reader.SkipSpace(newLines: false);
        if (!_reader.StartsWith("::="))
            throw Error($"'::=' was expected behind '{name}', not {Next()}.", _reader.Offset);
        _reader.Skip(3);
        _reader.SkipSpace(newLines: true);

        GbnfRule rule = Rule(name);
        if (rule.Body is not null)
            throw Error($"The rule '{name}' is defined twice.", start);
        rule.Offset = start;
        rule.Body = ParseBody();
    }

    /// <summary>What is right of the sign, up to the line's end outside all groups, and the white space behind.</summary>
    private GbnfPart ParseBody()
    {
        Stack<Group> groups = new();
        groups.Push(new Group(-1));
        while (true)
        {
            Group group = groups.Peek();
            bool isNested = groups.Count > 1;
            int start = _reader.Offset;
            char next = _reader.Peek();
            switch (next)
            {
                case '|':
                    group.NextAlternative();
                    _reader.Skip();
                    _reader.SkipSpace(newLines: true);
                    continue;
                case '(':
                    _reader.Skip();
                    groups.Push(new Group(start));
                    _reader.SkipSpace(newLines: true);
                    continue;
                case ')' when isNested:
                    _reader.Skip();
                    groups.Pop();
                    groups.Peek().Items.Add(Counted(group.Finish()));
                    isNested = groups.Count > 1;
                    break;
                case '"':
                    group.Items.Add(Counted(ParseLiteral()));
                    break;
                case '[':
                    group.Items.Add(Counted(ParseClass()));
                    break;
                case '.':
                    _reader.Skip();
                    group.Items.Add(Counted(new GbnfPart.Characters(Pattern.Of(CodePointSet.All))));
                    break;
                case '<' or '!':
                    group.Items.Add(Counted(ParseToken()));
                    break;
                case '*' or '+' or '?' or '{':
                    ParseRepetition(group.Items, isNested);
                    break;
                case var _ when GbnfReader.IsNameCharacter(next):
                    group.Items.Add(Counted(ParseReference()));
                    break;
                case '\0' or '\r' or '\n' when !isNested && (next != '\0' || _reader.IsAtEnd):
                    _reader.SkipSpace(newLines: true);
                    if (_reader.Peek() == '|')
                        continue;
                    return Counted(group.Finish());
                case '\0' when _reader.IsAtEnd:
                    throw Error("The group '(' is not closed.", group.Start);
                default:
                    throw Error(next == ')' ? "There is no '(' for this ')'." : $"A part of a rule was expected, not {Next()}.", start);
            }

            _reader.SkipSpace(isNested);
        }
    }

    private GbnfPart.Characters ParseLiteral()
    {
        int start = _reader.Offset;
        _reader.Skip();
        List<Pattern> characters = [];
        while (!_reader.TrySkip('"'))
        {
            if (_reader.IsAtEnd)
                throw Error("The literal is not closed.", start);
            characters.Add(Pattern.Of(_reader.ReadCodePoint()));
        }

        CountParts(characters.Count);
        return Characters(start, Pattern.Sequence([.. characters]));
    }

    private GbnfPart.Characters ParseClass()
    {
        int start = _reader.Offset;
        _reader.Skip();
        bool isNegated = _reader.TrySkip('^');
        List<CodePointSet.Range> ranges = [];
        while (!_reader.TrySkip(']'))
        {
            if (_reader.IsAtEnd)
                throw Error("The character class is not closed.", start);
            int rangeStart = _reader.Offset;
            int first = _reader.ReadCodePoint();
            int last = first;
            if (_reader.Peek() == '-' && !_reader.StartsWith("-]"))
            {
                _reader.Skip();
                if (_reader.IsAtEnd)
                    throw Error("The character class is not closed.", start);
                last = _reader.ReadCodePoint();
                if (last < first)
                    throw Error("The range's last character is ahead of its first.", rangeStart);
            }

            ranges.Add(new CodePointSet.Range(first, last));
        }

        if (ranges.Count == 0)
            throw Error("The character class is empty.", start);
        CountParts(ranges.Count);
        CodePointSet set = CodePointSet.Of([.. ranges]);
        return Characters(start, Pattern.Of(isNegated ? set.Complement() : set));
    }

    private GbnfPart.Characters Characters(int start, Pattern pattern)
    {
        string written = text[start.._reader.Offset];
        if (!_patterns.TryAdd(written, pattern))
            pattern = _patterns[written];
        return new GbnfPart.Characters(pattern);
    }

    private GbnfPart.Token ParseToken()
    {
        int start = _reader.Offset;
        bool isNegated = _reader.TrySkip('!');
        if (!_reader.TrySkip('<'))
            throw Error("A token, '<…>', was expected behind '!'.", _reader.Offset);
        if (_reader.TrySkip('['))
        {
            int? id = _reader.ReadNumber(int.MaxValue - 1, "The token's id");
            if (id is null || !_reader.TrySkip(']') || !_reader.TrySkip('>'))
                throw Error("A token by its id is written <[123]>.", start);
            return new GbnfPart.Token(new TokenReference(id.Value, null, isNegated));
        }

        string name = _reader.ReadUntil('>') ?? throw Error("The token '<' is not closed.", start);
        return new GbnfPart.Token(new TokenReference(-1, Encoding.UTF8.GetBytes($"<{name}>"), isNegated));
    }

    private GbnfPart.Reference ParseReference()
    {
        int start = _reader.Offset;
        GbnfRule rule = Rule(_reader.ReadName());
        GbnfPart.Reference use = new(rule, start);
        rule.Uses.Add(use);
        return use;
    }

    /// <summary>A repetition of the last part.</summary>
    private void ParseRepetition(List<GbnfPart> items, bool isNested)
    {
        int start = _reader.Offset;
        if (items.Count == 0)
            throw Error($"There is no part that '{_reader.Peek()}' could repeat.", start);

        int min = _reader.Peek() == '+' ? 1 : 0;
        int? max = _reader.Peek() == '?' ? 1 : null;
        bool hasBounds = _reader.Peek() == '{';
        _reader.Skip();
        if (hasBounds)
        {
            _reader.SkipSpace(isNested);
            int? low = _reader.ReadNumber(MaxRepetitions, "The number of repetitions");
            _reader.SkipSpace(isNested);
            bool isRange = _reader.TrySkip(',');
            _reader.SkipSpace(isNested);
            int? high = isRange ? _reader.ReadNumber(MaxRepetitions, "The number of repetitions") : low;
            _reader.SkipSpace(isNested);
            if (!_reader.TrySkip('}') || (low ?? high) is null)
                throw Error("Repetitions are written {m}, {m,}, {m,n} or {,n}.", start);
            min = low ?? 0;
            max = high;
            if (max < min)
                throw Error($"The least number of repetitions, {min}, is above the greatest, {max}.", start);
        }

        items[^1] = Counted(new GbnfPart.Repeat(items[^1], min, max));
    }

    private GbnfRule Rule(string name)
    {
        if (!_rules.TryGetValue(name, out GbnfRule? rule))
        {
            _rules[name] = rule = new GbnfRule(name);
            _order.Add(rule);
        }

        return rule;
    }

    private GbnfPart Counted(GbnfPart part)
    {
        CountParts(1);
        return part;
    }

    private void CountParts(int count)
    {
        _parts += count;
        if (_parts > MaxParts)
            throw Error($"The grammar has more than {MaxParts} parts.", _reader.Offset);
    }

    /// <summary>The next character, for a message.</summary>
    private string Next() => _reader.IsAtEnd ? "the end of the text"
        : _reader.Peek() is '\r' or '\n' ? "the end of the line"
        : char.IsControl(_reader.Peek()) || char.IsSurrogate(_reader.Peek()) ? $"the character U+{(int)_reader.Peek():X4}"
        : $"'{_reader.Peek()}'";

    /// <summary>A group, or a rule's whole body, as far as it was read.</summary>
    private sealed class Group(int start)
    {
        private readonly List<GbnfPart> _alternatives = [];

        public int Start { get; } = start;

        /// <summary>The parts of the alternative that is being read.</summary>
        public List<GbnfPart> Items { get; } = [];

        public void NextAlternative()
        {
            _alternatives.Add(Items.Count == 1 ? Items[0] : new GbnfPart.Sequence([.. Items]));
            Items.Clear();
        }

        public GbnfPart Finish()
        {
            NextAlternative();
            return _alternatives.Count == 1 ? _alternatives[0] : new GbnfPart.Choice([.. _alternatives]);
        }
    }
}
