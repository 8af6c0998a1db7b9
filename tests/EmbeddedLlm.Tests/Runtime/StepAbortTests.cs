using System.Diagnostics;
using EmbeddedLlm.Runtime;

namespace EmbeddedLlm.Tests.Runtime;

public sealed unsafe class StepAbortTests
{
    private readonly StepAbort _abort = new();

    [Fact]
    public void WhatNobodyWantsGoesOn() => Assert.False(IsGivenUpWithin(10_000));

    [Fact]
    public void ARequestIsHeededAtOnceAndForgottenOnce()
    {
        _abort.RequestNow();
        Assert.True(IsGivenUpWithin(1));
        Assert.True(_abort.Reset());
        Assert.False(_abort.Reset());
        Assert.False(IsGivenUpWithin(10_000));
    }

    [Fact]
    public void ADeadlineThatHasPassedIsSeenWithinALayersOperations()
    {
        _abort.SetDeadline(Stopwatch.GetTimestamp() - 1);
        Assert.True(IsGivenUpWithin(10));
        _abort.SetDeadline(null);
        Assert.False(IsGivenUpWithin(10_000));
        Assert.False(_abort.Reset());
    }

    [Fact]
    public void ADeadlineToComeIsNone()
    {
        _abort.SetDeadline(Stopwatch.GetTimestamp() + (Stopwatch.Frequency * 3600));
        Assert.False(IsGivenUpWithin(10_000));
    }

    private bool IsGivenUpWithin(int questions)
    {
        for (int i = 0; i < questions; i++)
        {
            if (StepAbort.Callback(_abort.Data) != 0)
                return true;
        }

        return false;
    }
}
