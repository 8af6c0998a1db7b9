using System.Runtime.InteropServices;
using EmbeddedLlm.Tests;

namespace EmbeddedLlm.Package.Tests;

public sealed class ApplicationTests(PackageFeed feed)
{
    private const string Answer = "1, 2, 3, 4, 5.";

    [Fact]
    public async Task ANewApplicationReadsAStreamedAnswerFromThePackagesAlone()
    {
        string folder = await feed.CreateApplicationAsync("Plain", "");
        await Tool.DotnetAsync(folder, "build", "-c", "Release", "-o", "out");
        Assert.Equal(Answer, (await Tool.RunAsync(Executable(folder, "Plain"), folder)).Trim());
    }

    [Fact]
    public async Task ASingleFileApplicationDoesSoToo()
    {
        string folder = await feed.CreateApplicationAsync("Single", "<PublishSingleFile>true</PublishSingleFile><SelfContained>false</SelfContained>");
        await Tool.DotnetAsync(folder, "publish", "-c", "Release", "-r", Rid, "-o", "out");
        Assert.Equal(Answer, (await Tool.RunAsync(Executable(folder, "Single"), folder)).Trim());
    }

    [Fact]
    public async Task AnApplicationCompiledAheadOfTimeDoesSoTooAndNothingIsWarnedOf()
    {
        Assert.SkipUnless(HasLinker(), "ahead-of-time compilation needs clang or gcc");
        string folder = await feed.CreateApplicationAsync("Ahead", "<PublishAot>true</PublishAot><InvariantGlobalization>true</InvariantGlobalization>");
        string log = await Tool.DotnetAsync(folder, "publish", "-c", "Release", "-r", Rid, "-o", "out");
        Assert.DoesNotContain("warning", log, StringComparison.OrdinalIgnoreCase);
        Assert.False(File.Exists(Path.Combine(folder, "out", "Ahead.dll")));
        Assert.Equal(Answer, (await Tool.RunAsync(Executable(folder, "Ahead"), folder)).Trim());
    }

    [Fact]
    public async Task TheReadmesSampleIsTheOneThatRunsHere()
    {
        string readme = await File.ReadAllTextAsync(Path.Combine(SharedData.RepositoryRoot, "README.md"), TestContext.Current.CancellationToken);
        string sample = await File.ReadAllTextAsync(
            Path.Combine(SharedData.RepositoryRoot, "tests", "EmbeddedLlm.Package.Tests", "Sample", "Program.cs"), TestContext.Current.CancellationToken);
        Assert.Contains($"<!-- sample -->\n```csharp\n{sample}```", readme.ReplaceLineEndings("\n"), StringComparison.Ordinal);
    }

    private static string Rid =>
        $"{(OperatingSystem.IsWindows() ? "win" : OperatingSystem.IsMacOS() ? "osx" : "linux")}-{RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant()}";

    private static string Executable(string folder, string name) => Path.Combine(folder, "out", OperatingSystem.IsWindows() ? name + ".exe" : name);

    private static bool HasLinker() =>
        !OperatingSystem.IsLinux() || Environment.GetEnvironmentVariable("PATH")!.Split(':').Any(path => File.Exists(Path.Combine(path, "clang")) || File.Exists(Path.Combine(path, "gcc")));
}
