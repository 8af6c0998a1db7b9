using EmbeddedLlm.Benchmarks.Peers;

namespace EmbeddedLlm.Benchmarks.Tests.Peers;

/// <summary>A folder of programs that answer as real ones do: scripts of the shell or of Node.js.</summary>
internal sealed class FakePrograms : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("embeddedllm-peers-").FullName;

    public FakePrograms() => Assert.SkipWhen(OperatingSystem.IsWindows(), "The programs are scripts of a Unix shell.");

    /// <summary>Settings whose programs are these.</summary>
    public PeerSettings Settings => new("model file.gguf", Threads: 2, ContextLength: 1024, BatchSize: 512, Sequences: 8, Device: "cpu") { SearchPath = _folder };

    public string PathOf(string name) => Path.Combine(_folder, name);

    /// <summary>Adds a script of the shell.</summary>
    public string AddShell(string name, string script) => Add(name, $"#!/bin/sh\n{script}");

    /// <summary>Adds a script of Node.js.</summary>
    public string AddNode(string name, string script)
    {
        string? node = Executable.Find("node", searchPath: null);
        Assert.SkipWhen(node is null, "There is no Node.js.");
        return Add(name, $"#!{node}\n{script}");
    }

    /// <summary>The lines of a file that a program wrote beside itself.</summary>
    public string[] LinesOf(string name) => File.ReadAllLines(PathOf(name));

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string Add(string name, string script)
    {
        string path = PathOf(name);
        File.WriteAllText(path, script.ReplaceLineEndings("\n"));
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return path;
    }
}
