using EmbeddedLlm.Gguf;
using EmbeddedLlm.Native.Tests.Interop;
using EmbeddedLlm.SyntheticModels;

namespace EmbeddedLlm.Native.Tests.Cli;

public sealed class AdapterArgumentTests
{
    [Fact]
    public async Task AnAdapterWorksAsStronglyAsItIsAskedTo()
    {
        using TemporaryFolder folder = new();
        string path = folder.PathOf("a:b.gguf");
        new SyntheticAdapter().Write(path, GgufFile.Open(TestPaths.Starter));
        Assert.Equal("1, 2, 3, 4, 5.", (await ChatAsync("--lora", $"{path}:0")).Output.TrimEnd());
        Assert.NotEqual("1, 2, 3, 4, 5.", (await ChatAsync("--lora", path)).Output.TrimEnd());
        Assert.NotEqual("1, 2, 3, 4, 5.", (await ChatAsync("--lora", $"{path}:0", "--lora", $"{path}:-1.5")).Output.TrimEnd());
    }

    [Fact]
    public async Task AFileThatIsNoAdapterIsAFailure()
    {
        CliResult result = await ChatAsync("--lora", TestPaths.Starter);
        Assert.StartsWith($"error: '{TestPaths.Starter}' is not a valid GGUF file: the key 'general.type' is missing", result.Error);
        Assert.Equal(("", 1), (result.Output, result.ExitCode));
    }

    private static Task<CliResult> ChatAsync(params string[] adapters) => CliProcess.RunAsync(["chat", "Count to five.", "--temperature", "0", "--max-tokens", "24", .. adapters]);
}
