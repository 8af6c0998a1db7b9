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
        ["Attention"] = [],
        ["Grammar"] = ["Tokens"],
        ["Sampling"] = ["Tokens"],
        ["Catalog"] = ["Gguf"],
        ["Scheduling"] = ["Tokens", "Grammar", "Sampling"],
        ["Runtime"] = ["Interop", "Attention", "Gguf", "Tokens", "Scheduling"],
        ["Client"] = ["Tokens", "Gguf", "Templates", "Grammar", "Sampling", "Catalog", "Scheduling", "Runtime", RoomUses.ExtensionsAI],
    };

    private static readonly Lazy<RoomUses> Library = new(() => new RoomUses(
        from path in Directory.EnumerateFiles(LibraryFolder, "*.cs", SearchOption.AllDirectories)
        let name = Path.GetRelativePath(LibraryFolder, path).Replace('\\', '/')
        where RoomUses.RoomOf(name) is not ("bin" or "obj")
        select (name, File.ReadAllText(path))));

    private static string LibraryFolder => Path.Combine(SharedData.RepositoryRoot, "src", "EmbeddedLlm");

    [Fact]
    public void EveryFolderIsARoomOfTheTable() => Assert.All(Library.Value.Paths, path => Assert.Contains(RoomUses.RoomOf(path), Rooms.Keys));

    [Fact]
    public void NoFolderIsNamedAfterAKind() => Assert.All(
        Library.Value.Paths,
        path => Assert.DoesNotContain(path.Split('/'), folder => folder is "Utils" or "Utilities" or "Common" or "Helpers" or "Extensions" or "Abstractions"));

    [Fact]
    public void NoRoomUsesAnotherThatItMayNot() => AssertNone(ForbiddenUses(Library.Value));

    /// <summary>The exceptions are what an application names in its first ten lines, and the place where containers look for extensions.</summary>
    [Fact]
    public void AFoldersTypesAreInTheNamespaceOfItsName() => AssertNone(
        from type in Library.Value.Types()
        let room = RoomUses.RoomOf(type.Path)
        where (room, type.IsPublic) switch
        {
            (Root, _) => type.Namespace != "EmbeddedLlm",
            ("Client", true) => type.Namespace is not ("EmbeddedLlm" or "Microsoft.Extensions.DependencyInjection"),
            ("Catalog", true) => type.Namespace != "EmbeddedLlm",
            // A class and a namespace cannot both be EmbeddedLlm.Grammar.
            ("Grammar", true) => type.Namespace != "EmbeddedLlm",
            ("Grammar", false) => type.Namespace != "EmbeddedLlm.Grammars",
            _ => type.Namespace != $"EmbeddedLlm.{room}",
        }
        select $"{type.Path}: {type.Namespace}.{type.Name}");

    /// <summary>A reference that is missing would leave names unresolved, and uses unseen.</summary>
    [Fact]
    public void AllOfTheLibraryIsUnderstoodButForWhatGeneratorsAdd() => AssertNone(
        from error in Library.Value.Errors
        // Partial methods without a body, the outputs they do not set; the abstract members, the constructor and the instance of a serializer context.
        where error.Id is not ("CS8795" or "CS0165" or "CS0534" or "CS7036" or "CS0117")
        select error.ToString());

    /// <summary>The test's own test: a use is seen in signatures, bodies and attributes, and where no name tells of it.</summary>
    [Theory]
    [InlineData("class B { private EmbeddedLlm.Client.A? _a; }")]
    [InlineData("class B { public void M(EmbeddedLlm.Client.A a) { } }")]
    [InlineData("class B { public object M() => new EmbeddedLlm.Client.A(); }")]
    [InlineData("class B { public void M() { var a = EmbeddedLlm.Client.A.Make(); } }")]
    [InlineData("class B : EmbeddedLlm.Client.A { }")]
    [InlineData("class B { public string M(object a) => a is EmbeddedLlm.Client.A ? \"\" : \"\"; }")]
    [InlineData("class B { public string M() => nameof(EmbeddedLlm.Client.A); }")]
    [InlineData("class B { public System.Collections.Generic.List<EmbeddedLlm.Client.A[]>? M() => null; }")]
    [InlineData("[EmbeddedLlm.Client.Mark] class B;")]
    [InlineData("partial class B { private static partial int M(EmbeddedLlm.Client.A a); int N(EmbeddedLlm.Client.A a) => M(a); }")]
    [InlineData("class B { public int M() => EmbeddedLlm.Door.Open()[0]; }")]
    [InlineData("class B { public void M() { foreach (var a in EmbeddedLlm.Door.All()) { } } }")]
    [InlineData("class B { public void M() => EmbeddedLlm.Door.Take(new()); }")]
    public void AForbiddenUseIsFound(string code) => Assert.Contains("Tokens/B.cs(1): Client.", string.Join('\n', SampleUses("Tokens/B.cs", code)), StringComparison.Ordinal);

    [Fact]
    public void AForbiddenUseIsNamedWithItsPlace() => Assert.Equal(
        ["Tokens/B.cs(2): Client.A", "Tokens/B.cs(2): Client.A.Make"],
        SampleUses("Tokens/B.cs", "\nclass B { static void M() => EmbeddedLlm.Client.A.Make(); }").Where(use => use.StartsWith("Tokens", StringComparison.Ordinal)).Order());

    [Fact]
    public void MicrosoftExtensionsAIIsForTheClientOnly()
    {
        const string Code = "class B { object? M(Microsoft.Extensions.AI.ChatMessage message) => message.Role; }";
        Assert.Contains("Runtime/B.cs(1): Microsoft.Extensions.AI.ChatMessage", SampleUses("Runtime/B.cs", Code));
        Assert.DoesNotContain(SampleUses("Client/B.cs", Code), use => use.StartsWith("Client", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("Runtime/B.cs", true)]
    [InlineData("Client/B.cs", false)]
    [InlineData("Scheduling/B.cs", false)]
    [InlineData("B.cs", false)]
    public void InteropIsForTheRuntimeOnly(string path, bool may) =>
        Assert.Equal(may, !SampleUses(path, "class B { EmbeddedLlm.Interop.C? _c; }").Contains($"{path}(1): Interop.C"));

    /// <summary>The forbidden uses of a file that stands beside a small library.</summary>
    private static string[] SampleUses(string path, string code) => ForbiddenUses(new RoomUses(
    [
        ("Client/A.cs", "namespace EmbeddedLlm.Client; public class A { public static A Make() => new(); public int this[int i] => i; } public class MarkAttribute : Attribute;"),
        ("Interop/C.cs", "namespace EmbeddedLlm.Interop; public class C;"),
        ("Door.cs", "namespace EmbeddedLlm; using EmbeddedLlm.Client; public class Door { public static A Open() => A.Make(); public static A[] All() => []; public static void Take(A a) { } }"),
        (path, code),
    ]));

    /// <summary>Shows all that were found, where Assert.Empty cuts the list short.</summary>
    private static void AssertNone(IEnumerable<string> found)
    {
        string list = string.Join('\n', found);
        Assert.True(list.Length == 0, list);
    }

    private static string[] ForbiddenUses(RoomUses source) =>
    [
        .. from use in source.Uses()
           where use.Room != Root && !Rooms.GetValueOrDefault(RoomUses.RoomOf(use.Path), []).Contains(use.Room)
           select $"{use.Path}({use.Line}): {use.Room}.{use.Name}",
    ];
}
