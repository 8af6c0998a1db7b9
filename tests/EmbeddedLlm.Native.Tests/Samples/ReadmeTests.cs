using System.Reflection;
using System.Text.RegularExpressions;
using EmbeddedLlm.Tests;
using Microsoft.AspNetCore.Builder;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace EmbeddedLlm.Native.Tests.Samples;

/// <summary>What the README prints as C# is a program, given the names that its text speaks of.</summary>
public sealed partial class ReadmeTests
{
    private const string Given = """
        global using System; global using System.Collections.Generic; global using System.ComponentModel; global using System.Linq; global using System.Text.Json; global using System.Threading.Tasks;
        global using EmbeddedLlm; global using Microsoft.AspNetCore.Builder; global using Microsoft.Extensions.AI; global using Microsoft.Extensions.DependencyInjection;
        global using static Given;

        public static class Given
        {
            public static WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
            public static IChatClient chat = null!;
            public static JsonElement schema = default;
        }
        """;

    private static readonly MetadataReference[] References =
        [.. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator).Select(path => MetadataReference.CreateFromFile(path))];

    private static readonly string[] Samples =
        [.. Fence().Matches(File.ReadAllText(Path.Combine(SharedData.RepositoryRoot, "README.md")).ReplaceLineEndings("\n")).Select(match => match.Groups[1].Value)];

    public static TheoryData<int> Indices => [.. Enumerable.Range(0, Samples.Length)];

    [Theory]
    [MemberData(nameof(Indices))]
    public void ASampleCompilesWithoutAWarning(int index) => Assert.Empty(Compile(Samples[index]).GetDiagnostics().Where(diagnostic => diagnostic.Severity >= DiagnosticSeverity.Warning));

    [Fact]
    public async Task TheModelThatIsLoadedAtStartServesAllAndIsFreedWithTheContainer()
    {
        string sample = Samples.Single(sample => sample.Contains("AsEmbeddingGenerator", StringComparison.Ordinal));
        using MemoryStream image = new();
        Assert.True(Compile(sample).Emit(image, cancellationToken: TestContext.Current.CancellationToken).Success);
        Assembly program = Assembly.Load(image.ToArray());
        await Task.Run(() => program.EntryPoint!.Invoke(null, [Array.Empty<string>()]), TestContext.Current.CancellationToken);
        WebApplicationBuilder builder = (WebApplicationBuilder)program.GetType("Given")!.GetField("builder")!.GetValue(null)!;

        EmbeddedModel model;
        await using (WebApplication application = builder.Build())
        {
            IChatClient chat = application.Services.GetRequiredService<IChatClient>();
            model = application.Services.GetRequiredService<EmbeddedModel>();
            Assert.Same(model, chat.GetService<EmbeddedModel>());
            Assert.Equal("1, 2, 3, 4, 5.", (await chat.GetResponseAsync("Count to five.", cancellationToken: TestContext.Current.CancellationToken)).Text);
            Assert.Single(await application.Services.GetRequiredService<IEmbeddingGenerator<string, Embedding<float>>>().GenerateAsync(["a"], cancellationToken: TestContext.Current.CancellationToken));
        }

        Assert.Throws<ObjectDisposedException>(() => model.Tokenize("a"));
    }

    private static CSharpCompilation Compile(string sample) => CSharpCompilation.Create(
        $"Sample{Guid.NewGuid():N}",
        [.. ((string[])[sample, Given]).Select(text => CSharpSyntaxTree.ParseText(text, new CSharpParseOptions(LanguageVersion.Preview)))],
        References,
        new CSharpCompilationOptions(OutputKind.ConsoleApplication, nullableContextOptions: NullableContextOptions.Enable));

    [GeneratedRegex("```csharp\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Fence();
}
