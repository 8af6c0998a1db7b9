using System.Diagnostics.CodeAnalysis;

namespace EmbeddedLlm.Scheduling;

/// <summary>The sequences that wait for a slot: higher priorities first, and first come first served among equals. Any thread adds; the engine thread takes.</summary>
internal sealed class RequestQueue
{
    private readonly Lock _gate = new();
    private readonly LinkedList<Sequence> _waiting = new();
    private Func<Exception>? _refusal;

    public RequestQueue(int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        Capacity = capacity;
    }

    public int Capacity { get; }

    public int Count
    {
        get
        {
            lock (_gate)
                return _waiting.Count;
        }
    }

    /// <summary>Adds a sequence after its equals; false where the queue is full of live ones.</summary>
    /// <exception cref="ObjectDisposedException">The queue refuses further sequences.</exception>
    public bool TryEnqueue(Sequence sequence)
    {
        lock (_gate)
        {
            if (_refusal is not null)
                throw _refusal();
            if (_waiting.Count >= Capacity)
                RemoveEnded();
            if (_waiting.Count >= Capacity)
                return false;
            LinkedListNode<Sequence>? before = _waiting.Last;
            while (before is not null && before.Value.Request.Priority < sequence.Request.Priority)
                before = before.Previous;
            Insert(before, sequence);
            return true;
        }
    }

    /// <summary>Puts a sequence that has run back, ahead of its equals and whatever the capacity.</summary>
    public void Return(Sequence sequence)
    {
        lock (_gate)
        {
            LinkedListNode<Sequence>? before = _waiting.Last;
            while (before is not null && before.Value.Request.Priority <= sequence.Request.Priority)
                before = before.Previous;
            Insert(before, sequence);
        }
    }

    /// <summary>The first sequence that has not ended meanwhile, left in the queue.</summary>
    public bool TryPeek([NotNullWhen(true)] out Sequence? sequence)
    {
        lock (_gate)
        {
            while (_waiting.First is { } first)
            {
                sequence = first.Value;
                if (!sequence.Output.IsComplete)
                    return true;
                Drop(first);
            }

            sequence = null;
            return false;
        }
    }

    /// <summary>Takes out a sequence that was peeked, or has ended while it waited; nothing where it does not wait.</summary>
    public void Remove(Sequence sequence)
    {
        lock (_gate)
        {
            if (sequence.Place is { } place)
                Remove(place);
        }
    }

    /// <summary>Refuses further sequences; those that wait still get their turn. What the queue refuses with already, it goes on to.</summary>
    public void Refuse()
    {
        lock (_gate)
            _refusal ??= static () => new ObjectDisposedException(objectName: null, "The model has been disposed, or is about to be.");
    }

    /// <summary>Refuses further sequences and gives those that wait.</summary>
    /// <param name="refusal">What further ones are refused with.</param>
    public Sequence[] Close(Func<Exception> refusal)
    {
        lock (_gate)
        {
            _refusal = refusal;
            Sequence[] rest = [.. _waiting];
            while (_waiting.First is { } first)
                Remove(first);
            return rest;
        }
    }

    private void Insert(LinkedListNode<Sequence>? before, Sequence sequence)
    {
        sequence.Place = before is null ? _waiting.AddFirst(sequence) : _waiting.AddAfter(before, sequence);
        // Whoever ended it before it had a place found nothing to take out.
        if (sequence.Output.IsComplete)
            Drop(sequence.Place);
    }

    private void RemoveEnded()
    {
        for (LinkedListNode<Sequence>? node = _waiting.First, next; node is not null; node = next)
        {
            next = node.Next;
            if (node.Value.Output.IsComplete)
                Drop(node);
        }
    }

    private void Drop(LinkedListNode<Sequence> node)
    {
        node.Value.Interruption?.Release();
        Remove(node);
    }

    private void Remove(LinkedListNode<Sequence> node)
    {
        node.Value.Place = null;
        _waiting.Remove(node);
    }
}
