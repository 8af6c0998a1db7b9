using EmbeddedLlm.Cli;

namespace EmbeddedLlm.Native.Tests.Cli;

public sealed class ColumnsTests
{
    private readonly Columns _columns = new("Device", "Memory", "Description");

    public ColumnsTests()
    {
        _columns.Add("CPU", "23.5 GiB", "A processor");
        _columns.Add("CUDA0", "8 GiB", "A card");
    }

    [Fact]
    public void ATableIsWideEnoughForItsWordsAndQuantities() => Assert.Equal("│ Device │ 23.5 GiB │ Description │".Length, _columns.TableWidth);

    [Fact]
    public void AWordThatIsVeryLongMayBeBroken()
    {
        Columns columns = new("Path");
        columns.Add(new string('x', 500));
        Assert.InRange(columns.TableWidth, 10, 30);
    }

    [Fact]
    public void ANumberIsNotBrokenBeforeItsUnit() => Assert.Equal("│ What │ 1,234 tok/s │".Length, Numbers().TableWidth);

    [Fact]
    public void LinesThatFitAreAligned() => Assert.Equal(["Device  Memory    Description", "CPU     23.5 GiB  A processor", "CUDA0   8 GiB     A card"], _columns.LinesOf(29));

    [Fact]
    public void WhereTheyDoNotFitEachCellHasALine() => Assert.Equal(
        ["Device       CPU", "Memory       23.5 GiB", "Description  A processor", "", "Device       CUDA0", "Memory       8 GiB", "Description  A card"],
        _columns.LinesOf(28));

    private static Columns Numbers()
    {
        Columns columns = new("What", "Median") { Numbers = 1 };
        columns.Add("a b", "1,234 tok/s");
        return columns;
    }
}
