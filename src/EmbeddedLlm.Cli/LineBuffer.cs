using System.Globalization;

namespace EmbeddedLlm.Cli;

/// <summary>A text being typed, its cursor, and what each key does to them. It moves by what a reader takes for one character, never into the middle of one.</summary>
/// <param name="history">What was entered before, the latest last.</param>
internal sealed class LineBuffer(IReadOnlyList<string> history)
{
    private int _historyIndex = history.Count;
    private string _draft = "";

    public string Text { get; private set; } = "";

    /// <summary>The index in <see cref="Text"/> of the character behind the cursor; its length at the end.</summary>
    public int Cursor { get; private set; }

    /// <summary>The characters with their indexes.</summary>
    public IEnumerable<(int Start, string Element)> Elements()
    {
        for (int start = 0; start < Text.Length;)
        {
            int length = StringInfo.GetNextTextElementLength(Text, start);
            yield return (start, Text.Substring(start, length));
            start += length;
        }
    }

    public void MoveToEnd() => Cursor = Text.Length;

    /// <summary>Does what a key asks for; keys that ask for nothing are ignored.</summary>
    public void Apply(ConsoleKeyInfo key)
    {
        bool hasControl = key.Modifiers.HasFlag(ConsoleModifiers.Control);
        bool hasAlt = key.Modifiers.HasFlag(ConsoleModifiers.Alt);
        switch (key.Key)
        {
            case ConsoleKey.Enter:
                Insert('\n');
                break;
            case ConsoleKey.Backspace when hasControl || hasAlt:
            case ConsoleKey.W when hasControl:
                Remove(WordBefore(), Cursor);
                break;
            case ConsoleKey.Backspace:
            case ConsoleKey.H when hasControl:
                Remove(Before(Cursor), Cursor);
                break;
            case ConsoleKey.Delete:
            case ConsoleKey.D when hasControl:
                Remove(Cursor, After(Cursor));
                break;
            case ConsoleKey.U when hasControl:
                Remove(LineStart(), Cursor);
                break;
            case ConsoleKey.K when hasControl:
                Remove(Cursor, LineEnd());
                break;
            case ConsoleKey.LeftArrow when hasControl || hasAlt:
            case ConsoleKey.B when hasAlt:
                Cursor = WordBefore();
                break;
            case ConsoleKey.RightArrow when hasControl || hasAlt:
            case ConsoleKey.F when hasAlt:
                Cursor = WordAfter();
                break;
            case ConsoleKey.LeftArrow:
            case ConsoleKey.B when hasControl:
                Cursor = Before(Cursor);
                break;
            case ConsoleKey.RightArrow:
            case ConsoleKey.F when hasControl:
                Cursor = After(Cursor);
                break;
            case ConsoleKey.Home:
            case ConsoleKey.A when hasControl:
                Cursor = LineStart();
                break;
            case ConsoleKey.End:
            case ConsoleKey.E when hasControl:
                Cursor = LineEnd();
                break;
            case ConsoleKey.UpArrow:
            case ConsoleKey.P when hasControl:
                Recall(_historyIndex - 1);
                break;
            case ConsoleKey.DownArrow:
            case ConsoleKey.N when hasControl:
                Recall(_historyIndex + 1);
                break;
            default:
                // A modifier makes a command of a letter, unless it only chose the letter, as AltGr does.
                if (key.KeyChar == '\t' || (!char.IsControl(key.KeyChar) && hasControl == hasAlt))
                    Insert(key.KeyChar);
                break;
        }
    }

    private void Insert(char character)
    {
        Text = Text.Insert(Cursor, character.ToString());
        Cursor++;
    }

    private void Remove(int start, int end)
    {
        Text = Text.Remove(start, end - start);
        Cursor = start;
    }

    private void Recall(int index)
    {
        if (index < 0 || index > history.Count)
            return;
        if (_historyIndex == history.Count)
            _draft = Text;
        _historyIndex = index;
        Text = index == history.Count ? _draft : history[index];
        MoveToEnd();
    }

    private int Before(int index)
    {
        int before = 0;
        foreach ((int start, _) in Elements())
        {
            if (start >= index)
                break;
            before = start;
        }

        return before;
    }

    private int After(int index) => index == Text.Length ? index : index + StringInfo.GetNextTextElementLength(Text, index);

    private int WordBefore()
    {
        int index = Cursor;
        while (index > 0 && char.IsWhiteSpace(Text[index - 1]))
            index--;
        while (index > 0 && !char.IsWhiteSpace(Text[index - 1]))
            index--;
        return index;
    }

    private int WordAfter()
    {
        int index = Cursor;
        while (index < Text.Length && char.IsWhiteSpace(Text[index]))
            index++;
        while (index < Text.Length && !char.IsWhiteSpace(Text[index]))
            index++;
        return index;
    }

    private int LineStart() => Cursor == 0 ? 0 : Text.LastIndexOf('\n', Cursor - 1) + 1;

    private int LineEnd() => Text.IndexOf('\n', Cursor) is >= 0 and var index ? index : Text.Length;
}
