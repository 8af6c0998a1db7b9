using System.Globalization;
using System.Numerics;

namespace EmbeddedLlm.Templates;

/// <summary>Python's <c>text % arguments</c>.</summary>
internal ref struct PercentFormat
{
    private readonly Rendering _rendering;
    private readonly TemplateString _format;
    private readonly TemplateValue _arguments;
    private readonly MarkedTextBuilder _output;
    private readonly ReadOnlySpan<char> _chars;
    private int _position;
    private int _used;

    private PercentFormat(Rendering rendering, TemplateString format, TemplateValue arguments)
    {
        _rendering = rendering;
        _format = format;
        _arguments = arguments;
        _output = new MarkedTextBuilder(rendering.Limits.ValueSize, capacity: format.Length + 32);
        _chars = format.AsSpan();
    }

    public static TemplateString Format(Rendering rendering, TemplateString format, TemplateValue arguments)
    {
        PercentFormat formatter = new(rendering, format, arguments);
        formatter.Run();
        rendering.Charge((format.Length + formatter._output.Length) / 16);
        TemplateString text = formatter._output.ToTemplateString();
        return format.IsMarkup ? text.AsMarkup() : text;
    }

    private void Run()
    {
        while (_position < _chars.Length)
        {
            int length = _chars[_position..].IndexOf('%');
            if (length < 0)
                length = _chars.Length - _position;
            _output.Append(_format, _position, length);
            _position += length;
            if (_position < _chars.Length)
                Convert();
        }

        // Whatever has items counts as a mapping here, and a mapping need not be used up.
        bool allowsUnused = _arguments is TemplateDictionary or TemplateList or TemplateRange or TemplateUndefined;
        int count = _arguments is TemplateTuple tuple ? tuple.Items.Length : 1;
        if (_used < count && !allowsUnused)
            throw new TemplateFault("not all arguments converted during string formatting");
    }

    private void Convert()
    {
        int start = _position++;
        TemplateValue? named = null;
        if (Peek() == '(')
            named = ReadName();

        bool isLeft = false, isAlternate = false, isZero = false;
        char sign = '\0';
        for (; Peek() is '-' or '+' or ' ' or '#' or '0'; _position++)
        {
            char flag = Peek();
            isLeft |= flag == '-';
            isAlternate |= flag == '#';
            isZero |= flag == '0';
            if (flag == '+' || (flag == ' ' && sign == '\0'))
                sign = flag;
        }

        long width = ReadSize() ?? 0;
        if (width < 0)
            (width, isLeft) = (-width, true);
        long? precision = null;
        if (Peek() == '.')
        {
            _position++;
            precision = Math.Max(ReadSize() ?? 0, 0);
        }

        while (Peek() is 'l' or 'h' or 'L')
            _position++;
        _rendering.EnsureSize(Math.Max(width, precision ?? 0));
        if (_position >= _chars.Length)
            throw new TemplateFault("incomplete format");

        char type = _chars[_position++];
        if (type == '%' && _position == start + 2)
        {
            _output.Append('%', _format.KindAt(start));
            return;
        }

        Part part = ConvertValue(type, named ?? NextArgument(), precision, isAlternate);
        string signText = part.IsNegative ? "-" : part.IsNumber && sign != '\0' ? sign.ToString() : "";
        Pad(part, signText, width, isLeft, isZero && part.IsNumber);
    }

    private readonly void Pad(Part part, string sign, long width, bool isLeft, bool isZero)
    {
        long padding = width - sign.Length - part.Prefix.Length - part.Text.CodePointCount;
        if (!isLeft && !isZero)
            _output.Append(' ', padding, PromptPartKind.Template);
        _output.Append(sign, PromptPartKind.Template);
        _output.Append(part.Prefix, PromptPartKind.Template);
        if (!isLeft && isZero)
            _output.Append('0', padding, PromptPartKind.Template);
        _output.Append(part.Text);
        if (isLeft)
            _output.Append(' ', padding, PromptPartKind.Template);
    }

    private readonly Part ConvertValue(char type, TemplateValue value, long? precision, bool isAlternate)
    {
        switch (type)
        {
            case 's':
                return Cut(_format.IsMarkup ? Markup.Escape(_rendering, value.ToText(_rendering)) : value.ToText(_rendering), precision);
            case 'r' or 'a':
                return Cut(Repr(value, isAscii: type == 'a'), precision);
            case 'c':
                return new Part(ConvertCharacter(value));
            case 'd' or 'i' or 'u' or 'o' or 'x' or 'X':
                return ConvertInteger(type, ToInteger(type, value), precision, isAlternate);
            case 'e' or 'E' or 'f' or 'F' or 'g' or 'G':
                return ConvertFloat(type, ToFloat(value), precision, isAlternate);
            default:
                throw new TemplateFault($"unsupported format character '{type}' (0x{(int)type:x}) at index {_format.CodePointAt(_position - 1)}");
        }
    }

    private static Part Cut(TemplateString text, long? precision) =>
        new(precision < text.CodePointCount ? text.Substring(0, text.PositionOf((int)precision.Value)) : text);

    private readonly TemplateString Repr(TemplateValue value, bool isAscii)
    {
        ReprWriter writer = new(_rendering);
        value.WriteRepr(writer);
        TemplateString text = writer.ToTemplateString();
        return isAscii ? BraceFormat.ToAscii(_rendering, text) : text;
    }

    private static TemplateString ConvertCharacter(TemplateValue value)
    {
        if (value is TemplateString text)
            return text.CodePointCount == 1 ? text : throw new TemplateFault("%c requires int or char");
        if (!Numbers.TryGetIndex(value, out long codePoint))
            throw new TemplateFault("%c requires int or char");
        return codePoint is >= 0 and <= 0x10FFFF
            ? TemplateString.FromTemplate(CodePoints.ToText((int)codePoint))
            : throw new TemplateFault("%c arg not in range(0x110000)");
    }

    private static BigInteger ToInteger(char type, TemplateValue value)
    {
        if (Numbers.TryGetInteger(value, out BigInteger integer))
            return integer;
        if (value is TemplateFloat { Value: double number } && type is 'd' or 'i' or 'u')
        {
            return double.IsFinite(number)
                ? new BigInteger(Math.Truncate(number))
                : throw new TemplateFault($"cannot convert float {FloatText.NonFinite(number)} to integer");
        }

        Operators.EnsureDefined(value, value);
        string expected = type is 'd' or 'i' or 'u' ? "a real number" : "an integer";
        throw new TemplateFault($"%{type} format: {expected} is required, not {value.TypeName}");
    }

    private static double ToFloat(TemplateValue value)
    {
        if (Numbers.TryGetDouble(value, out double number))
            return number;
        Operators.EnsureDefined(value, value);
        throw new TemplateFault($"must be real number, not {value.TypeName}");
    }

    private static Part ConvertInteger(char type, BigInteger value, long? precision, bool isAlternate)
    {
        string digits = type switch
        {
            'o' => FormatSpec.Digits(value, 3),
            'x' => FormatSpec.Digits(value, 4),
            'X' => FormatSpec.Digits(value, 4).ToUpperInvariant(),
            _ => BigInteger.Abs(value).ToString(CultureInfo.InvariantCulture),
        };
        if (precision > digits.Length)
            digits = digits.PadLeft((int)precision.Value, '0');
        string prefix = !isAlternate ? "" : type switch
        {
            'o' => "0o",
            'x' => "0x",
            'X' => "0X",
            _ => "",
        };
        return new Part(TemplateString.FromTemplate(digits), prefix, value.Sign < 0, IsNumber: true);
    }

    private readonly Part ConvertFloat(char type, double value, long? precision, bool isAlternate)
    {
        bool isNegative = double.IsNegative(value) && !double.IsNaN(value);
        int digits = FloatText.EnsurePrecision(_rendering, precision ?? 6);
        char e = char.IsUpper(type) ? 'E' : 'e';
        string text;
        if (!double.IsFinite(value))
            text = FloatText.NonFinite(Math.Abs(value));
        else if (type is 'f' or 'F')
            text = FloatText.Fixed(value, digits, isAlternate);
        else if (type is 'e' or 'E')
            text = FloatText.Exponential(value, digits, e, isAlternate);
        else
            text = FloatText.General(value, digits, e, isAlternate, mustLookFloat: false);
        return new Part(TemplateString.FromTemplate(char.IsUpper(type) ? text.ToUpperInvariant() : text), "", isNegative, IsNumber: true);
    }

    private TemplateValue ReadName()
    {
        int start = ++_position;
        for (int depth = 1; depth > 0; _position++)
        {
            if (_position >= _chars.Length)
                throw new TemplateFault("incomplete format key");
            depth += _chars[_position] == '(' ? 1 : _chars[_position] == ')' ? -1 : 0;
        }

        TemplateString name = _format.Substring(start, _position - 1 - start);
        if (_arguments is TemplateTuple or TemplateString or not (TemplateDictionary or TemplateSequence))
            throw new TemplateFault("format requires a mapping");
        return _arguments.GetItem(_rendering, name.AsPlain()) ?? throw new TemplateFault($"'{name.Text}'");
    }

    private long? ReadSize()
    {
        if (Peek() == '*')
        {
            _position++;
            TemplateValue value = NextArgument();
            return Numbers.TryGetIndex(value, out long size) ? size : throw new TemplateFault("* wants int");
        }

        long? number = null;
        for (; char.IsAsciiDigit(Peek()); _position++)
            number = Math.Min((number ?? 0) * 10 + Peek() - '0', int.MaxValue);
        return number;
    }

    private TemplateValue NextArgument()
    {
        if (_arguments is TemplateTuple tuple)
            return _used < tuple.Items.Length ? tuple.Items[_used++] : throw NotEnough();
        return _used++ == 0 ? _arguments : throw NotEnough();
    }

    private static TemplateFault NotEnough() => new("not enough arguments for format string");

    private readonly char Peek() => _position < _chars.Length ? _chars[_position] : '\0';

    private readonly record struct Part(TemplateString Text, string Prefix = "", bool IsNegative = false, bool IsNumber = false);
}
