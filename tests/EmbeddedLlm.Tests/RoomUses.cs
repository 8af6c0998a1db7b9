using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace EmbeddedLlm.Tests;

/// <summary>Source files as the compiler sees them, and what each uses of other rooms. The first folder of a path is the room; a file in no folder is in the root, "".</summary>
internal sealed class RoomUses
{
    /// <summary>The room that stands for Microsoft.Extensions.AI, whose source is not here.</summary>
    public const string ExtensionsAI = "Microsoft.Extensions.AI";

    private const string ImplicitUsings =
        "global using System; global using System.Collections.Generic; global using System.IO; global using System.Linq; global using System.Net.Http; " +
        "global using System.Threading; global using System.Threading.Tasks;";

    private static readonly Lazy<MetadataReference[]> References = new(() =>
    [
        .. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(path => !Path.GetFileName(path).StartsWith("EmbeddedLlm", StringComparison.Ordinal))
            .Select(path => MetadataReference.CreateFromFile(path)),
    ]);

    private readonly CSharpCompilation _compilation;

    /// <param name="files">The paths, with slashes, and the texts.</param>
    public RoomUses(IEnumerable<(string Path, string Text)> files)
    {
        CSharpParseOptions options = new(LanguageVersion.Preview);
        _compilation = CSharpCompilation.Create(
            "Rooms",
            [.. files.Append((Path: "Usings.cs", Text: ImplicitUsings)).Select(file => CSharpSyntaxTree.ParseText(file.Text, options, file.Path))],
            References.Value,
            new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, allowUnsafe: true, nullableContextOptions: NullableContextOptions.Enable));
    }

    public IEnumerable<string> Paths => _compilation.SyntaxTrees.Select(tree => tree.FilePath);

    /// <summary>What the compiler cannot make sense of. Source generators do not run here, so what they would add is missed.</summary>
    public IEnumerable<Diagnostic> Errors => _compilation.GetDiagnostics().Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error);

    public static string RoomOf(string path) => path.IndexOf('/', StringComparison.Ordinal) is >= 0 and var slash ? path[..slash] : "";

    /// <summary>The types that are declared outside of others: the file's path, the namespace, the name, and whether all may see it.</summary>
    public IEnumerable<(string Path, string Namespace, string Name, bool IsPublic)> Types()
    {
        foreach (SyntaxTree tree in _compilation.SyntaxTrees)
        {
            SemanticModel model = _compilation.GetSemanticModel(tree);
            foreach (SyntaxNode node in tree.GetRoot().DescendantNodes(node => node is CompilationUnitSyntax or BaseNamespaceDeclarationSyntax))
            {
                if (node is BaseTypeDeclarationSyntax or DelegateDeclarationSyntax && model.GetDeclaredSymbol(node) is { } type)
                    yield return (tree.FilePath, type.ContainingNamespace.ToDisplayString(), type.Name, type.DeclaredAccessibility == Accessibility.Public);
            }
        }
    }

    /// <summary>Every use of another room: its file, line, room and the used type or member.</summary>
    public IEnumerable<(string Path, int Line, string Room, string Name)> Uses()
    {
        foreach (SyntaxTree tree in _compilation.SyntaxTrees)
        {
            SemanticModel model = _compilation.GetSemanticModel(tree);
            string room = RoomOf(tree.FilePath);
            HashSet<(string, int, string, string)> seen = [];
            foreach (SyntaxNode node in tree.GetRoot().DescendantNodes())
            {
                foreach (ISymbol symbol in SymbolsOf(node, model))
                {
                    if (RoomOf(symbol) is not { } used || used == room)
                        continue;
                    var use = (tree.FilePath, node.GetLocation().GetLineSpan().StartLinePosition.Line + 1, used, NameOf(symbol));
                    if (seen.Add(use))
                        yield return use;
                }
            }
        }
    }

    /// <summary>
    /// What a piece of source refers to by name, and the types of expressions, since an indexer, an operator, a loop or <c>var</c> uses a type without naming it.
    /// Where a call does not bind, because a generator's part is missing, all it could mean counts.
    /// </summary>
    private static IEnumerable<ISymbol> SymbolsOf(SyntaxNode node, SemanticModel model)
    {
        SymbolInfo info = model.GetSymbolInfo(node);
        IEnumerable<ISymbol> symbols = info.Symbol is { } symbol ? [symbol] : info.CandidateSymbols;
        if (node is ExpressionSyntax)
        {
            TypeInfo types = model.GetTypeInfo(node);
            symbols = symbols.Concat(PartsOf(types.Type)).Concat(PartsOf(types.ConvertedType));
        }

        return symbols.Where(candidate => candidate is not INamespaceSymbol);
    }

    /// <summary>A type with the types in it: elements of arrays and pointers, arguments of generics.</summary>
    private static IEnumerable<ISymbol> PartsOf(ITypeSymbol? type) => type switch
    {
        null or IErrorTypeSymbol => [],
        IArrayTypeSymbol array => PartsOf(array.ElementType),
        IPointerTypeSymbol pointer => PartsOf(pointer.PointedAtType),
        INamedTypeSymbol { IsGenericType: true } generic => generic.TypeArguments.SelectMany(PartsOf).Append(generic),
        _ => [type],
    };

    /// <summary>The folder of the declaring file; a member that the compiler makes is where its type is.</summary>
    private static string? RoomOf(ISymbol symbol)
    {
        if (symbol.ContainingAssembly?.Name.StartsWith(ExtensionsAI, StringComparison.Ordinal) == true)
            return ExtensionsAI;
        return (symbol.DeclaringSyntaxReferences.FirstOrDefault() ?? symbol.ContainingType?.DeclaringSyntaxReferences.FirstOrDefault())?.SyntaxTree.FilePath is { } path
            ? RoomOf(path)
            : null;
    }

    private static string NameOf(ISymbol symbol) => symbol switch
    {
        { ContainingType: null } => symbol.Name,
        IMethodSymbol { MethodKind: MethodKind.Constructor } => symbol.ContainingType.Name,
        _ => $"{symbol.ContainingType.Name}.{symbol.Name}",
    };
}
