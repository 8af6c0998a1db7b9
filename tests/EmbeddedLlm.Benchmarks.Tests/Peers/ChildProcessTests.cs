using System.Diagnostics;
using EmbeddedLlm.Benchmarks.Peers;

namespace EmbeddedLlm.Benchmarks.Tests.Peers;

public sealed class ChildProcessTests : IDisposable
{
    private readonly FakePrograms _programs = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task TheOutputIsReadWithoutItsByteOrderMark()
    {
        string program = _programs.AddShell("speaks", """printf '\357\273\277{"text":"3 × %s"}' "$1" """);
        Assert.Equal("""{"text":"3 × a b"}""", await ChildProcess.RunAsync(program, ["a b"], Cancel));
    }

    [Fact]
    public async Task TheLocaleIsTheSameEverywhere()
    {
        string program = _programs.AddShell("locale", """printf '%s %s' "$LC_ALL" "$LANG" """);
        Assert.Equal("C C", await ChildProcess.RunAsync(program, [], Cancel, environment: null));
    }

    [Fact]
    public async Task AFailureHasTheExitCodeAndWhatWasSaid()
    {
        string program = _programs.AddShell("fails", "echo 'no such model' >&2\nexit 7");
        PeerException failure = await Assert.ThrowsAsync<PeerException>(() => ChildProcess.RunAsync(program, [], Cancel));
        Assert.Equal("failed: fails ended with exit code 7: no such model", failure.Message);
    }

    [Fact]
    public async Task WhatIsNoProgramFails()
    {
        string program = _programs.PathOf("nothing");
        await Assert.ThrowsAsync<PeerException>(() => ChildProcess.RunAsync(program, [], Cancel));
        Assert.StartsWith("could not be started: ", Assert.Throws<PeerException>(() => ChildProcess.Start(program, [], readsInput: true)).Message);
    }

    [Fact]
    public async Task DisposalEndsTheProgramAndWhatItStarted()
    {
        // Both hold the pipe, which ends when the last of them has ended.
        string pipe = await MakePipeAsync();
        string program = _programs.AddShell("parent", $"""sh -c 'echo child; exec sleep 600' > "{pipe}" & echo parent > "{pipe}"; exec sleep 600 > "{pipe}" """);
        ChildProcess child = ChildProcess.Start(program, []);
        Task<string> said = File.ReadAllTextAsync(pipe, Cancel);
        await Task.WhenAny(said, Task.Delay(300, Cancel));
        Assert.False(said.IsCompleted);
        await child.DisposeAsync();
        await said.WaitAsync(TimeSpan.FromSeconds(30), Cancel);
    }

    [Fact]
    public async Task AProgramEndsWhereNobodyHoldsItsInputAnyMore()
    {
        string pipe = await MakePipeAsync();
        string program = _programs.AddShell("orphan", $"""echo $$; exec sleep 600 > "{pipe}" """);
        ChildProcess child = ChildProcess.Start(program, []);
        Task<string> held = File.ReadAllTextAsync(pipe, Cancel);
        child.CloseInput();
        await held.WaitAsync(TimeSpan.FromSeconds(30), Cancel);
        await child.DisposeAsync();
    }

    [Fact]
    public async Task LinesAreAskedAndAnswered()
    {
        string program = _programs.AddShell("echoes", """while read -r line; do echo "got $line"; done""");
        await using ChildProcess child = ChildProcess.Start(program, [], readsInput: true);
        Assert.Equal("got eins", await child.AskAsync("eins", Cancel));
        Assert.Equal("got zwölf", await child.AskAsync("zwölf", Cancel));
    }

    [Fact]
    public async Task AnEndedProgramIsAFailureToAsk()
    {
        string program = _programs.AddShell("dies", "read -r line; echo 'out of memory' >&2; exit 3");
        await using ChildProcess child = ChildProcess.Start(program, [], readsInput: true);
        PeerException failure = await Assert.ThrowsAsync<PeerException>(() => child.AskAsync("hello", Cancel));
        Assert.Equal("failed: dies ended with exit code 3: out of memory", failure.Message);
    }

    public void Dispose() => _programs.Dispose();

    private async Task<string> MakePipeAsync()
    {
        string pipe = _programs.PathOf("pipe");
        using Process process = Process.Start("mkfifo", [pipe]);
        await process.WaitForExitAsync(Cancel);
        return pipe;
    }
}
