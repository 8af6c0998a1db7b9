using System.IO.Compression;
using System.Text;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using EmbeddedLlm.Tests;

namespace EmbeddedLlm.Package.Tests;

public sealed class ContentTests(PackageFeed feed)
{
    public static TheoryData<string> Packages => [.. PackageFeed.Packages];

    /// <summary>In the package for applications, and in the tool, which brings them along.</summary>
    [Theory]
    [InlineData("win-x64", "llama.v*.dll", "ggml.v*.dll", "ggml-base.dll", "ggml-cpu*.dll")]
    [InlineData("win-arm64", "llama.v*.dll", "ggml.v*.dll", "ggml-base.dll", "ggml-cpu*.dll")]
    [InlineData("linux-x64", "libllama.v*.so", "libggml.v*.so", "libggml-base.so", "libggml-cpu*.so")]
    [InlineData("linux-arm64", "libllama.v*.so", "libggml.v*.so", "libggml-base.so", "libggml-cpu*.so")]
    [InlineData("osx-x64", "libllama.v*.dylib", "libggml.v*.dylib", "libggml-base.dylib", "libggml-cpu*.so")]
    [InlineData("osx-arm64", "libllama.metal.v*.dylib", "libggml.metal.v*.dylib", "libggml-base.dylib", "libggml-cpu*.so", "libggml-metal.so")]
    public void TheLibrariesOfEachPlatformArePacked(string rid, params string[] patterns)
    {
        foreach ((string package, string folder) in (ReadOnlySpan<(string, string)>)[("EmbeddedLlm.Runtime.Cpu", ""), ("EmbeddedLlm.Cli", "tools/net10.0/any/")])
        {
            string prefix = $"{folder}runtimes/{rid}/native/";
            string[] files = [.. Names(package).Where(name => name.StartsWith(prefix, StringComparison.Ordinal)).Select(name => name[prefix.Length..])];
            Assert.All(patterns, pattern => Assert.Contains(files, file => System.IO.Enumeration.FileSystemName.MatchesSimpleExpression(pattern, file, ignoreCase: false)));
            Assert.DoesNotContain(files, file => file.Contains("addon", StringComparison.Ordinal) || file.Contains("llama-common", StringComparison.Ordinal));
        }
    }

    [Theory]
    [InlineData("EmbeddedLlm.Runtime.Vulkan", "EmbeddedLlm.Runtime.Cpu", "runtimes/linux-x64/native/libggml-vulkan.so", "runtimes/win-x64/native/ggml-vulkan.dll")]
    [InlineData("EmbeddedLlm.Runtime.Cuda", "EmbeddedLlm.Runtime.Cuda.Linux EmbeddedLlm.Runtime.Cuda.Windows")]
    [InlineData("EmbeddedLlm.Runtime.Cuda.Linux", "EmbeddedLlm.Runtime.Cpu", "runtimes/linux-x64/native/libggml-cuda.so")]
    [InlineData("EmbeddedLlm.Runtime.Cuda.Windows", "EmbeddedLlm.Runtime.Cpu", "runtimes/win-x64/native/ggml-cuda.dll")]
    [InlineData("EmbeddedLlm.Runtime.Cuda12", "EmbeddedLlm.Runtime.Cuda12.Linux EmbeddedLlm.Runtime.Cuda12.Windows")]
    [InlineData("EmbeddedLlm.Runtime.Cuda12.Linux", "EmbeddedLlm.Runtime.Cpu", "runtimes/linux-x64/native/libggml-cuda12.so")]
    [InlineData("EmbeddedLlm.Runtime.Cuda12.Windows", "EmbeddedLlm.Runtime.Cpu", "runtimes/win-x64/native/ggml-cuda12.dll")]
    public void AGpuPackageHasItsBackendAloneAndNeedsTheRestAtItsOwnVersion(string package, string needed, params string[] files)
    {
        Assert.Equal(files, Names(package).Where(name => name.StartsWith("runtimes/", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        Assert.DoesNotContain(Names(package), name => name.StartsWith("lib/", StringComparison.Ordinal));
        Assert.Equal(needed, string.Join(' ', Dependencies(package)));
        Assert.All(
            Manifest(package).Descendants().Where(element => element.Name.LocalName == "dependency"),
            dependency => Assert.Equal($"[{feed.Version}]", dependency.Attribute("version")!.Value));
        Assert.All(files, file => Assert.Equal(GpuStandIns.ContentOf(file), Text(package, file)));
    }

    [Theory]
    [InlineData("EmbeddedLlm.Runtime.Cpu", "")]
    [InlineData("EmbeddedLlm.Runtime.Vulkan", "")]
    [InlineData("EmbeddedLlm.Runtime.Cuda.Linux", "")]
    [InlineData("EmbeddedLlm.Runtime.Cuda.Windows", "")]
    [InlineData("EmbeddedLlm.Runtime.Cuda12.Linux", "")]
    [InlineData("EmbeddedLlm.Runtime.Cuda12.Windows", "")]
    [InlineData("EmbeddedLlm.Cli", "tools/net10.0/any/")]
    public void WhereLlamaCppIsPackedItsLicenceIsToo(string package, string folder)
    {
        Assert.Contains("MIT License", Text(package, folder + "LICENSE.node-llama-cpp.txt"), StringComparison.Ordinal);
        Assert.Contains("llama.cpp", Text(package, folder + "THIRD-PARTY-NOTICES.txt"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("EmbeddedLlm.Runtime.Cpu")]
    [InlineData("EmbeddedLlm.Starter")]
    public void APackageOfFilesHasNoAssemblyAndDependsOnNothing(string package)
    {
        Assert.DoesNotContain(Names(package), name => name.StartsWith("lib/", StringComparison.Ordinal));
        Assert.Empty(Dependencies(package));
    }

    [Fact]
    public void TheStarterPackageHasTheModelAndWhatCopiesIt()
    {
        byte[] model = File.ReadAllBytes(Path.Combine(SharedData.RepositoryRoot, "src", "EmbeddedLlm.Starter", "starter.gguf"));
        Assert.Equal(model, Bytes("EmbeddedLlm.Starter", "models/starter.gguf"));
        Assert.Contains("../models/starter.gguf", Text("EmbeddedLlm.Starter", "buildTransitive/EmbeddedLlm.Starter.targets"), StringComparison.Ordinal);
    }

    [Fact]
    public void TheLibraryDependsOnThreePackagesOfAbstractionsAndOneForRetries() => Assert.Equal(
        ["Microsoft.Extensions.AI.Abstractions", "Microsoft.Extensions.DependencyInjection.Abstractions", "Microsoft.Extensions.Logging.Abstractions", "Polly.Core"],
        Dependencies("EmbeddedLlm"));

    [Fact]
    public void TheLibraryIsDocumented() => Assert.Contains(
        XElement.Parse(Text("EmbeddedLlm", "lib/net10.0/EmbeddedLlm.xml")).Descendants("member"),
        member => member.Attribute("name")!.Value == "T:EmbeddedLlm.EmbeddedModel" && member.Element("summary") is not null);

    [Fact]
    public void TheLibrarysSymbolsAreAPackageOfTheirOwn()
    {
        Assert.Contains("lib/net10.0/EmbeddedLlm.pdb", Names("EmbeddedLlm", ".snupkg"));
        Assert.DoesNotContain(Names("EmbeddedLlm"), name => name.EndsWith(".pdb", StringComparison.Ordinal));
    }

    [Fact]
    public void TheLibraryDoesNotTellWhereItWasBuilt() =>
        Assert.True(Bytes("EmbeddedLlm", "lib/net10.0/EmbeddedLlm.dll").AsSpan().IndexOf(Encoding.UTF8.GetBytes(SharedData.RepositoryRoot)) < 0);

    [Theory]
    [InlineData("EmbeddedLlm")]
    [InlineData("EmbeddedLlm.Cli")]
    public void TheReadmeIsTheRepositorysWithoutLinksThatLeadNowhere(string package)
    {
        string readme = File.ReadAllText(Path.Combine(SharedData.RepositoryRoot, "README.md")).ReplaceLineEndings("\n");
        string packed = Text(package, "README.md").ReplaceLineEndings("\n");
        Assert.DoesNotMatch(@"\]\((?!https?:)", packed);
        Assert.Equal(Regex.Replace(readme, @"\[([^]]+)\]\((?!https?:)[^)]+\)", "$1").TrimEnd(), packed.TrimEnd());
    }

    [Theory]
    [MemberData(nameof(Packages))]
    public void APackageSaysWhatItIsUnderWhichLicenceAndHasAReadme(string package)
    {
        XElement manifest = Manifest(package);
        Assert.Equal("MIT", Value("license"));
        Assert.Equal("expression", manifest.Descendants().Single(element => element.Name.LocalName == "license").Attribute("type")!.Value);
        Assert.NotEmpty(Text(package, Value("readme")));
        Assert.NotEqual("Package Description", Value("description"));
        Assert.NotEqual(package, Value("authors"));

        string Value(string name) => manifest.Descendants().Single(element => element.Name.LocalName == name).Value;
    }

    private IEnumerable<string> Dependencies(string package) =>
        Manifest(package).Descendants().Where(element => element.Name.LocalName == "dependency").Select(element => element.Attribute("id")!.Value).Order();

    private XElement Manifest(string package) => XElement.Parse(Text(package, $"{package}.nuspec"));

    private string[] Names(string package, string extension = ".nupkg")
    {
        using ZipArchive archive = ZipFile.OpenRead(feed.PathOf(package, extension));
        return [.. archive.Entries.Select(entry => entry.FullName)];
    }

    private string Text(string package, string name) => new StreamReader(new MemoryStream(Bytes(package, name))).ReadToEnd();

    private byte[] Bytes(string package, string name)
    {
        using ZipArchive archive = ZipFile.OpenRead(feed.PathOf(package));
        ZipArchiveEntry entry = archive.GetEntry(name) ?? throw new FileNotFoundException($"There is no {name} in the package {package}.");
        using Stream stream = entry.Open();
        using MemoryStream bytes = new();
        stream.CopyTo(bytes);
        return bytes.ToArray();
    }
}
