
namespace EmbeddedLlm.Tests;

/// <summary>Real vocabularies, templates and schemas that lie beside the checkout on some machines; a test that needs them is skipped where they are absent.</summary>
internal static class SharedData
{
    public static string RepositoryRoot { get; } = FindRepositoryRoot();

    public static string Root { get; } = Path.GetFullPath(Path.Combine(RepositoryRoot, "..", "shared"));

    /// <summary>The path of a file or folder below <c>../shared</c>; skips the running test where it does not exist.</summary>
    public static string Require(params string[] parts)
    {
        string path = Path.Combine([Root, .. parts]);
        Xunit.Assert.SkipUnless(File.Exists(path) || Directory.Exists(path), $"no {Path.Combine(["../shared", .. parts])} beside the checkout");
        return path;
    }

    private static string FindRepositoryRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "EmbeddedLlm.sln")))
                return folder.FullName;
        }

        throw new DirectoryNotFoundException($"No EmbeddedLlm.sln above {AppContext.BaseDirectory}.");
    }
}
