using EmbeddedLlm.Benchmarks.Report;
using EmbeddedLlm.Benchmarks.Results;

namespace EmbeddedLlm.Benchmarks.Tests.Report;

public sealed class CompareCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly StringWriter _output = new();
    private readonly StringWriter _error = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void TheSameFileTwiceIsFine()
    {
        Assert.Equal(0, Compare(Sample.File(Sample.Figure), Sample.File(Sample.Figure)));
        Assert.Contains("0 worse, 0 better, 1 the same", _output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void AWorseFigureIsShownAndEndsWithOne()
    {
        Assert.Equal(CompareCommand.Worse, Compare(Sample.File(Sample.Figure), Sample.File(Sample.Figure with { Value = 50, Least = 49, Greatest = 51 })));
        Assert.Contains("| worse | decode | starter, cpu | 1 caller × 64 tokens | EmbeddedLlm | tok/s | 100 (95.0–105) | 50.0 (49.0–51.0) | -50.0 % |", _output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void ABetterFigureEndsWithZero()
    {
        Assert.Equal(0, Compare(Sample.File(Sample.Figure), Sample.File(Sample.Figure with { Value = 150, Least = 149, Greatest = 151 })));
        Assert.Contains("| better |", _output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void MissingAndNewFiguresAreNamedAndEndWithZero()
    {
        Assert.Equal(0, Compare(Sample.File(Sample.Figure, Sample.Figure with { Case = "gone" }), Sample.File(Sample.Figure, Sample.Figure with { Case = "come" })));
        Assert.Contains("| missing | decode | starter, cpu | gone |", _output.ToString(), StringComparison.Ordinal);
        Assert.Contains("| new | decode | starter, cpu | come |", _output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void FilesWithoutACommonFigureAreNotComparable()
    {
        Assert.Equal(CompareCommand.NotComparable, Compare(Sample.File(Sample.Figure), Sample.File()));
        Assert.Equal(CompareCommand.NotComparable, Compare(Sample.File(Sample.Figure), Sample.File(Sample.Figure with { Case = "another" })));
        Assert.Contains("No figure is in both", _error.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("processor")]
    [InlineData("cores")]
    [InlineData("GPU")]
    public void AnotherMachineIsRefusedUnlessItIsAskedFor(string difference)
    {
        ResultFile old = Sample.File(Sample.Figure);
        Machine other = difference switch
        {
            "processor" => old.Machine with { Processor = "Another" },
            "cores" => old.Machine with { Cores = 4 },
            _ => old.Machine with { Gpus = ["A card (CUDA0), 24 GiB"] },
        };

        Assert.Equal(CompareCommand.NotComparable, Compare(old, old with { Machine = other }));
        Assert.Contains(difference, _error.ToString(), StringComparison.Ordinal);
        Assert.Equal(0, Compare(old, old with { Machine = other }, acrossMachines: true));
        Assert.Contains($"The machines differ: {(difference == "cores" ? "2 " : "")}{difference}", _output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void OtherVersionsAreNamed()
    {
        ResultFile old = Sample.File(Sample.Figure);
        ResultFile now = old with { Versions = new Dictionary<string, string> { ["EmbeddedLlm"] = "0.2.0", [".NET"] = "10.0.0" } };

        Assert.Equal(0, Compare(old, now));
        Assert.Contains("EmbeddedLlm: 0.1.0 → 0.2.0", _output.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(".NET", _output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void ADamagedOrMissingFileIsNamed()
    {
        string good = _folder.File("good.json"), damaged = _folder.File("damaged.json"), missing = _folder.File("missing.json");
        Sample.File(Sample.Figure).Write(good);
        File.WriteAllText(damaged, "{");

        Assert.Equal(CompareCommand.NotComparable, CompareCommand.Run(good, damaged, 0.05, false, _output, _error));
        Assert.Equal(CompareCommand.NotComparable, CompareCommand.Run(missing, good, 0.05, false, _output, _error));
        Assert.Contains(damaged, _error.ToString(), StringComparison.Ordinal);
        Assert.Contains(missing, _error.ToString(), StringComparison.Ordinal);
    }

    private int Compare(ResultFile old, ResultFile now, bool acrossMachines = false)
    {
        string oldPath = _folder.File("old.json"), newPath = _folder.File("new.json");
        old.Write(oldPath);
        now.Write(newPath);
        return CompareCommand.Run(oldPath, newPath, 0.05, acrossMachines, _output, _error);
    }
}
