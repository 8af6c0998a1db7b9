using System.Diagnostics;
using EmbeddedLlm.Tests;

namespace EmbeddedLlm.Benchmarks.Tests;

/// <summary>What <c>-p:EmbeddedLlmGpu</c> takes: the backends that <c>pack.sh</c> and the README name.</summary>
public sealed class GpuPropertyTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("cuda", true)]
    [InlineData("cuda12", true)]
    [InlineData("vulkan", true)]
    [InlineData("cuda+cuda12", true)]
    [InlineData("cuda12+vulkan+cuda", true)]
    [InlineData("cuda1", false)]
    [InlineData("cuda++vulkan", false)]
    [InlineData("nvidia", false)]
    public async Task TheBackendsThatThereAreAreTakenAndOthersRefused(string value, bool isTaken)
    {
        string properties = Path.Combine(SharedData.RepositoryRoot, "src", "EmbeddedLlm.Runtime.Cpu", "GpuReferences.props");
        string project = _folder.File("check.proj");
        await File.WriteAllTextAsync(project, $"<Project><Import Project=\"{properties}\" /></Project>", TestContext.Current.CancellationToken);
        ProcessStartInfo start = new("dotnet", ["msbuild", project, "-nologo", "-nodeReuse:false", "-t:CheckEmbeddedLlmGpu", $"-p:EmbeddedLlmGpu={value}"])
        {
            WorkingDirectory = Path.GetDirectoryName(project),
            RedirectStandardOutput = true,
        };
        // What an outer build or test run has set is not for the inner one.
        foreach (string name in start.Environment.Keys.Where(name => name.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase)).ToArray())
            start.Environment.Remove(name);

        using Process process = Process.Start(start)!;
        string output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);

        Assert.True(process.ExitCode == 0 == isTaken, output);
        Assert.Equal(!isTaken, output.Contains("EMBEDDEDLLM007", StringComparison.Ordinal));
    }
}
