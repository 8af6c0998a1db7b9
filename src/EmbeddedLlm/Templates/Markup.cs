namespace EmbeddedLlm.Templates;

/// <summary>HTML escaping as markupsafe does it, for the templates that still say <c>safe</c> or <c>escape</c>.</summary>
internal static class Markup
{
    public static TemplateString Escape(Rendering rendering, TemplateString text)
    {
        if (text.IsMarkup)
            return text;

        ReadOnlySpan<char> chars = text.AsSpan();
        if (!chars.ContainsAny("&<>'\""))
            return text.AsMarkup();

        MarkedTextBuilder output = new(rendering.Limits.ValueSize, capacity: text.Length + 16);
        for (int start = 0; start < chars.Length;)
        {
            int length = chars[start..].IndexOfAny("&<>'\"");
            if (length < 0)
                length = chars.Length - start;
            output.Append(text, start, length);
            start += length;
            if (start < chars.Length)
                output.Append(EntityOf(chars[start]), text.KindAt(start++));
        }

        return output.ToTemplateString().AsMarkup();
    }

    private static string EntityOf(char character) => character switch
    {
        '&' => "&amp;",
        '<' => "&lt;",
        '>' => "&gt;",
        '\'' => "&#39;",
        _ => "&#34;",
    };
}
