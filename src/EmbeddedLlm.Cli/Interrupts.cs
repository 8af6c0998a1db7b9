using System.Runtime.InteropServices;

namespace EmbeddedLlm.Cli;

/// <summary>Ctrl-C as cancellation: the first cancels what runs, and one more, before that has ended, ends the program.</summary>
internal sealed class Interrupts : IDisposable
{
    private readonly PosixSignalRegistration _registration;
    private volatile CancellationTokenSource _source = new();

    public Interrupts() => _registration = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnInterrupt);

    /// <summary>Cancelled by the next Ctrl-C.</summary>
    public CancellationToken Token => _source.Token;

    /// <summary>Takes a new <see cref="Token"/> where the present one is used up.</summary>
    public void Renew()
    {
        // The old source is left to the garbage collector: the signal's thread may be about to cancel it.
        if (_source.IsCancellationRequested)
            _source = new CancellationTokenSource();
    }

    public void Dispose() => _registration.Dispose();

    private void OnInterrupt(PosixSignalContext context)
    {
        CancellationTokenSource source = _source;
        if (source.IsCancellationRequested)
            return;
        context.Cancel = true;
        source.Cancel();
    }
}
