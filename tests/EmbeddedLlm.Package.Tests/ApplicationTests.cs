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
        Assert.Equal(Answer, await RunAsync(folder, "Plain"));
    }

    [Fact]
    public async Task ASingleFileApplicationDoesSoToo()
    {
        string folder = await feed.CreateApplicationAsync("Single", "<PublishSingleFile>true</PublishSingleFile><SelfContained>false</SelfContained>");
        await Tool.DotnetAsync(folder, "publish", "-c", "Release", "-r", Rid, "-o", "out");
        Assert.Empty(Directory.GetFiles(Path.Combine(folder, "out"), "EmbeddedLlm*.dll"));
        Assert.Equal(Answer, await RunAsync(folder, "Single"));
    }

    [Fact]
    public async Task ASingleFileThatExtractsAllItsContentNeedsNothingBesideIt()
    {
        string folder = await feed.CreateApplicationAsync(
            "Extracted", "<PublishSingleFile>true</PublishSingleFile><SelfContained>false</SelfContained><IncludeAllContentForSelfExtract>true</IncludeAllContentForSelfExtract>");
        await Tool.DotnetAsync(folder, "publish", "-c", "Release", "-r", Rid, "-o", "out", "-p:DebugType=none");
        Assert.Single(Directory.GetFileSystemEntries(Path.Combine(folder, "out")));
        Assert.Equal(Answer, await RunAsync(folder, "Extracted"));
    }

    [Fact]
    public async Task AnApplicationCompiledAheadOfTimeDoesSoTooAndNothingIsWarnedOf()
    {
        Assert.SkipUnless(HasLinker(), "ahead-of-time compilation needs a C linker: clang or gcc, or Visual Studio's on Windows");
        string folder = await feed.CreateApplicationAsync("Ahead", "<PublishAot>true</PublishAot>");
        string log = await Tool.DotnetAsync(folder, "publish", "-c", "Release", "-r", Rid, "-o", "out");
        Assert.DoesNotContain("warning", log, StringComparison.OrdinalIgnoreCase);
        Assert.False(File.Exists(Path.Combine(folder, "out", "Ahead.dll")));
        Assert.Equal(Answer, await RunAsync(folder, "Ahead"));
    }

    [Fact]
    public async Task TheCommandLineInstalledAsAToolAnswers()
    {
        string folder = feed.CreateFolder("Command");
        await Tool.RunAsync("dotnet", folder, "tool", "install", "EmbeddedLlm.Cli", "--version", feed.Version, "--tool-path", ".", "--add-source", feed.Folder);
        string answer = await Tool.RunAsync(Path.Combine(folder, "embeddedllm" + (OperatingSystem.IsWindows() ? ".exe" : "")), folder, "chat", "Count to five.");
        Assert.Equal(Answer, answer.Trim());
    }

    [Fact]
    public async Task TheReadmesSampleIsTheOneThatRunsHere()
    {
        string readme = await File.ReadAllTextAsync(Path.Combine(SharedData.RepositoryRoot, "README.md"), TestContext.Current.CancellationToken);
        string sample = await File.ReadAllTextAsync(PackageFeed.SamplePath, TestContext.Current.CancellationToken);
        Assert.Contains($"<!-- sample -->\n```csharp\n{sample.ReplaceLineEndings("\n")}```", readme.ReplaceLineEndings("\n"), StringComparison.Ordinal);
    }

    private static string Rid =>
        $"{(OperatingSystem.IsWindows() ? "win" : OperatingSystem.IsMacOS() ? "osx" : "linux")}-{RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant()}";

    private static async Task<string> RunAsync(string folder, string name) =>
        (await Tool.RunAsync(Path.Combine(folder, "out", OperatingSystem.IsWindows() ? name + ".exe" : name), folder)).Trim();

    /// <summary>Looks where the SDK does.</summary>
    private static bool HasLinker()
    {
        if (OperatingSystem.IsWindows())
            return File.Exists(Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.ProgramFilesX86), "Microsoft Visual Studio", "Installer", "vswhere.exe"));

        string[] folders = Environment.GetEnvironmentVariable("PATH")?.Split(Path.PathSeparator) ?? [];
        string[] linkers = OperatingSystem.IsMacOS() ? ["clang"] : ["clang", "gcc"];
        return folders.Any(folder => linkers.Any(linker => File.Exists(Path.Combine(folder, linker))));
    }
}
