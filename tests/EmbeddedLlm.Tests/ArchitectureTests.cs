using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace EmbeddedLlm.Tests;

/// <summary>Holds the arrows between rooms. A folder of the library is a room; what a room may use is written here and nowhere else.</summary>
public sealed class ArchitectureTests
{
    private const string Root = "";

    /// <summary>Each room, and the rooms it may use beside the root.</summary>
    private static readonly Dictionary<string, string[]> Rooms = new()
    {
        [Root] = [],
        ["Tokens"] = [],
        ["Gguf"] = [],
        ["Templates"] = [],
        ["Interop"] = [],
        ["Sampling"] = [],
        ["Catalog"] = ["Gguf"],
        ["Scheduling"] = ["Tokens", "Sampling"],
        ["Runtime"] = ["Interop", "Gguf", "Tokens", "Scheduling"],
        ["Client"] = ["Tokens", "Gguf", "Templates", "Sampling", "Catalog", "Scheduling", "Runtime"],
    };

    private static readonly Lazy<CSharpCompilation> Library = new(() => Compile(
        Directory.EnumerateFiles(LibraryFolder, "*.cs", SearchOption.AllDirectories)
            .Where(path => !Path.GetRelativePath(LibraryFolder, path).Split(Path.DirectorySeparatorChar)[0].Equals("obj", StringComparison.Ordinal))
            .Where(path => !Path.GetRelativePath(LibraryFolder, path).Split(Path.DirectorySeparatorChar)[0].Equals("bin", StringComparison.Ordinal))
            .Select(path => (Path.GetRelativePath(LibraryFolder, path).Replace('\\', '/'), File.ReadAllText(path)))));

    private static string LibraryFolder => Path.Combine(SharedData.RepositoryRoot, "src", "EmbeddedLlm");

    [Fact]
    public void EveryFolderIsARoomOfTheTable() => Assert.All(Folders(), folder => Assert.Contains(folder, Rooms.Keys));

    [Fact]
    public void NoRoomUsesAnotherThatItMayNot() => Assert.Empty(ForbiddenUses(Library.Value));

    [Fact]
    public void OnlyTheClientSeesMicrosoftExtensionsAI() => Assert.DoesNotContain(
        Library.Value.SyntaxTrees,
        tree => RoomOf(tree.FilePath) != "Client" && tree.GetText().ToString().Contains("Microsoft.Extensions.AI", StringComparison.Ordinal));

    /// <summary>The exceptions are what an application names in its first ten lines, and the place where containers look for extensions.</summary>
    [Fact]
    public void AFoldersTypesAreInTheNamespaceOfItsName()
    {
        List<string> strangers = [];
        foreach (SyntaxTree tree in Library.Value.SyntaxTrees)
        {
            string room = RoomOf(tree.FilePath);
            foreach (BaseNamespaceDeclarationSyntax space in tree.GetRoot().DescendantNodes().OfType<BaseNamespaceDeclarationSyntax>())
            {
                bool isPublicClient = room == "Client" && space.Members.OfType<BaseTypeDeclarationSyntax>().All(type => type.Modifiers.Any(SyntaxKind.PublicKeyword)) &&
                    space.Name.ToString() is "EmbeddedLlm" or "Microsoft.Extensions.DependencyInjection";
                if (!isPublicClient && space.Name.ToString() != (room == Root ? "EmbeddedLlm" : $"EmbeddedLlm.{room}"))
                    strangers.Add($"{tree.FilePath}: {space.Name}");
            }
        }

        Assert.Empty(strangers);
    }

    /// <summary>The test's own test: uses in signatures, bodies and attributes are all seen.</summary>
    [Theory]
    [InlineData("internal class B { private EmbeddedLlm.Client.A? _a; }")]
    [InlineData("internal class B { public void M(EmbeddedLlm.Client.A a) { } }")]
    [InlineData("internal class B { public object M() => new EmbeddedLlm.Client.A(); }")]
    [InlineData("internal class B { public void M() { var a = EmbeddedLlm.Client.A.Make(); } }")]
    [InlineData("internal class B : EmbeddedLlm.Client.A { }")]
    [InlineData("internal class B { public string M(object a) => a is EmbeddedLlm.Client.A ? \"\" : \"\"; }")]
    public void AForbiddenUseIsFound(string code)
    {
        CSharpCompilation compilation = Compile(
        [
            ("Client/A.cs", "namespace EmbeddedLlm.Client; internal class A { public static A Make() => new(); }"),
            ("Tokens/B.cs", $"namespace EmbeddedLlm.Tokens; {code}"),
        ]);
        Assert.All(ForbiddenUses(compilation), use => Assert.StartsWith("Tokens/B.cs(1): Client.", use, StringComparison.Ordinal));
        Assert.NotEmpty(ForbiddenUses(compilation));
    }

    private static List<string> ForbiddenUses(CSharpCompilation compilation)
    {
        List<string> uses = [];
        foreach (SyntaxTree tree in compilation.SyntaxTrees)
        {
            string room = RoomOf(tree.FilePath);
            SemanticModel model = compilation.GetSemanticModel(tree);
            foreach (SimpleNameSyntax name in tree.GetRoot().DescendantNodes().OfType<SimpleNameSyntax>())
            {
                ISymbol? symbol = model.GetSymbolInfo(name).Symbol;
                if (symbol is INamespaceSymbol || symbol?.DeclaringSyntaxReferences.FirstOrDefault()?.SyntaxTree.FilePath is not { } path)
                    continue;
                string used = RoomOf(path);
                if (used != room && used != Root && !Rooms[room].Contains(used))
                    uses.Add($"{tree.FilePath}({name.GetLocation().GetLineSpan().StartLinePosition.Line + 1}): {used}.{symbol.Name}");
            }
        }

        return uses;
    }

    /// <summary>What source generators would add is missing here, which only leaves some names unresolved that lead to no other room.</summary>
    private static CSharpCompilation Compile(IEnumerable<(string Path, string Text)> files)
    {
        CSharpParseOptions options = new(LanguageVersion.Preview);
        const string Usings = "global using System; global using System.Collections.Generic; global using System.IO; global using System.Linq; global using System.Threading; global using System.Threading.Tasks;";
        string[] references = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator);
        return CSharpCompilation.Create(
            "Rooms",
            [.. files.Select(file => CSharpSyntaxTree.ParseText(file.Text, options, file.Path)), CSharpSyntaxTree.ParseText(Usings, options, "Usings.cs")],
            references.Where(path => !Path.GetFileName(path).StartsWith("EmbeddedLlm", StringComparison.Ordinal)).Select(path => MetadataReference.CreateFromFile(path)),
            new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, allowUnsafe: true, nullableContextOptions: NullableContextOptions.Enable));
    }

    private static string RoomOf(string path) => path.IndexOf('/', StringComparison.Ordinal) is >= 0 and var slash ? path[..slash] : Root;

    private static IEnumerable<string> Folders() => Library.Value.SyntaxTrees.Select(tree => RoomOf(tree.FilePath)).Distinct();
}
