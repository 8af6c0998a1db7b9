using EmbeddedLlm.Benchmarks.Peers;

namespace EmbeddedLlm.Benchmarks.Tests.Peers;

public sealed class ExecutableTests : IDisposable
{
    private readonly FakePrograms _programs = new();

    [Fact]
    public void AProgramIsFoundOnThePath()
    {
        string program = _programs.AddShell("tool", "");
        Assert.Equal(program, Executable.Find("tool", $"/no-such-folder{Path.PathSeparator}{Path.GetDirectoryName(program)}"));
    }

    [Fact]
    public void AFileThatCannotBeRunIsNoProgram()
    {
        File.WriteAllText(_programs.PathOf("text"), "");
        Assert.Null(Executable.Find("text", _programs.Settings.SearchPath));
    }

    [Fact]
    public void WhatIsMissingIsNamed()
    {
        PeerException missing = Assert.Throws<PeerException>(() => Executable.Require("llama-server", _programs.Settings.SearchPath));
        Assert.Equal("not found: there is no llama-server on the PATH", missing.Message);
    }

    public void Dispose() => _programs.Dispose();
}
