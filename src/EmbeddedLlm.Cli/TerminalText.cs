using System.Buffers;

namespace EmbeddedLlm.Cli;

/// <summary>
/// Makes text that others wrote, a model above all, harmless to a terminal: escape sequences could retitle the window, write to the clipboard or hide what
/// was printed before.
/// </summary>
internal static class TerminalText
{
    private static readonly SearchValues<char> Unsafe = SearchValues.Create([.. Enumerable.Range(0, 0xA0).Select(code => (char)code).Where(IsUnsafe)]);

    /// <summary>Control characters but line feed and tab become visible signs. A carriage return is dropped: it would let a line overwrite itself.</summary>
    public static string Clean(string text)
    {
        if (!text.AsSpan().ContainsAny(Unsafe))
            return text;
        return string.Create(text.Length - text.AsSpan().Count('\r'), text, static (destination, source) =>
        {
            int written = 0;
            foreach (char character in source)
            {
                if (character != '\r')
                    destination[written++] = IsUnsafe(character) ? Visible(character) : character;
            }
        });
    }

    /// <summary>C0 but line feed and tab, DEL, and C1, which many terminals take for escape sequences too.</summary>
    private static bool IsUnsafe(char character) => char.IsControl(character) && character is not ('\n' or '\t');

    private static char Visible(char character) => character switch
    {
        < ' ' => (char)('␀' + character),
        '\x7F' => '␡',
        _ => '\uFFFD',
    };
}
