using EmbeddedLlm.Gguf;

namespace EmbeddedLlm.Tests.Gguf;

public sealed class TensorTapeTests
{
    [Fact]
    public void ATensorIsFreedAfterItsLastUse()
    {
        TensorTape tape = new();
        int a = tape.Compute(1024);
        int b = tape.Compute(1024, a);
        tape.Compute(1024, b);
        Assert.Equal(2048, tape.PeakBytes());
    }

    [Fact]
    public void ATensorWithALaterUseStays()
    {
        TensorTape tape = new();
        int a = tape.Compute(1024);
        int b = tape.Compute(1024, a);
        int c = tape.Compute(1024, b);
        tape.Compute(1024, a, c);
        Assert.Equal(3072, tape.PeakBytes());
    }

    [Fact]
    public void AnOperandThatNobodyElseNeedsIsWrittenOver()
    {
        TensorTape tape = new();
        int a = tape.Compute(1024);
        tape.Overwrite(1024, a);
        Assert.Equal(1024, tape.PeakBytes());
    }

    [Fact]
    public void AnOperandThatIsNeededAgainIsNotWrittenOver()
    {
        TensorTape tape = new();
        int a = tape.Compute(1024);
        int b = tape.Overwrite(1024, a);
        tape.Overwrite(1024, a, b);
        Assert.Equal(2048, tape.PeakBytes());
    }

    [Fact]
    public void AViewKeepsItsTensor()
    {
        TensorTape tape = new();
        int a = tape.Compute(1024);
        int view = tape.View(a);
        int b = tape.Compute(1024, a);
        int c = tape.Compute(1024, b);
        tape.Store(view, c);
        Assert.Equal(3072, tape.PeakBytes());
    }

    [Fact]
    public void InputsAreThereFromTheBeginning()
    {
        TensorTape tape = new();
        int a = tape.Compute(1024);
        int b = tape.Compute(1024, a);
        int input = tape.Input(1024);
        tape.Compute(64, b, input);
        Assert.Equal(3072, tape.PeakBytes());
    }

    [Fact]
    public void TheSmallestFreeBlockThatFitsIsTaken()
    {
        TensorTape tape = new();
        int large = tape.Compute(4096);
        int wall = tape.Compute(64);
        int small = tape.Compute(1024);
        int end = tape.Compute(64);
        tape.Store(large);
        tape.Store(small);
        int first = tape.Compute(1024);
        int second = tape.Compute(4096);
        tape.Store(wall, end, first, second);
        Assert.Equal(4096 + 64 + 1024 + 64, tape.PeakBytes());
    }

    [Fact]
    public void SizesAreRoundedUp()
    {
        TensorTape tape = new();
        tape.Compute(1);
        Assert.Equal(64, tape.PeakBytes());
    }

    [Fact]
    public void NoSizeOverflows()
    {
        TensorTape tape = new();
        for (int i = 0; i < 10_000; i++)
            tape.Compute((Int128)long.MaxValue * long.MaxValue);
        Assert.True(tape.PeakBytes() > 0);
    }
}
