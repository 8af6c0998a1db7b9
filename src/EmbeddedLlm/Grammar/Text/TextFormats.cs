using System.Collections.Frozen;

namespace EmbeddedLlm.Grammars;

/// <summary>
/// The formats of JSON Schema (2020-12, validation, section 7) as regular languages. Each is made when it is first asked for, and kept. Lengths of whole texts are not counted (a host
/// name's 253 characters), nor are the contextual rules of IDNA checked, and every text is a <c>regex</c>.
/// </summary>
internal static class TextFormats
{
    // RFC 3339, section 5.6; months have their days, and leap years theirs.
    private const string Date =
        @"(?:\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)|02-(?:0[1-9]|1\d|2[0-8]))"
        + @"|(?:\d\d(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29)";

    private const string LocalTime = @"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?";
    private const string ClockTime = LocalTime + @"(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)";

    // What .NET reads of these, and others with it: years from 1, no leap seconds, capital letters, offsets up to 14 hours that do not lead out of the calendar.
    private const string WrittenDate = "(?!0000)" + Date;
    private const string WrittenClock = @"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d";
    private const string WrittenOffset = @"[+-](?:(?:0\d|1[0-3]):[0-5]\d|14:00)";
    private const string WrittenLocalTime = WrittenClock + @"(?:\.\d{1,7})?";
    private const string WrittenTime = WrittenLocalTime + "(?:Z|" + WrittenOffset + ")?";
    private const string WrittenDateTime = "(?:" + WrittenDate + "T" + WrittenClock + @"(?:\.\d{1,16})?Z|(?!000[01]|9999)" + Date + "T" + WrittenClock + @"(?:\.\d{1,16})?" + WrittenOffset + ")";

    // RFC 3339, appendix A.
    private const string DurationTime = @"T(?:\d+H(?:\d+M(?:\d+S)?)?|\d+M(?:\d+S)?|\d+S)";
    private const string Duration = @"P(?:\d+W|(?:\d+Y(?:\d+M(?:\d+D)?)?|\d+M(?:\d+D)?|\d+D)(?:" + DurationTime + ")?|" + DurationTime + ")";

    private const string Uuid = "[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}";

    // RFC 3986, section 3.2.2 and appendix A; the names are those of its grammar.
    private const string DecOctet = @"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)";
    private const string IPv4 = DecOctet + @"(?:\." + DecOctet + "){3}";
    private const string H16 = "[0-9A-Fa-f]{1,4}";
    private const string Ls32 = "(?:" + H16 + ":" + H16 + "|" + IPv4 + ")";
    private const string IPv6 =
        "(?:(?:" + H16 + ":){6}" + Ls32
        + "|::(?:" + H16 + ":){5}" + Ls32
        + "|(?:" + H16 + ")?::(?:" + H16 + ":){4}" + Ls32
        + "|(?:(?:" + H16 + ":){0,1}" + H16 + ")?::(?:" + H16 + ":){3}" + Ls32
        + "|(?:(?:" + H16 + ":){0,2}" + H16 + ")?::(?:" + H16 + ":){2}" + Ls32
        + "|(?:(?:" + H16 + ":){0,3}" + H16 + ")?::" + H16 + ":" + Ls32
        + "|(?:(?:" + H16 + ":){0,4}" + H16 + ")?::" + Ls32
        + "|(?:(?:" + H16 + ":){0,5}" + H16 + ")?::" + H16
        + "|(?:(?:" + H16 + ":){0,6}" + H16 + ")?::)";

    private const string Unreserved = @"A-Za-z0-9\-._~";
    private const string SubDelims = "!$&'()*+,;=";
    private const string Percent = "%[0-9A-Fa-f]{2}";

    // RFC 3987, section 2.2.
    private const string UcsChar =
        @"\u00A0-\uD7FF\uF900-\uFDCF\uFDF0-\uFFEF\u{10000}-\u{1FFFD}\u{20000}-\u{2FFFD}\u{30000}-\u{3FFFD}\u{40000}-\u{4FFFD}\u{50000}-\u{5FFFD}\u{60000}-\u{6FFFD}\u{70000}-\u{7FFFD}"
        + @"\u{80000}-\u{8FFFD}\u{90000}-\u{9FFFD}\u{A0000}-\u{AFFFD}\u{B0000}-\u{BFFFD}\u{C0000}-\u{CFFFD}\u{D0000}-\u{DFFFD}\u{E1000}-\u{EFFFD}";

    private const string PrivateChar = @"\uE000-\uF8FF\u{F0000}-\u{FFFFD}\u{100000}-\u{10FFFD}";

    // RFC 1123, section 2.1, and RFC 1034, section 3.5.
    private const string Label = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?";
    private const string HostName = Label + @"(?:\." + Label + ")*";

    // A pragmatic reading of RFC 5891: letters, marks and digits, with the characters that are allowed in some contexts.
    private const string IdnLetters = @"\p{L}\p{N}";
    private const string IdnMore = IdnLetters + @"\p{M}\u00B7\u0375\u05F3\u05F4\u30FB\u200C\u200D-";
    private const string IdnLabel = "[" + IdnLetters + "](?:[" + IdnMore + "]{0,61}[" + IdnLetters + @"\p{M}\u00B7\u0375\u05F3\u05F4\u30FB])?";
    private const string IdnHostName = IdnLabel + @"(?:[.\u3002\uFF0E\uFF61]" + IdnLabel + ")*";

    // RFC 5321, section 4.1.2, and RFC 6531, section 3.3.
    private const string AText = @"A-Za-z0-9!#$%&'*+/=?^_`{|}~\-";
    private const string AddressLiteral = @"\[(?:" + IPv4 + "|IPv6:" + IPv6 + @")\]";

    // RFC 6901.
    private const string JsonPointer = "(?:/(?:[^~/]|~[01])*)*";

    // RFC 6570.
    private const string VarChar = "(?:[A-Za-z0-9_]|" + Percent + ")";
    private const string VarSpec = VarChar + @"(?:\.?" + VarChar + @")*(?::[1-9]\d{0,3}|\*)?";
    private const string UriTemplate =
        @"(?:[!#$&(-;=?-\[\]_a-z~" + UcsChar + PrivateChar + "]|" + Percent + @"|\{[+#./;?&=,!@|]?" + VarSpec + "(?:," + VarSpec + @")*\})*";

    private static readonly FrozenDictionary<string, Lazy<TextAutomaton>> Known = new Dictionary<string, Lazy<TextAutomaton>>
    {
        ["date"] = Whole(static () => Date),
        ["time"] = Whole(Time),
        ["date-time"] = Whole(static () => Date + "[Tt]" + Time()),
        ["duration"] = Whole(static () => Duration),
        ["uuid"] = Whole(static () => Uuid),
        ["ipv4"] = Whole(static () => IPv4),
        ["ipv6"] = Whole(static () => IPv6),
        ["hostname"] = Whole(static () => HostName),
        ["idn-hostname"] = Whole(static () => IdnHostName),
        ["email"] = Whole(static () => Email("", HostName)),
        ["idn-email"] = Whole(static () => Email(@"\u0080-\u{10FFFF}", IdnHostName)),
        ["uri"] = Whole(static () => Uri("", "", isReference: false)),
        ["uri-reference"] = Whole(static () => Uri("", "", isReference: true)),
        ["iri"] = Whole(static () => Uri(UcsChar, PrivateChar, isReference: false)),
        ["iri-reference"] = Whole(static () => Uri(UcsChar, PrivateChar, isReference: true)),
        ["uri-template"] = Whole(static () => UriTemplate),
        ["json-pointer"] = Whole(static () => JsonPointer),
        ["relative-json-pointer"] = Whole(static () => @"(?:0|[1-9]\d*)(?:#|" + JsonPointer + ")"),
        ["regex"] = new(static () => TextAutomaton.Any),
    }.ToFrozenDictionary(StringComparer.Ordinal);

    private static readonly Lazy<TextAutomaton> WithoutDrive = Whole(static () => "(?![A-Za-z]:)[^]*");

    private static readonly FrozenDictionary<string, Lazy<TextAutomaton>> Preferred = new Dictionary<string, Lazy<TextAutomaton>>
    {
        ["date"] = Whole(static () => WrittenDate),
        ["time"] = Whole(static () => WrittenTime),
        ["date-time"] = Whole(static () => WrittenDateTime),
        // What begins with one letter and a colon is a file on a drive to some, System.Uri among them.
        ["uri"] = WithoutDrive,
        ["uri-reference"] = WithoutDrive,
        ["iri"] = WithoutDrive,
        ["iri-reference"] = WithoutDrive,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>The pattern that System.Text.Json gives <see cref="TimeSpan"/>, which lets through what it cannot read: hours from 24, minutes and seconds from 60, days beyond the type.</summary>
    private const string TimeSpanPattern = @"^-?(\d+\.)?\d{2}:\d{2}:\d{2}(\.\d{1,7})?$";

    /// <summary>The pattern that System.Text.Json gives <see cref="Version"/>, which lets through numbers beyond the type.</summary>
    private const string VersionPattern = @"^\d+(\.\d+){1,3}$";

    private static readonly Lazy<TextAutomaton> WrittenVersion = Whole(static () => @"\d{1,9}(?:\.\d{1,9}){1,3}");

    private static readonly Lazy<TextAutomaton> WrittenTimeSpan = Whole(static () => @"-?(?:\d{1,7}\.)?" + WrittenClock + @"(?:\.\d{1,7})?");

    // RFC 4648, section 4, with the padding and without bits beyond the last byte.
    private static readonly Lazy<TextAutomaton> WrittenBase64 = Whole(static () => "(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?");

    private static readonly Lazy<TextAutomaton> LocalTimeOnly = Whole(static () => WrittenLocalTime);
    private static readonly Lazy<TextAutomaton> InBasicPlane = Whole(static () => @"[\u0000-\uFFFF]*");
    private static readonly Lazy<TextAutomaton> TimeOrLocalTime = Whole(static () => $"(?:{Time()}|{LocalTime})");

    /// <summary>The texts of a JSON Schema format; null where it is not known.</summary>
    /// <param name="name">The format.</param>
    /// <param name="allowsLocalTimes">Whether a <c>time</c> may go without its offset.</param>
    public static TextAutomaton? Find(string name, bool allowsLocalTimes) => allowsLocalTimes && name == "time" ? TimeOrLocalTime.Value : Known.TryGetValue(name, out Lazy<TextAutomaton>? format) ? format.Value : null;

    /// <summary>The texts of a format that readers agree on, to be written rather than the others; null where that makes no difference.</summary>
    /// <param name="name">The format.</param>
    /// <param name="forDotNet">Whether only .NET reads them: <see cref="TimeOnly"/>, whose format is <c>time</c>, takes no offset.</param>
    public static TextAutomaton? Written(string name, bool forDotNet) => forDotNet && name == "time" ? LocalTimeOnly.Value : Preferred.TryGetValue(name, out Lazy<TextAutomaton>? format) ? format.Value : null;

    /// <summary>Whether an automaton is that of a whole format, and not of what is left of one or of texts that a schema lists.</summary>
    public static bool IsFormat(TextAutomaton text) => Known.Values.Any(format => format.IsValueCreated && ReferenceEquals(format.Value, text));

    /// <summary>The texts of a pattern that its reader takes, to be written rather than the others; null where nothing is known of its reader.</summary>
    /// <param name="pattern">The pattern, as the schema has it.</param>
    public static TextAutomaton? WrittenOfPattern(string pattern) => pattern switch
    {
        TimeSpanPattern => WrittenTimeSpan.Value,
        VersionPattern => WrittenVersion.Value,
        _ => null,
    };

    /// <summary>The texts of a content encoding, to be written rather than others, since nobody decodes these; null where it is not known.</summary>
    /// <param name="name">The encoding, in any case (RFC 2045, section 6.1).</param>
    public static TextAutomaton? WrittenOfEncoding(string name) => name.Equals("base64", StringComparison.OrdinalIgnoreCase) ? WrittenBase64.Value : null;

    /// <summary>The texts of one character that a <see cref="char"/> holds.</summary>
    public static TextAutomaton WrittenOfChar => InBasicPlane.Value;

    private static Lazy<TextAutomaton> Whole(Func<string> pattern) => new(() => TextAutomaton.FromWhole(EcmaPattern.Parse(pattern())));

    /// <summary>A time of day with its offset, and the leap seconds that can be: the last of a day in UTC, where the offset is one in use, that is of whole quarters of an hour.</summary>
    private static string Time()
    {
        List<string> leap = ["23:59:60(?:\\.\\d+)?[Zz]"];
        for (int offset = 0; offset < 24 * 60; offset += 15)
        {
            leap.Add(Local(23 * 60 + 59 + offset, '+', offset));
            leap.Add(Local(23 * 60 + 59 - offset, '-', offset));
        }

        return $"(?:{ClockTime}|{string.Join('|', leap)})";

        static string Local(int minutes, char sign, int offset)
        {
            minutes = (minutes + 24 * 60) % (24 * 60);
            return $"{minutes / 60:00}:{minutes % 60:00}:60(?:\\.\\d+)?[{sign}]{offset / 60:00}:{offset % 60:00}";
        }
    }

    private static string Email(string beyondAscii, string hostName)
    {
        string atom = $"[{AText}{beyondAscii}]+";
        string quoted = $"\"(?:[ !#-\\[\\]-~{beyondAscii}]|\\\\[ -~])*\"";
        return $"(?:(?=[^@]{{1,64}}@){atom}(?:\\.{atom})*|{quoted})@(?:{hostName}|{AddressLiteral})";
    }

    private static string Uri(string beyondAscii, string inQuery, bool isReference)
    {
        string user = $"(?:[{Unreserved}{SubDelims}:{beyondAscii}]|{Percent})*";
        string regName = $"(?:[{Unreserved}{SubDelims}{beyondAscii}]|{Percent})*";
        string ipLiteral = $"\\[(?:{IPv6}|[vV][0-9A-Fa-f]+\\.[{Unreserved}{SubDelims}:]+)\\]";
        string authority = $"(?:{user}@)?(?:{ipLiteral}|{regName})(?::\\d*)?";
        string character = $"(?:[{Unreserved}{SubDelims}:@{beyondAscii}]|{Percent})";
        string withoutColon = $"(?:[{Unreserved}{SubDelims}@{beyondAscii}]|{Percent})";
        string more = $"(?:/{character}*)*";
        string tail = $"(?:\\?(?:{character}|[/?{inQuery}])*)?(?:#(?:{character}|[/?])*)?";
        string withAuthority = $"//{authority}{more}";
        string absolute = $"/(?:{character}+{more})?";
        string uri = $"[A-Za-z][A-Za-z0-9+.-]*:(?:{withAuthority}|{absolute}|{character}+{more}|){tail}";
        return isReference ? $"(?:{uri}|(?:{withAuthority}|{absolute}|{withoutColon}+{more}|){tail})" : uri;
    }
}
