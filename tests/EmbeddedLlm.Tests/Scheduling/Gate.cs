namespace EmbeddedLlm.Tests.Scheduling;

/// <summary>Holds a computation up until a test lets it go on. A test that fails before it does must not wait for ever in the engine's disposal, so the computation then fails in its turn.</summary>
internal sealed class Gate : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly ManualResetEventSlim _isReached = new();
    private readonly ManualResetEventSlim _isOpen = new();

    /// <summary>Waits until the computation has come to the gate.</summary>
    public void AwaitArrival()
    {
        if (!_isReached.Wait(Patience, TestContext.Current.CancellationToken))
            throw new TimeoutException("Nothing has come to the gate.");
    }

    /// <summary>By the computation: goes through once the gate is open.</summary>
    public void Pass()
    {
        _isReached.Set();
        if (!_isOpen.Wait(Patience))
            throw new TimeoutException("The gate was not opened.");
    }

    public void Open() => _isOpen.Set();

    public void Close()
    {
        _isOpen.Reset();
        _isReached.Reset();
    }

    public void Dispose()
    {
        _isReached.Dispose();
        _isOpen.Dispose();
    }
}
