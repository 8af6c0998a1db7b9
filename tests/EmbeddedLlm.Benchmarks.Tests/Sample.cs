using EmbeddedLlm.Benchmarks.Results;

namespace EmbeddedLlm.Benchmarks.Tests;

/// <summary>Figures and files to test with.</summary>
internal static class Sample
{
    public static Figure Figure { get; } = new()
    {
        Subject = "decode",
        Case = "1 caller × 64 tokens",
        Model = "starter",
        Device = "cpu",
        Threads = 2,
        Contender = "EmbeddedLlm",
        Unit = FigureUnit.TokensPerSecond,
        Value = 100,
        Least = 95,
        Greatest = 105,
        Samples = 7,
    };

    public static ResultFile File(params Figure[] figures) => new()
    {
        Date = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero),
        Machine = new Machine("A processor", 2, 8L << 30, "A system", []),
        Versions = new Dictionary<string, string> { ["EmbeddedLlm"] = "0.1.0", [".NET"] = "10.0.0" },
        Command = "report --quick",
        Remarks = ["It was quiet."],
        Figures = figures,
    };
}

/// <summary>A folder that is gone with the test.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("embeddedllm-tests-").FullName;

    public string File(string name) => System.IO.Path.Combine(Path, name);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
