using System.Text.RegularExpressions;

namespace EmbeddedLlm.Catalog;

/// <summary>The quantisation that a model file's name tells of, such as <c>Q4_K_M</c>, as those who publish GGUF files write it.</summary>
internal static partial class QuantisationName
{
    /// <summary>What is taken where nobody says which.</summary>
    public const string Default = "Q4_K_M";

    /// <summary>The quantisation in a file's name, in capitals; null where there is none.</summary>
    public static string? Of(string fileName)
    {
        string stem = SplitName.TryParse(fileName, out SplitName split) ? split.Stem
            : fileName.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase) ? fileName[..^5] : fileName;
        Match match = Pattern().Match(stem);
        return match.Success ? match.Groups[1].Value.ToUpperInvariant() : null;
    }

    /// <summary>Whether a text is a quantisation and nothing else.</summary>
    public static bool IsOne(string text) => Pattern().Match("-" + text) is { Success: true } match && match.Groups[1].Length == text.Length;

    /// <summary>Whether answers suffer so much that a person should know: less than three bits a weight.</summary>
    public static bool IsCoarse(string? quantisation) =>
        quantisation?.IndexOf('Q') is >= 0 and int at && at + 1 < quantisation.Length && quantisation[at + 1] is '1' or '2'
        || quantisation is not null && quantisation.StartsWith("TQ", StringComparison.Ordinal);

    [GeneratedRegex(@"[-._]((?:UD-)?(?:[IT]?Q[1-9](?:_[A-Z0-9]+)*|B?F16|F32|MXFP4(?:_MOE)?))$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Pattern();
}
