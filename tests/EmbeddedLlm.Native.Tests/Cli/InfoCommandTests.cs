namespace EmbeddedLlm.Native.Tests.Cli;

public sealed class InfoCommandTests(StarterModelFixture starter)
{
    [Fact]
    public async Task EachFactIsALine()
    {
        CliResult result = await CliProcess.RunAsync("info");
        string[] lines = result.Output.TrimEnd().ReplaceLineEndings("\n").Split('\n');
        Assert.Equal(0, result.ExitCode);
        Assert.Equal($"Model            {starter.Model.Id}", lines[0]);
        Assert.Contains($"File             {Path.Combine(CliProcess.Folder, "models", "starter.gguf")}", lines);
        Assert.Contains("Architecture     llama", lines);
        Assert.Contains("Parameters       0.92 M", lines);
        Assert.Contains("Chat template    yes", lines);
        Assert.All(lines, line => Assert.Equal(line.TrimEnd(), line));
    }

    /// <summary>llama.cpp reads no more of it.</summary>
    [Fact]
    public async Task TheArchitectureEndsAtAZeroByte()
    {
        using TemporaryFolder folder = new();
        string path = StarterCopy.Write(folder, ["general.architecture"], writer => writer.Add("general.architecture", "llama\0x"));
        CliResult result = await CliProcess.RunAsync("info", "--model", path);
        string[] lines = result.Output.TrimEnd().ReplaceLineEndings("\n").Split('\n');
        Assert.Contains("Architecture     llama", lines);
        Assert.Contains("Trained context  512 tokens", lines);
    }

    [Fact]
    public async Task TheContextIsTheOneAskedFor()
    {
        CliResult result = await CliProcess.RunAsync("info", "--context", "300");
        Assert.Contains("Context          300 tokens", result.Output);
    }

    [Fact]
    public async Task AMissingFileIsAFailure()
    {
        CliResult result = await CliProcess.RunAsync("info", "--model", "no/such/file.gguf");
        Assert.Equal(("", 1), (result.Output, result.ExitCode));
        Assert.StartsWith("error: There is no file '", result.Error);
    }
}
