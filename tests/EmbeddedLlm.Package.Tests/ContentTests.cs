using System.IO.Compression;
using System.Xml.Linq;

namespace EmbeddedLlm.Package.Tests;

public sealed class ContentTests(PackageFeed feed)
{
    [Theory]
    [InlineData("win-x64", "llama.v0.4.0.dll", "ggml.v0.4.0.dll", "ggml-base.dll")]
    [InlineData("win-arm64", "llama.v0.4.0.dll", "ggml.v0.4.0.dll", "ggml-base.dll")]
    [InlineData("linux-x64", "libllama.v0.4.0.so", "libggml.v0.4.0.so", "libggml-base.so")]
    [InlineData("linux-arm64", "libllama.v0.4.0.so", "libggml.v0.4.0.so", "libggml-base.so")]
    [InlineData("osx-x64", "libllama.v0.4.0.dylib", "libggml.v0.4.0.dylib", "libggml-base.dylib")]
    [InlineData("osx-arm64", "libllama.metal.v0.4.0.dylib", "libggml.metal.v0.4.0.dylib", "libggml-base.dylib")]
    public void TheRuntimePackageHasTheLibrariesOfEachPlatform(string rid, params string[] files)
    {
        string[] names = Names("EmbeddedLlm.Runtime.Cpu");
        Assert.All(files, file => Assert.Contains($"runtimes/{rid}/native/{file}", names));
        Assert.Contains(names, name => name.StartsWith($"runtimes/{rid}/native/", StringComparison.Ordinal) && name.Contains("ggml-cpu", StringComparison.Ordinal));
    }

    [Fact]
    public void TheRuntimePackageHasNothingThatIsNotNeededAndTheLicenceOfWhatItHas()
    {
        string[] names = Names("EmbeddedLlm.Runtime.Cpu");
        Assert.DoesNotContain(names, name => name.Contains("addon", StringComparison.Ordinal) || name.Contains("llama-common", StringComparison.Ordinal) || name.StartsWith("lib/", StringComparison.Ordinal));
        Assert.Contains("LICENSE.node-llama-cpp.txt", names);
        Assert.Contains("THIRD-PARTY-NOTICES.txt", names);
    }

    [Fact]
    public void TheStarterPackageHasTheModelAndWhatCopiesIt()
    {
        string[] names = Names("EmbeddedLlm.Starter");
        Assert.Contains("models/starter.gguf", names);
        Assert.Contains("buildTransitive/EmbeddedLlm.Starter.targets", names);
    }

    [Fact]
    public void TheLibrarysPackageHasItsDocumentationAndDependsOnLittle()
    {
        string[] names = Names("EmbeddedLlm");
        Assert.Contains("lib/net10.0/EmbeddedLlm.dll", names);
        Assert.Contains("lib/net10.0/EmbeddedLlm.xml", names);
        Assert.Contains("README.md", names);
        XElement manifest = Manifest("EmbeddedLlm");
        Assert.Equal(
            ["Microsoft.Extensions.AI.Abstractions", "Microsoft.Extensions.DependencyInjection.Abstractions", "Microsoft.Extensions.Logging.Abstractions"],
            manifest.Descendants().Where(element => element.Name.LocalName == "dependency").Select(element => element.Attribute("id")!.Value).Order());
    }

    [Theory]
    [InlineData("EmbeddedLlm")]
    [InlineData("EmbeddedLlm.Runtime.Cpu")]
    [InlineData("EmbeddedLlm.Starter")]
    public void EachPackageNamesItsLicenceAndHasAReadme(string package)
    {
        XElement manifest = Manifest(package);
        Assert.Equal("MIT", Value("license"));
        Assert.Contains(Value("readme"), Names(package));
        Assert.NotEqual("Package Description", Value("description"));

        string Value(string name) => manifest.Descendants().Single(element => element.Name.LocalName == name).Value;
    }

    private string[] Names(string package)
    {
        using ZipArchive archive = Open(package);
        return [.. archive.Entries.Select(entry => entry.FullName)];
    }

    private XElement Manifest(string package)
    {
        using ZipArchive archive = Open(package);
        using Stream stream = archive.GetEntry($"{package}.nuspec")!.Open();
        return XElement.Load(stream);
    }

    private ZipArchive Open(string package) =>
        ZipFile.OpenRead(Assert.Single(Directory.GetFiles(feed.Folder, $"{package}.*.nupkg"), file => char.IsDigit(Path.GetFileName(file)[package.Length + 1])));
}
