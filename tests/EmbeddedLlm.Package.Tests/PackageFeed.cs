using EmbeddedLlm.Package.Tests;
using EmbeddedLlm.Tests;

[assembly: AssemblyFixture(typeof(PackageFeed))]

namespace EmbeddedLlm.Package.Tests;

/// <summary>The packages, made once into a temporary folder that serves as a feed, and applications that use nothing but them.</summary>
public sealed class PackageFeed : IAsyncLifetime
{
    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("embeddedllm-packages");

    /// <summary>The packages that are made here.</summary>
    public static IReadOnlyList<string> Packages { get; } =
    [
        "EmbeddedLlm", "EmbeddedLlm.Runtime.Cpu", "EmbeddedLlm.Starter", "EmbeddedLlm.Cli", "EmbeddedLlm.Runtime.Vulkan",
        "EmbeddedLlm.Runtime.Cuda", "EmbeddedLlm.Runtime.Cuda.Linux", "EmbeddedLlm.Runtime.Cuda.Windows",
        "EmbeddedLlm.Runtime.Cuda12", "EmbeddedLlm.Runtime.Cuda12.Linux", "EmbeddedLlm.Runtime.Cuda12.Windows",
    ];

    /// <summary>The folder with the packages.</summary>
    public string Folder => Path.Combine(_root.FullName, "feed");

    /// <summary>The packages' version, which no other feed and no cache can have.</summary>
    public string Version { get; } = $"0.0.0-test.{Guid.NewGuid():N}";

    /// <summary>The project whose sample the applications run.</summary>
    internal static string SamplePath => Path.Combine(SharedData.RepositoryRoot, "tests", "EmbeddedLlm.Package.Tests", "Sample", "Program.cs");

    public async ValueTask InitializeAsync()
    {
        try
        {
            GpuStandIns.Write(StandInFolder);
            // The others are made along with these.
            foreach (string package in Packages.Where(package => Directory.Exists(Path.Combine(SharedData.RepositoryRoot, "src", package))))
                await PackAsync(package);

            // Nothing above the temporary folder has a say in how the applications are built.
            foreach (string file in (string[])["Directory.Build.props", "Directory.Build.targets", "Directory.Packages.props"])
                await File.WriteAllTextAsync(Path.Combine(_root.FullName, file), "<Project />");
        }
        catch
        {
            _root.Delete(recursive: true);
            throw;
        }
    }

    public ValueTask DisposeAsync()
    {
        _root.Delete(recursive: true);
        return ValueTask.CompletedTask;
    }

    private string StandInFolder => Path.Combine(_root.FullName, "stand-ins");

    /// <summary>The file of a package.</summary>
    internal string PathOf(string package, string extension = ".nupkg") => Path.Combine(Folder, $"{package}.{Version}{extension}");

    /// <summary>Makes an empty folder.</summary>
    internal string CreateFolder(string name) => _root.CreateSubdirectory(name).FullName;

    /// <summary>Writes a new console application with the README's sample, which knows the packages by name alone.</summary>
    /// <param name="name">The application's name.</param>
    /// <param name="properties">MSBuild properties of its project.</param>
    /// <param name="packages">Packages beside the usual ones.</param>
    /// <returns>Its folder.</returns>
    internal async Task<string> CreateApplicationAsync(string name, string properties, params string[] packages)
    {
        string folder = CreateFolder(name);
        string known = (await Tool.RunAsync("dotnet", folder, "nuget", "locals", "global-packages", "--list")).Split(": ", 2)[1].Trim();
        await File.WriteAllTextAsync(
            Path.Combine(folder, $"{name}.csproj"),
            $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <ImplicitUsings>enable</ImplicitUsings>
                <Nullable>enable</Nullable>
                <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
                <NuGetAudit>false</NuGetAudit>
                <!-- What is made here is unpacked here, not into the machine's package folder, which serves for all others. -->
                <RestorePackagesPath>{Path.Combine(_root.FullName, "restored")}</RestorePackagesPath>
                <RestoreFallbackFolders Condition="Exists('{known}')">{known}</RestoreFallbackFolders>
                <RestoreAdditionalProjectSources>{Folder}</RestoreAdditionalProjectSources>
                {properties}
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="EmbeddedLlm" Version="[{Version}]" />
                <PackageReference Include="EmbeddedLlm.Runtime.Cpu" Version="[{Version}]" />
                <PackageReference Include="EmbeddedLlm.Starter" Version="[{Version}]" />
                {string.Concat(packages.Select(package => $"""<PackageReference Include="{package}" Version="[{Version}]" />"""))}
              </ItemGroup>
            </Project>
            """);
        File.Copy(SamplePath, Path.Combine(folder, "Program.cs"));
        return folder;
    }

    /// <summary>Builds apart, so that the repository's own outputs stay as they are; only what npm has fetched is shared. The analyzers have had their say there.</summary>
    private async Task PackAsync(string package) => await Tool.DotnetAsync(
        SharedData.RepositoryRoot,
        "pack",
        Path.Combine("src", package),
        "-c",
        "Release",
        "-o",
        Folder,
        "--artifacts-path",
        Path.Combine(_root.FullName, "artifacts"),
        $"-p:PackageVersion={Version}",
        "-p:RunAnalyzers=false",
        $"-p:NativeFetchRoot={(GpuStandIns.Replace(package) ? StandInFolder : Path.Combine(SharedData.RepositoryRoot, "src", "EmbeddedLlm.Runtime.Cpu", "obj", "npm"))}/");
}
