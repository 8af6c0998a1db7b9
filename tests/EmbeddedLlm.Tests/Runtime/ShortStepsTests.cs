using System.Diagnostics;
using EmbeddedLlm.Runtime;

namespace EmbeddedLlm.Tests.Runtime;

public sealed class ShortStepsTests
{
    private static readonly long Millisecond = Stopwatch.Frequency / 1000;

    private readonly ShortSteps _steps = new();

    [Fact]
    public void NoneAreShortBeforeOneWas() => Assert.False(_steps.Have(1));

    [Fact]
    public void ThoseOfFewerTokensAreShortAsWell()
    {
        _steps.Observe(4, Millisecond);
        _steps.Observe(1, Millisecond);
        Assert.Equal([true, true, true, true, false], Enumerable.Range(1, 5).Select(_steps.Have));
    }

    [Fact]
    public void OneThatWasLongEndsIt()
    {
        _steps.Observe(8, Millisecond);
        _steps.Observe(20, 50 * Millisecond);
        Assert.True(_steps.Have(8));
        _steps.Observe(3, 5 * Millisecond);
        Assert.False(_steps.Have(3));
        Assert.True(_steps.Have(2));
        _steps.Observe(1, 5 * Millisecond);
        Assert.False(_steps.Have(1));
        _steps.Observe(3, Millisecond);
        Assert.True(_steps.Have(3));
    }
}
