using System.Runtime.InteropServices;

namespace EmbeddedLlm.Package.Tests;

/// <summary>Wherever an application has its packages' files, the GPU backends are found, and one that cannot be used is told and does no harm.</summary>
public sealed class GpuApplicationTests(PackageFeed feed)
{
    private const string Code = """
        using EmbeddedLlm;
        RuntimeDescription runtime = EmbeddedRuntime.Describe();
        foreach (UnusableBackend backend in runtime.UnusableBackends)
            Console.WriteLine($"{backend.Backend} {Path.GetRelativePath(runtime.Folder, Path.GetDirectoryName(backend.Path!)!)} {backend.Reason.Contains("no library")}");
        Console.WriteLine(string.Join(' ', runtime.Devices.Select(device => device.Name)));
        """;

    private static readonly string[] GpuPackages = ["EmbeddedLlm.Runtime.Cuda", "EmbeddedLlm.Runtime.Cuda12", "EmbeddedLlm.Runtime.Vulkan"];

    private static string Rid => $"{(OperatingSystem.IsWindows() ? "win" : "linux")}-x64";

    [Fact]
    public async Task AnApplicationFindsTheBackendsBesideItself()
    {
        string folder = await CreateAsync("Beside", "");
        await Tool.DotnetAsync(folder, "build", "-c", "Release", "-o", "out");
        Assert.Equal(["cuda . True", "cuda12 . True", "vulkan . True", "CPU"], await RunAsync(folder, "Beside"));
    }

    [Fact]
    public async Task ASingleFileApplicationDoesSoToo()
    {
        string folder = await CreateAsync("OneFile", "<PublishSingleFile>true</PublishSingleFile><SelfContained>false</SelfContained>");
        await Tool.DotnetAsync(folder, "publish", "-c", "Release", "-r", Rid, "-o", "out");
        Assert.Equal(["cuda . True", "cuda12 . True", "vulkan . True", "CPU"], await RunAsync(folder, "OneFile"));
    }

    /// <summary>Nothing is copied: each package's files stay in a folder of its own.</summary>
    [Fact]
    public async Task AnApplicationThatRunsFromThePackageCacheFindsThemInTheirPackages()
    {
        string folder = await CreateAsync("Cached", "<CopyLocalLockFileAssemblies>false</CopyLocalLockFileAssemblies><GenerateRuntimeConfigDevFile>true</GenerateRuntimeConfigDevFile>");
        await Tool.DotnetAsync(folder, "build", "-c", "Release", "-o", "out");
        Assert.False(Directory.Exists(Path.Combine(folder, "out", "runtimes")));
        string[] lines = await RunAsync(folder, "Cached");
        Assert.Equal(["cuda", "cuda12", "vulkan", "CPU"], lines.Select(line => line.Split(' ')[0]));
        string system = OperatingSystem.IsWindows() ? "windows" : "linux";
        Assert.Contains($"embeddedllm.runtime.cuda.{system}", lines[0], StringComparison.Ordinal);
        Assert.Contains($"embeddedllm.runtime.cuda12.{system}", lines[1], StringComparison.Ordinal);
        Assert.Contains("embeddedllm.runtime.vulkan", lines[2], StringComparison.Ordinal);
    }

    private async Task<string> CreateAsync(string name, string properties)
    {
        Assert.SkipUnless(!OperatingSystem.IsMacOS() && RuntimeInformation.ProcessArchitecture == Architecture.X64, "there are backends for Windows and Linux on x64");
        string folder = await feed.CreateApplicationAsync(name, properties, GpuPackages);
        await File.WriteAllTextAsync(Path.Combine(folder, "Program.cs"), Code, TestContext.Current.CancellationToken);
        return folder;
    }

    private static async Task<string[]> RunAsync(string folder, string name) =>
        (await Tool.RunAsync(Path.Combine(folder, "out", OperatingSystem.IsWindows() ? name + ".exe" : name), folder)).TrimEnd().Split('\n', StringSplitOptions.TrimEntries);
}
