namespace EmbeddedLlm.Templates;

/// <summary>
/// Looks for one text in another. .NET compares a long text at every place where it may begin, which for two periodic texts takes the
/// product of their lengths: what such a comparison reads is counted.
/// </summary>
internal static class TextSearch
{
    /// <summary>A text up to this length is left to .NET: it takes no more than so many times the length of the other.</summary>
    private const int Short = 32;

    public static int Find(Rendering rendering, ReadOnlySpan<char> text, ReadOnlySpan<char> sought, bool fromEnd) =>
        fromEnd ? LastIndexOf(rendering, text, sought) : IndexOf(rendering, text, sought);

    public static int IndexOf(Rendering rendering, ReadOnlySpan<char> text, ReadOnlySpan<char> sought)
    {
        if (sought.Length <= Short)
            return text.IndexOf(sought);

        ReadOnlySpan<char> start = sought[..Short], rest = sought[Short..];
        for (int at = 0; at <= text.Length - sought.Length; at++)
        {
            int offset = text[at..^rest.Length].IndexOf(start);
            if (offset < 0)
                return -1;

            at += offset;
            int common = text[(at + Short)..].CommonPrefixLength(rest);
            if (common == rest.Length)
                return at;
            rendering.Charge(1 + common / 16);
        }

        return -1;
    }

    public static int LastIndexOf(Rendering rendering, ReadOnlySpan<char> text, ReadOnlySpan<char> sought)
    {
        if (sought.Length <= Short)
            return text.LastIndexOf(sought);

        ReadOnlySpan<char> start = sought[..Short], rest = sought[Short..];
        int end = text.Length - rest.Length;
        while (end >= Short)
        {
            int at = text[..end].LastIndexOf(start);
            if (at < 0)
                return -1;

            int common = text[(at + Short)..].CommonPrefixLength(rest);
            if (common == rest.Length)
                return at;
            rendering.Charge(1 + common / 16);
            end = at + Short - 1;
        }

        return -1;
    }

    /// <summary>How often a text that is not empty occurs, without overlaps.</summary>
    public static int Count(Rendering rendering, ReadOnlySpan<char> text, ReadOnlySpan<char> sought)
    {
        int count = 0;
        while (IndexOf(rendering, text, sought) is >= 0 and int at)
        {
            count++;
            text = text[(at + sought.Length)..];
        }

        return count;
    }
}
