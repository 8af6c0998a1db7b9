using EmbeddedLlm.Cli;

namespace EmbeddedLlm.Native.Tests.Cli;

public sealed class TerminalTextTests
{
    [Theory]
    [InlineData("plain, \t日本語 👍\n", "plain, \t日本語 👍\n")]
    [InlineData("\e]0;title\a", "␛]0;title␇")]
    [InlineData("\0\x7F", "␀␡")]
    [InlineData("\u009B31m", "\uFFFD31m")]
    [InlineData("over\rwritten\r\n", "overwritten\n")]
    [InlineData("\r", "")]
    [InlineData("[red]no markup[/]", "[red]no markup[/]")]
    public void ControlCharactersBecomeVisible(string text, string expected) => Assert.Equal(expected, TerminalText.Clean(text));
}
