namespace EmbeddedLlm.Templates;

/// <summary>
/// A chat template cannot be parsed, failed while it rendered, refused the conversation, or exceeded a limit. The
/// message shows where: template, line, column, the source line and a caret below the place.
/// </summary>
public sealed class ChatTemplateException : EmbeddedLlmException
{
    internal ChatTemplateException(string reason, string? templateName, string source, int offset, bool refused, Exception? inner)
        : this(reason, templateName, SourcePlace.Find(source, offset), refused, inner)
    {
    }

    private ChatTemplateException(string reason, string? templateName, SourcePlace place, bool refused, Exception? inner)
        : base(place.Describe(reason, templateName), inner)
    {
        Reason = reason;
        TemplateName = templateName;
        Line = place.Line;
        Column = place.Column;
        IsRefusal = refused;
    }

    /// <summary>What went wrong, without the place; for a refusal, the template's own words.</summary>
    public string Reason { get; }

    /// <summary>The template's name, where it was given one.</summary>
    public string? TemplateName { get; }

    /// <summary>The line of the template, counted from 1.</summary>
    public int Line { get; }

    /// <summary>The column of that line in UTF-16 units, counted from 1.</summary>
    public int Column { get; }

    /// <summary>Whether the template itself refused the conversation with <c>raise_exception</c>, say because its roles do not alternate.</summary>
    public bool IsRefusal { get; }

    /// <summary>A line and column of the source, with the line's text.</summary>
    private readonly record struct SourcePlace(int Line, int Column, string Text)
    {
        private const int LongestExcerpt = 120;

        public static SourcePlace Find(string source, int offset)
        {
            offset = Math.Clamp(offset, 0, source.Length);
            ReadOnlySpan<char> before = source.AsSpan(0, offset);
            int start = before.LastIndexOf('\n') + 1;
            int length = source.AsSpan(start).IndexOf('\n');
            string text = length < 0 ? source[start..] : source.Substring(start, length);
            return new(before.Count('\n') + 1, offset - start + 1, text);
        }

        public string Describe(string reason, string? templateName)
        {
            // Templates are often one line of thousands of characters: only the surroundings of the place are shown.
            int from = Math.Clamp(Column - 1 - LongestExcerpt / 2, 0, Math.Max(0, Text.Length - LongestExcerpt));
            string excerpt = Text.Substring(from, Math.Min(LongestExcerpt, Text.Length - from)).Replace('\t', ' ');
            string caret = new string(' ', Column - 1 - from) + '^';
            string name = templateName is null ? "the chat template" : $"the chat template '{templateName}'";
            return $"{reason} (line {Line}, column {Column} of {name})\n  {excerpt}\n  {caret}";
        }
    }
}
