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
    /// <param name="function">What to do, between two steps.</param>
    /// <param name="cancellationToken">Ends the wait for the running step, after which nothing is done; what has begun is done.</param>
    /// <exception cref="ObjectDisposedException">The engine is stopped.</exception>
    /// <exception cref="DecodeException">The engine has failed for good.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was cancelled, and nothing is done.</exception>
    public Task<T> InvokeAsync<T>(Func<Scheduler, T> function, CancellationToken cancellationToken)
    {
        Call<T> call = new(function, cancellationToken);
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

    private sealed class Call<T> : ICall
    {
        private readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly Func<Scheduler, T> _function;
        private readonly CancellationTokenRegistration _cancellation;
        private int _isTaken;

        public Call(Func<Scheduler, T> function, CancellationToken cancellationToken)
        {
            _function = function;
            _cancellation = cancellationToken.UnsafeRegister(
                (_, token) =>
                {
                    if (TryTake())
                        _done.SetCanceled(token);
                },
                state: null);
        }

        public Task<T> Task => _done.Task;

        public void Run(Scheduler scheduler)
        {
            if (!TryTake())
                return;
            _cancellation.Unregister();
            try
            {
                _done.SetResult(_function(scheduler));
            }
            catch (Exception exception)
            {
                _done.SetException(exception);
            }
        }

        public void Fail(Exception exception)
        {
            if (!TryTake())
                return;
            _cancellation.Unregister();
            _done.SetException(exception);
        }

        /// <summary>By whoever comes first: the engine, or the caller's cancellation.</summary>
        private bool TryTake() => Interlocked.Exchange(ref _isTaken, 1) == 0;
    }
}
