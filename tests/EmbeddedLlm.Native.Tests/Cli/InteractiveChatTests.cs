using System.Globalization;
using System.Text.RegularExpressions;
using EmbeddedLlm.SyntheticModels;

namespace EmbeddedLlm.Native.Tests.Cli;

public sealed partial class InteractiveChatTests
{
    private const string Prompt = "> ";
    private const string CtrlC = "\x03";
    private const string CtrlD = "\x04";
    private const string Up = "\e[A";
    private const string Left = "\e[D";

    [Fact]
    public async Task APromptIsAnsweredAndAskedForAgain()
    {
        using TerminalSession session = new("chat");
        await session.UntilAsync(Prompt);
        session.Type("Count to five.\r");
        await session.UntilAsync("1, 2, 3, 4, 5.");
        await session.UntilAsync("first token");
        await session.UntilAsync(Prompt);
        session.Type("/exit\r");
        Assert.Equal(0, (await session.EndAsync()).ExitCode);
    }

    [Fact]
    public async Task TheConversationIsKeptUntilReset()
    {
        using TerminalSession session = new("chat");
        await session.UntilAsync(Prompt);
        int first = await AskAsync(session);
        int second = await AskAsync(session);
        session.Type("/reset\r");
        await session.UntilAsync("forgotten");
        await session.UntilAsync(Prompt);
        int third = await AskAsync(session);
        Assert.True(second > first, $"{second} tokens after {first}");
        Assert.Equal(first, third);

        static async Task<int> AskAsync(TerminalSession session)
        {
            session.Type("Hello\r");
            string shown = await session.UntilAsync("first token");
            await session.UntilAsync(Prompt);
            return int.Parse(PromptTokens().Match(shown).Groups[1].Value, CultureInfo.InvariantCulture);
        }
    }

    [Fact]
    public async Task CtrlCStopsTheAnswerAndNotTheProgram()
    {
        using TemporaryFolder folder = new();
        string model = folder.PathOf("endless.gguf");
        SyntheticModel.Write(model, SyntheticShape.Tiny with { ContextLength = 1 << 20 }, SyntheticVocabulary.ByteLevel(512));
        using TerminalSession session = new("chat", "--model", model, "--context", "200000", "--temperature", "0");
        await session.UntilAsync(Prompt);
        session.Type("Hello\r");
        await session.UntilAsync("Hello");
        await session.UntilAsync(300);
        session.Type(CtrlC);
        await session.UntilAsync("stopped");
        await session.UntilAsync(Prompt);
        session.Type("/exit\r");
        Assert.Equal(0, (await session.EndAsync()).ExitCode);
    }

    [Fact]
    public async Task CtrlCAtThePromptSaysHowToLeaveAndThenLeaves()
    {
        using TerminalSession session = new("chat");
        await session.UntilAsync(Prompt);
        session.Type(CtrlC);
        await session.UntilAsync("once more leaves");
        await session.UntilAsync(Prompt);
        session.Type(CtrlC);
        Assert.Equal(0, (await session.EndAsync()).ExitCode);
    }

    [Fact]
    public async Task CtrlDLeaves()
    {
        using TerminalSession session = new("chat");
        await session.UntilAsync(Prompt);
        session.Type(CtrlD);
        Assert.Equal(0, (await session.EndAsync()).ExitCode);
    }

    [Fact]
    public async Task AnEarlierPromptComesBackAndCanBeChanged()
    {
        using TerminalSession session = new("chat");
        await session.UntilAsync(Prompt);
        session.Type("Count to fve.\r");
        await session.UntilAsync("first token");
        await session.UntilAsync(Prompt);
        session.Type(Up + string.Concat(Enumerable.Repeat(Left, "ve.".Length)));
        session.Type("i\r");
        await session.UntilAsync("Count to five.");
        await session.UntilAsync("1, 2, 3, 4, 5.");
    }

    [Fact]
    public async Task AnUnknownCommandIsNamed()
    {
        using TerminalSession session = new("chat");
        await session.UntilAsync(Prompt);
        session.Type("/bogus\r");
        await session.UntilAsync("There is no command /bogus.");
    }

    [Fact]
    public async Task AConversationBeyondTheContextIsRefusedAndCanBeReset()
    {
        using TerminalSession session = new("chat", "--context", "24");
        await session.UntilAsync(Prompt);
        session.Type("Count to five.\r");
        await session.UntilAsync("first token");
        await session.UntilAsync(Prompt);
        session.Type("Count to five.\r");
        await session.UntilAsync("/reset forgets the conversation.");
        await session.UntilAsync(Prompt);
        session.Type("/reset\r");
        await session.UntilAsync(Prompt);
        session.Type("Count to five.\r");
        await session.UntilAsync("first token");
    }

    [GeneratedRegex("prompt ([0-9]+) tokens")]
    private static partial Regex PromptTokens();
}
