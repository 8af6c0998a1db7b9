namespace EmbeddedLlm.Scheduling;

/// <summary>
/// Threads for what goes on beside a computation: what callers do with the text of the last step, and the masks of the next token. They sleep as soon as there is nothing
/// to do. Threads of the pool spin before they sleep, and where the model computes on every core, each core that spins delays the others at their next barrier: a small
/// model's tokens take three times as long. Any number of threads may post.
/// </summary>
/// <param name="capacity">How many threads there are at most. Callers may block them; what finds none goes to the pool.</param>
/// <param name="idleTime">After what time without work a thread ends.</param>
internal sealed class WorkerThreads(int capacity, TimeSpan idleTime)
{
    // No item, and so no caller, leaves anything behind in a thread's context.
    private static readonly ContextCallback Execute = static item => ((IThreadPoolWorkItem)item!).Execute();

    private readonly Lock _gate = new();
    private readonly Queue<IThreadPoolWorkItem> _items = new();

    // The one that slept last is woken first: its caches are warm, and the others may end.
    private readonly List<Worker> _sleeping = [];
    private int _count;

    // A worker is on its way and takes an item. If there are more then, it wakes the next: seldom are as many needed as there are items.
    private bool _isWaking;

    /// <summary>Those of all engines of the process.</summary>
    public static WorkerThreads Shared { get; } = new(capacity: 64, idleTime: TimeSpan.FromSeconds(20));

    /// <summary>How many threads there are now.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
                return _count;
        }
    }

    /// <summary>Has an item executed on some thread, soon. Items posted one after the other may run side by side.</summary>
    public void Post(IThreadPoolWorkItem item)
    {
        Worker? worker;
        lock (_gate)
        {
            _items.Enqueue(item);
            worker = TakeNext();
        }

        worker?.Wake();
    }

    /// <summary>The worker to wake for the items that wait, if one is needed. Starts a thread where none sleeps, and leaves the items to the pool where none can be started.</summary>
    private Worker? TakeNext()
    {
        if (_isWaking || _items.Count == 0)
            return null;
        if (_sleeping.Count > 0)
        {
            Worker worker = _sleeping[^1];
            _sleeping.RemoveAt(_sleeping.Count - 1);
            _isWaking = true;
            return worker;
        }

        if (_count < capacity && TryStart())
        {
            _isWaking = true;
            return null;
        }

        while (_items.TryDequeue(out IThreadPoolWorkItem? item))
            ThreadPool.UnsafeQueueUserWorkItem(item, preferLocal: false);
        return null;
    }

    private bool TryStart()
    {
        try
        {
            new Thread(Run) { IsBackground = true, Name = "EmbeddedLlm worker" }.UnsafeStart();
            _count++;
            return true;
        }
        catch (Exception exception) when (exception is OutOfMemoryException or ThreadStartException)
        {
            // The system gives the process no more threads.
            return false;
        }
    }

    private void Run()
    {
        ExecutionContext context = ExecutionContext.Capture()!;
        Worker self = new();
        do
        {
            bool isStarting = true;
            while (TakeItem(self, isStarting) is { } item)
            {
                ExecutionContext.Run(context, Execute, item);
                isStarting = false;
            }
        }
        while (SleepOrEnd(self));
    }

    /// <summary>An item for a worker that is awake; null where there is none, and it is to sleep.</summary>
    private IThreadPoolWorkItem? TakeItem(Worker self, bool isStarting)
    {
        IThreadPoolWorkItem? item;
        Worker? next = null;
        lock (_gate)
        {
            if (isStarting)
                _isWaking = false;
            if (_items.TryDequeue(out item))
                next = TakeNext();
            else
                _sleeping.Add(self);
        }

        next?.Wake();
        return item;
    }

    /// <summary>Sleeps until there is work; false where there was none for long, and the thread is to end.</summary>
    private bool SleepOrEnd(Worker self)
    {
        if (self.Sleep(idleTime))
            return true;
        lock (_gate)
        {
            if (_sleeping.Remove(self))
            {
                _count--;
                return false;
            }
        }

        // It was chosen just now, and is about to be woken.
        return self.Sleep(Timeout.InfiniteTimeSpan);
    }

    private sealed class Worker
    {
        private readonly object _monitor = new();
        private bool _isWoken;

        public void Wake()
        {
            lock (_monitor)
            {
                _isWoken = true;
                Monitor.Pulse(_monitor);
            }
        }

        /// <summary>Waits to be woken; false where that takes too long.</summary>
        public bool Sleep(TimeSpan time)
        {
            lock (_monitor)
            {
                while (!_isWoken && Monitor.Wait(_monitor, time))
                {
                }

                bool isWoken = _isWoken;
                _isWoken = false;
                return isWoken;
            }
        }
    }
}
