using System.Collections.Concurrent;

namespace EmbeddedLlm.Scheduling;

/// <content>Work for the engine thread that is no request: done between two steps, in the order it came.</content>
internal sealed partial class Engine
{
    private readonly ConcurrentQueue<ICall> _calls = new();
    private volatile bool _isClosed;

    private bool HasCalls => !_calls.IsEmpty;

    private interface ICall
    {
        void Run(Scheduler scheduler);

        void Fail(Exception exception);
    }

    /// <summary>Has the engine thread do something with the scheduler. Any thread.</summary>
    /// <exception cref="ObjectDisposedException">The engine is stopped.</exception>
    /// <exception cref="DecodeException">The engine has failed for good.</exception>
    public Task<T> InvokeAsync<T>(Func<Scheduler, T> function)
    {
        Call<T> call = new(function);
        _calls.Enqueue(call);
        _wake.Set();
        // Who comes after the thread has looked for the last time sees that it has.
        if (_isClosed)
            FailCalls();
        return call.Task;
    }

    private void RunCalls()
    {
        while (!_isStopping && _calls.TryDequeue(out ICall? call))
            call.Run(_scheduler);
    }

    private void CloseCalls()
    {
        _isClosed = true;
        FailCalls();
    }

    private void FailCalls()
    {
        while (_calls.TryDequeue(out ICall? call))
            call.Fail(EndedWith("The model is disposed."));
    }

    private sealed class Call<T>(Func<Scheduler, T> function) : ICall
    {
        private readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<T> Task => _done.Task;

        public void Run(Scheduler scheduler)
        {
            try
            {
                _done.SetResult(function(scheduler));
            }
            catch (Exception exception)
            {
                _done.SetException(exception);
            }
        }

        public void Fail(Exception exception) => _done.SetException(exception);
    }
}
