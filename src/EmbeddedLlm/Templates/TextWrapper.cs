namespace EmbeddedLlm.Templates;

/// <summary>Python's <c>textwrap.wrap</c> for one line: words and hyphenated parts of words are packed up to a width.</summary>
internal sealed class TextWrapper(int width, bool breaksLongWords, bool breaksOnHyphens)
{
    public List<TemplateString> Wrap(TemplateString line)
    {
        List<(int Start, int End)> chunks = Cut(line.AsSpan());
        List<TemplateString> lines = [];
        ReadOnlySpan<char> chars = line.AsSpan();
        int next = 0;
        while (next < chunks.Count)
        {
            // Blanks at the start of a line go, but those of the first line stay.
            if (lines.Count > 0 && IsBlank(chars, chunks[next]) && ++next == chunks.Count)
                break;

            int start = chunks[next].Start, end = start, last = next;
            while (next < chunks.Count && Count(line, start, chunks[next].End) <= width)
                end = chunks[next++].End;

            bool isCut = false;
            if (next < chunks.Count && Count(line, chunks[next].Start, chunks[next].End) > width)
            {
                if (breaksLongWords)
                {
                    int room = Math.Max(width - Count(line, start, end), 0);
                    end = CutLongWord(line, chunks, next, end, room == 0 && next > last ? 0 : Math.Max(room, 1));
                    isCut = true;
                }
                else if (next == last)
                {
                    end = chunks[next++].End;
                }
            }

            if (!isCut && next > last && IsBlank(chars, chunks[next - 1]))
                end = chunks[next - 1].Start;
            if (end > start)
                lines.Add(line.Substring(start, end - start));
        }

        return lines;
    }

    /// <summary>Takes what fits of a word that is longer than a line, and returns where it was cut.</summary>
    private int CutLongWord(TemplateString line, List<(int Start, int End)> chunks, int index, int end, int room)
    {
        if (room == 0)
            return end;

        (int start, int wordEnd) = chunks[index];
        ReadOnlySpan<char> word = line.AsSpan()[start..wordEnd];
        int taken = Math.Min(CodePoints.PositionOf(word, room), word.Length);
        if (breaksOnHyphens && CodePoints.Count(word) > room)
        {
            int hyphen = word[..taken].LastIndexOf('-');
            if (hyphen > 0 && word[..hyphen].ContainsAnyExcept('-'))
                taken = hyphen + 1;
        }

        chunks[index] = (start + taken, wordEnd);
        return start + taken;
    }

    private List<(int Start, int End)> Cut(ReadOnlySpan<char> text)
    {
        List<(int, int)> chunks = [];
        for (int i = 0; i < text.Length;)
        {
            int end = IsSpace(text[i]) ? SkipSpaces(text, i) : breaksOnHyphens ? EndOfPart(text, i) : EndOfWord(text, i);
            chunks.Add((i, end));
            i = end;
        }

        return chunks;
    }

    private static int EndOfWord(ReadOnlySpan<char> text, int i)
    {
        while (i < text.Length && !IsSpace(text[i]))
            i++;
        return i;
    }

    /// <summary>The end of a word, of its part up to a hyphen between letters, or of a dash between words.</summary>
    private static int EndOfPart(ReadOnlySpan<char> text, int start)
    {
        int dashes = CountDashes(text, start);
        if (dashes >= 2 && start > 0 && IsPunctuatedWord(text[start - 1]) && IsWordAt(text, start + dashes))
            return start + dashes;

        for (int end = start + 1; end < text.Length; end++)
        {
            if (IsSpace(text[end]))
                return end;
            if (text[end] == '-' && CountDashes(text, end) is >= 2 and int count && IsPunctuatedWord(text[end - 1]) && IsWordAt(text, end + count))
                return end;
            if (text[end] == '-' && EndsHyphenated(text, end) && StartsHyphenated(text, end + 1))
                return end + 1;
        }

        return text.Length;
    }

    private static int CountDashes(ReadOnlySpan<char> text, int i)
    {
        int start = i;
        while (i < text.Length && text[i] == '-')
            i++;
        return i - start;
    }

    private static bool EndsHyphenated(ReadOnlySpan<char> text, int hyphen) => IsLetterAt(text, hyphen - 1)
        && (IsLetterAt(text, hyphen - 2) || (hyphen >= 2 && text[hyphen - 2] == '-' && IsLetterAt(text, hyphen - 3)));

    private static bool StartsHyphenated(ReadOnlySpan<char> text, int i) =>
        IsLetterAt(text, i) && (IsLetterAt(text, i + 1) || (i + 1 < text.Length && text[i + 1] == '-' && IsLetterAt(text, i + 2)));

    private static bool IsLetterAt(ReadOnlySpan<char> text, int i) => IsWordAt(text, i) && !char.IsDigit(text[i]) && text[i] != '_';

    private static bool IsWordAt(ReadOnlySpan<char> text, int i) => i >= 0 && i < text.Length && CodePoints.IsWord(text[i]);

    private static bool IsPunctuatedWord(char character) => character is '!' or '"' or '\'' or '&' or '.' or ',' or '?' || CodePoints.IsWord(character);

    private static bool IsSpace(char character) => character is ' ' or '\t' or '\n' or '\v' or '\f' or '\r';

    private static bool IsBlank(ReadOnlySpan<char> text, (int Start, int End) chunk) => SkipSpaces(text, chunk.Start) >= chunk.End;

    private static int SkipSpaces(ReadOnlySpan<char> text, int i)
    {
        while (i < text.Length && IsSpace(text[i]))
            i++;
        return i;
    }

    private static int Count(TemplateString line, int start, int end) => CodePoints.Count(line.AsSpan()[start..end]);
}
