using System.Globalization;
using System.Text.RegularExpressions;

namespace EmbeddedLlm.Catalog;

/// <summary>The name of one of several files of a model, such as <c>name-00001-of-00003.gguf</c>.</summary>
/// <param name="Stem">What is before the numbers.</param>
/// <param name="Number">The file's number, from 1.</param>
/// <param name="Count">How many files there are.</param>
internal readonly partial record struct SplitName(string Stem, int Number, int Count)
{
    private const int MostFiles = 1000;

    public static bool TryParse(string fileName, out SplitName name)
    {
        name = default;
        Match match = Pattern().Match(fileName);
        if (!match.Success)
            return false;
        int number = int.Parse(match.Groups[2].ValueSpan, CultureInfo.InvariantCulture);
        int count = int.Parse(match.Groups[3].ValueSpan, CultureInfo.InvariantCulture);
        if (number < 1 || number > count || count > MostFiles)
            return false;
        name = new SplitName(match.Groups[1].Value, number, count);
        return true;
    }

    /// <summary>The names of all files of the model that a file begins; the file's own where it is the only one.</summary>
    public static string[] AllOf(string fileName) =>
        TryParse(fileName, out SplitName name) ? [.. Enumerable.Range(1, name.Count).Select(number => (name with { Number = number }).ToString())] : [fileName];

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Stem}-{Number:D5}-of-{Count:D5}.gguf");

    [GeneratedRegex("^(.+)-([0-9]{5})-of-([0-9]{5})\\.gguf$", RegexOptions.CultureInvariant)]
    private static partial Regex Pattern();
}
