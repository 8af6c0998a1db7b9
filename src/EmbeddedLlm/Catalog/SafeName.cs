using System.Buffers;

namespace EmbeddedLlm.Catalog;

/// <summary>
/// Names from elsewhere that become names of files and folders. What is let through is one and the same harmless name on every system: nothing that leads elsewhere, is hidden, or that Windows reads
/// as a device or another name.
/// </summary>
internal static class SafeName
{
    private const int MostCharacters = 200;

    private static readonly SearchValues<char> Forbidden = SearchValues.Create("<>:\"/\\|?*%");
    private static readonly string[] Devices = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];

    /// <summary>Whether a name may be one part of a path.</summary>
    public static bool IsSafe(string name) =>
        name.Length is > 0 and <= MostCharacters
        && name[0] is not ('.' or ' ' or '-') && name[^1] is not ('.' or ' ')
        && !name.AsSpan().ContainsAny(Forbidden)
        && !name.Any(character => char.IsControl(character) || char.IsSurrogate(character) || character is (>= '\u200B' and <= '\u202E') or (>= '\u2060' and <= '\u206F') or '\uFEFF')
        && !IsDevice(name);

    /// <summary>Whether a path, its parts separated by slashes, leads to a place below where it starts.</summary>
    public static bool IsSafePath(string path) => path.Length <= 4 * MostCharacters && path.Split('/').All(IsSafe);

    /// <summary>The part before the first dot decides: Windows opens the device for <c>NUL.gguf</c> as well.</summary>
    private static bool IsDevice(string name)
    {
        ReadOnlySpan<char> stem = name.AsSpan(0, name.IndexOf('.') is >= 0 and int dot ? dot : name.Length).TrimEnd(' ');
        foreach (string device in Devices)
        {
            if (stem.Equals(device, StringComparison.OrdinalIgnoreCase))
                return true;
        }

        // Windows takes the superscript digits of Latin-1 for digits.
        return stem.Length == 4 && (char.IsAsciiDigit(stem[3]) || stem[3] is '\u00B9' or '\u00B2' or '\u00B3')
            && (stem.StartsWith("COM", StringComparison.OrdinalIgnoreCase) || stem.StartsWith("LPT", StringComparison.OrdinalIgnoreCase));
    }
}
