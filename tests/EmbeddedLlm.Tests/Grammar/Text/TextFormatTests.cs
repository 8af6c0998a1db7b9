using System.Globalization;
using System.Net;
using EmbeddedLlm.Grammars;

namespace EmbeddedLlm.Tests.Grammars;

public sealed class TextFormatTests
{
    public static TheoryData<string, string[], string[]> Formats => new()
    {
        { "date", ["2024-02-29", "2000-02-29", "1963-06-19", "2023-12-31"],
            ["2023-02-29", "1900-02-29", "2024-02-30", "2024-04-31", "2024-13-01", "2024-00-10", "2024-01-00", "24-01-01", "2024-1-1", "2024-01-01T", "১963-06-19"] },
        { "time", ["08:30:06Z", "08:30:06.283185Z", "08:30:06+00:20", "23:59:60Z", "23:59:60.5z", "15:59:60-08:00", "05:29:60+05:30", "01:29:60+01:30", "23:29:60+23:30"],
            ["24:00:00Z", "08:60:00Z", "08:30:61Z", "22:59:60Z", "23:58:60Z", "23:59:60+01:00", "23:59:60-01:00", "08:30:06", "08:30:06.Z", "08:30:06+24:00", "08:30:06 PST", "8:30:06Z", "08:30Z"] },
        { "date-time", ["1963-06-19T08:30:06.283185Z", "1998-12-31T23:59:60Z", "1990-12-31T15:59:60.123-08:00", "1937-01-01t12:00:27.87+00:20z"[..^1]],
            ["1963-06-19", "1963-06-19 08:30:06Z", "1990-02-31T15:59:59Z", "1963-06-19T08:30:06", "1998-12-31T22:59:60Z", "06/19/1963 08:30:06 PST"] },
        { "duration", ["P4DT12H30M5S", "P4Y", "PT0S", "P1M", "PT1M", "PT36H", "P1DT12H", "P2W", "P1Y2M3DT4H5M6S", "P1M1D"],
            ["PT1D", "P", "P1YT", "PT", "P1D2H", "P2D1Y", "P2S", "P1Y2W", "P1Y1D", "PT1H1S", "1D", "P1", "P1.5D"] },
        { "uuid", ["2EB8AA08-AA98-11EA-B4AA-73B441D16380", "2eb8aa08-aa98-11ea-b4aa-73b441d16380", "00000000-0000-0000-0000-000000000000"],
            ["2eb8aa08-aa98-11ea-b4aa-73b441d1638", "2eb8aa08aa98-11ea-b4aa73b441d16380", "2eb8aa08aa9811eab4aa73b441d16380", "2eb8aa08-aa98-11ea-b4ga-73b441d16380"] },
        { "ipv4", ["192.168.0.1", "0.0.0.0", "255.255.255.255"], ["256.1.1.1", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.4/24", "1.2.3.", "0x7f000001"] },
        { "ipv6", ["::1", "::", "1::", "12345::"[1..], "1:2:3:4:5:6:7:8", "::42:ff:1", "d6::", "1:d6::42", "1::d6:192.168.0.1", "1:2::192.168.0.1", "::ffff:192.168.0.1", "1000:1000:1000:1000:1000:1000:255.255.255.255", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8"],
            ["12345::", "::abcef", "1:1:1:1:1:1:1:1:1", "::laptop", ":2:3:4:5:6:7:8", "1:2:3:4:5:6:7:", ":", "1::2::3", "1::2:192.168.256.1", "1:2:3:4:5:::8", "1:2:3:4:5:6:7", "fe80::1%eth0", "::1/64", "1:2:3:4:1.2.3.4", "::1.2.3.4:5", "1:2:3:4:5:6:7:8::"] },
        { "hostname", ["www.example.com", "xn--4gbwdl.xn--wgbh1c", "a", "1host", "a-b", new string('a', 63) + ".b"],
            ["-a", "a-", "a_b", "a..b", ".a", "a.", "", "a b", new string('a', 64), "中.com"] },
        { "idn-hostname", ["실례.테스트", "example.com", "l·l", "a。b"], ["-a", "a-", "〮a", "a b", "a..b"] },
        { "email", ["joe.bloggs@example.com", "te~st@example.com", "~test@example.com", "test~@example.com", "te.s.t@example.com", "\"joe bloggs\"@example.com", "\"joe@bloggs\"@example.com", "joe@[127.0.0.1]", "joe@[IPv6:::1]", "a@b", new string('a', 64) + "@b"],
            ["2962", ".test@example.com", "test.@example.com", "te..st@example.com", "joe@-example.com", "joe@[127.0.0.300]", "joe@", "@example.com", "a@b@c", "a b@c", new string('a', 65) + "@b", "user1@oceania.org, user2@oceania.org"] },
        { "idn-email", ["실례@실례.테스트", "joe@example.com"], ["2962", "a@", "@b"] },
        { "uri", ["http://foo.bar/?baz=qux#quux", "http://foo.com/blah_(wikipedia)_blah#cite-1", "http://foo.bar/?q=Test%20URL-encoded%20stuff", "http://xn--nw2a.xn--j6w193g/", "http://-.~_!$&'()*+,;=:%40:80%2f::::::@example.com", "http://223.255.255.254", "ftp://ftp.is.co.za/rfc/rfc1808.txt",
            "ldap://[2001:db8::7]/c=GB?objectClass?one", "mailto:John.Doe@example.com", "news:comp.infosystems.www.servers.unix", "tel:+1-816-555-1212", "urn:oasis:names:specification:docbook:dtd:xml:4.1.2", "file:///etc/hosts", "a:"],
            ["//foo.bar/?baz=qux#quux", "/abc", "\\\\WINDOWS\\fileshare", "abc", "http:// shouldfail.com", ":// should fail", "bar,baz:foo", "https://[@example.org/test.txt", "https://example.org/foobar\\.txt", "https://example.org/foobar<>.txt", "https://example.org/foobar{}.txt",
            "https://example.org/foobar^.txt", "https://example.org/foobar`.txt", "https://example.org/foo bar.txt", "https://example.org/foobar|.txt", "http://a/%2", "http://a/é", "1http://a", "http://a#b#c", "http://[::1", "http://a:80a/", "-a:b", ""] },
        { "uri-reference", ["http://foo.bar/?baz=qux#quux", "//foo.bar/?baz=qux#quux", "/abc", "abc", "#fragment", "", "?q", "a/b:c", "../a"], ["\\\\WINDOWS\\fileshare", "#frag\\ment", "a b", "1:a", "é"] },
        { "iri", ["http://ƒøø.ßår/?∂éœ=πîx#πîüx", "http://[2001:0db8:85a3:0000:0000:8a2e:0370:7334]", "http://a/?\uE000"], ["/abc", "http://2001:0db8:85a3:0000:0000:8a2e:0370:7334/ ", "âππ", "http://a/\uE000", "http://a/\uFFFF"] },
        { "iri-reference", ["//ƒøø.ßår/?∂éœ=πîx#πîüx", "âππ", "#ƒrägmênt", ""], ["\\\\WINDOWS\\filëßåré", "#ƒräg\\mênt"] },
        { "uri-template", ["http://example.com/dictionary/{term:1}/{term}", "http://example.com/{?q,r*}", "dictionary/", "{+a.b}", "é{x}"], ["http://example.com/dictionary/{term:1}/{term", "{}", "{a b}", "a b", "{a:0}", "}"] },
        { "json-pointer", ["", "/", "/foo/bar~0/baz~1/%a", "/ ", "//", "/~01", "/é\n"], ["/foo/bar~", "#", "a", "/~2", "a/a"] },
        { "relative-json-pointer", ["1", "0/foo/bar", "2/0/baz/1/zip", "0#", "120/foo/bar"], ["/foo/bar", "-1/foo/bar", "+1/foo/bar", "0##", "01/a", "01#", "", "multi-digit-prefix"] },
        { "regex", ["^(a", ""], [] },
    };

    [Theory]
    [MemberData(nameof(Formats))]
    public void FormatHoldsToItsRfc(string format, string[] valid, string[] invalid)
    {
        TextAutomaton automaton = TextAutomaton.FromFormat(format)!;
        Assert.All(valid, text => Assert.True(automaton.Matches(text), text));
        Assert.All(invalid, text => Assert.False(automaton.Matches(text), text));
    }

    [Fact]
    public void UnknownFormatIsNone()
    {
        Assert.Null(TextAutomaton.FromFormat("semver"));
        Assert.Null(TextAutomaton.FromFormat(""));
        Assert.Null(TextAutomaton.FromFormat("Date"));
    }

    [Fact]
    public void FormatIsMadeOnce() => Assert.Same(TextAutomaton.FromFormat("date-time"), TextAutomaton.FromFormat("date-time"));

    [Fact]
    public void DatesAreTheDaysOfTheCalendar()
    {
        TextAutomaton date = TextAutomaton.FromFormat("date")!;
        for (int year = 1; year <= 9999; year += year is > 1890 and < 2110 ? 1 : 37)
        {
            for (int month = 0; month <= 13; month++)
            {
                for (int day = 0; day <= 32; day++)
                {
                    string text = $"{year:0000}-{month:00}-{day:00}";
                    Assert.Equal(DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _), date.Matches(text));
                }
            }
        }
    }

    [Theory]
    [InlineData("ipv4")]
    [InlineData("ipv6")]
    public void GeneratedAddressesAreRead(string format)
    {
        TextAutomaton automaton = TextAutomaton.FromFormat(format)!;
        Random random = new(3);
        for (int i = 0; i < 500; i++)
        {
            string text = PatternTexts.Member(automaton, random);
            Assert.True(IPAddress.TryParse(text, out _), text);
        }
    }

    [Theory]
    [InlineData("uri", UriKind.Absolute)]
    [InlineData("uri-reference", UriKind.RelativeOrAbsolute)]
    [InlineData("iri", UriKind.Absolute)]
    public void GeneratedReferencesAreMembers(string format, UriKind kind)
    {
        TextAutomaton automaton = TextAutomaton.FromFormat(format)!;
        foreach (string text in new[] { "https://example.org/a/b?c=d#e", "http://user@example.org:8080/%C3%A9", "ftp://127.0.0.1/x;type=a" })
        {
            Assert.True(automaton.Matches(text));
            Assert.True(Uri.TryCreate(text, kind, out _));
        }
    }
}
