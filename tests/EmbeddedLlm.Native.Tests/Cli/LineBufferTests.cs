using EmbeddedLlm.Cli;

namespace EmbeddedLlm.Native.Tests.Cli;

public sealed class LineBufferTests
{
    private const ConsoleModifiers None = 0, Control = ConsoleModifiers.Control, Alt = ConsoleModifiers.Alt;

    /// <summary>In the texts a bar is the cursor.</summary>
    [Theory]
    [InlineData("abc|", ConsoleKey.LeftArrow, None, "ab|c")]
    [InlineData("|abc", ConsoleKey.LeftArrow, None, "|abc")]
    [InlineData("ab|c", ConsoleKey.RightArrow, None, "abc|")]
    [InlineData("abc|", ConsoleKey.RightArrow, None, "abc|")]
    [InlineData("a👨‍👩‍👧|", ConsoleKey.LeftArrow, None, "a|👨‍👩‍👧")]
    [InlineData("a👨‍👩‍👧|", ConsoleKey.Backspace, None, "a|")]
    [InlineData("e\u0301|x", ConsoleKey.Backspace, None, "|x")]
    [InlineData("|abc", ConsoleKey.Backspace, None, "|abc")]
    [InlineData("a|👍c", ConsoleKey.Delete, None, "a|c")]
    [InlineData("abc|", ConsoleKey.Delete, None, "abc|")]
    [InlineData("ab|c", ConsoleKey.D, Control, "ab|")]
    [InlineData("one two  |", ConsoleKey.W, Control, "one |")]
    [InlineData("one tw|o", ConsoleKey.Backspace, Alt, "one |o")]
    [InlineData("one two|", ConsoleKey.LeftArrow, Control, "one |two")]
    [InlineData("|one two", ConsoleKey.RightArrow, Control, "one| two")]
    [InlineData("one\ntwo|", ConsoleKey.A, Control, "one\n|two")]
    [InlineData("|one\ntwo", ConsoleKey.E, Control, "one|\ntwo")]
    [InlineData("one\nt|wo", ConsoleKey.U, Control, "one\n|wo")]
    [InlineData("o|ne\ntwo", ConsoleKey.K, Control, "o|\ntwo")]
    [InlineData("one|two", ConsoleKey.Enter, Alt, "one\n|two")]
    [InlineData("abc|", ConsoleKey.Escape, None, "abc|")]
    [InlineData("abc|", ConsoleKey.UpArrow, None, "abc|")]
    [InlineData("abc|", ConsoleKey.DownArrow, None, "abc|")]
    public void AKeyChangesTheTextOrTheCursor(string before, ConsoleKey key, ConsoleModifiers modifiers, string after)
    {
        LineBuffer buffer = new([]);
        string[] parts = before.Split('|');
        Type(buffer, parts[0] + parts[1]);
        while (buffer.Cursor > parts[0].Length)
            buffer.Apply(new ConsoleKeyInfo('\0', ConsoleKey.LeftArrow, false, false, false));
        buffer.Apply(new ConsoleKeyInfo('\0', key, false, modifiers.HasFlag(Alt), modifiers.HasFlag(Control)));
        Assert.Equal(after, buffer.Text.Insert(buffer.Cursor, "|"));
    }

    [Fact]
    public void TheHistoryEndsInWhatWasBegun()
    {
        LineBuffer buffer = new(["first", "second"]);
        Type(buffer, "begun");
        List<string> seen = [];
        foreach (ConsoleKey key in (ConsoleKey[])[ConsoleKey.UpArrow, ConsoleKey.UpArrow, ConsoleKey.UpArrow, ConsoleKey.DownArrow, ConsoleKey.DownArrow, ConsoleKey.DownArrow])
        {
            buffer.Apply(new ConsoleKeyInfo('\0', key, false, false, false));
            seen.Add(buffer.Text);
        }

        Assert.Equal(["second", "first", "first", "second", "begun", "begun"], seen);
    }

    [Fact]
    public void CharactersOfAltGrAreTyped()
    {
        LineBuffer buffer = new([]);
        buffer.Apply(new ConsoleKeyInfo('@', ConsoleKey.Q, false, alt: true, control: true));
        Assert.Equal("@", buffer.Text);
    }

    private static void Type(LineBuffer buffer, string text)
    {
        foreach (char character in text)
            buffer.Apply(new ConsoleKeyInfo(character, character == '\n' ? ConsoleKey.Enter : ConsoleKey.None, false, false, false));
    }
}
