using System.Globalization;
using System.Numerics;
using System.Text.RegularExpressions;

namespace EmbeddedLlm.Tests.Grammars.Numbers;

/// <summary>A number as a fraction of whole numbers, read by a regular expression: a second opinion on what ExactDecimal and NumberRange compute.</summary>
internal readonly partial record struct ReferenceNumber(BigInteger Numerator, BigInteger Denominator)
{
    public static bool IsNumber(string text) => Json().IsMatch(text);

    public static ReferenceNumber Parse(string text)
    {
        Match match = Json().Match(text);
        Assert.True(match.Success, text);
        string fraction = match.Groups["fraction"].Value;
        BigInteger numerator = BigInteger.Parse(match.Groups["whole"].Value + fraction, CultureInfo.InvariantCulture);
        int exponent = match.Groups["exponent"] is { Success: true, Value: var power } ? int.Parse(power, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture) : 0;
        exponent -= fraction.Length;
        if (match.Groups["minus"].Success)
            numerator = -numerator;
        return exponent >= 0 ? new(numerator * BigInteger.Pow(10, exponent), 1) : new(numerator, BigInteger.Pow(10, -exponent));
    }

    public int CompareTo(ReferenceNumber other) => (Numerator * other.Denominator).CompareTo(other.Numerator * Denominator);

    public bool IsMultipleOf(ReferenceNumber other) => (Numerator * other.Denominator % (other.Numerator * Denominator)).IsZero;

    [GeneratedRegex(@"\A(?<minus>-)?(?<whole>0|[1-9][0-9]*)(\.(?<fraction>[0-9]+))?([eE](?<exponent>[+-]?[0-9]+))?\z")]
    private static partial Regex Json();
}
