using EmbeddedLlm.Package.Tests;
using EmbeddedLlm.Tests;

[assembly: AssemblyFixture(typeof(PackageFeed))]

namespace EmbeddedLlm.Package.Tests;

/// <summary>The packages, made once into a temporary folder that serves as a feed, and applications that use nothing but them.</summary>
public sealed class PackageFeed : IAsyncLifetime
{
    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("embeddedllm-packages");

    /// <summary>The folder with the packages.</summary>
    public string Folder => Path.Combine(_root.FullName, "feed");

    public async ValueTask InitializeAsync()
    {
        foreach (string project in (string[])["EmbeddedLlm", "EmbeddedLlm.Runtime.Cpu", "EmbeddedLlm.Starter"])
        {
            // Built apart, so that the repository's own outputs stay as they are; only what npm has fetched is shared.
            await Tool.DotnetAsync(
                SharedData.RepositoryRoot,
                "pack",
                Path.Combine("src", project),
                "-c",
                "Release",
                "-o",
                Folder,
                "--artifacts-path",
                Path.Combine(_root.FullName, "artifacts"),
                $"-p:NativeFetchRoot={Path.Combine(SharedData.RepositoryRoot, "src", "EmbeddedLlm.Runtime.Cpu", "obj", "npm")}/");
        }
    }

    /// <summary>Writes a new console application with the README's sample, which knows the packages by name alone.</summary>
    /// <param name="name">The application's name.</param>
    /// <param name="properties">MSBuild properties of its project.</param>
    /// <returns>Its folder.</returns>
    internal async Task<string> CreateApplicationAsync(string name, string properties)
    {
        string folder = _root.CreateSubdirectory(name).FullName;
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
                <!-- A package folder of its own, so that no older package of the same version is taken; the machine's serves for all others. -->
                <RestorePackagesPath>{Path.Combine(_root.FullName, "restored")}</RestorePackagesPath>
                <RestoreFallbackFolders>{known}</RestoreFallbackFolders>
                <RestoreAdditionalProjectSources>{Folder}</RestoreAdditionalProjectSources>
                {properties}
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="EmbeddedLlm" Version="*-*" />
                <PackageReference Include="EmbeddedLlm.Runtime.Cpu" Version="*-*" />
                <PackageReference Include="EmbeddedLlm.Starter" Version="*-*" />
              </ItemGroup>
            </Project>
            """);
        File.Copy(Path.Combine(SharedData.RepositoryRoot, "tests", "EmbeddedLlm.Package.Tests", "Sample", "Program.cs"), Path.Combine(folder, "Program.cs"));
        return folder;
    }

    public ValueTask DisposeAsync()
    {
        _root.Delete(recursive: true);
        return ValueTask.CompletedTask;
    }
}
