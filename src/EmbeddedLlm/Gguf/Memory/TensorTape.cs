using System.Runtime.InteropServices;

namespace EmbeddedLlm.Gguf;

/// <summary>
/// The tensors of a compute graph in the order in which they are computed, and what memory they need at most at once when each is freed after its last use. The rules are those of ggml's graph
/// allocator (ggml-alloc.c): inputs come first, the smallest free block that fits is taken, an operation that can overwrites its operand where nobody else needs it.
/// </summary>
internal sealed class TensorTape
{
    /// <summary>A tensor that lies elsewhere: a weight, the KV cache.</summary>
    public const int Elsewhere = -1;

    private const long Alignment = 64;

    // More than any machine has, and still little enough that sums of it fit 64 bits.
    private const long MostBytes = 1L << 48;

    private readonly List<Tensor> _tensors = [];
    private readonly List<int> _operands = [];

    /// <summary>Adds a tensor that the graph is given.</summary>
    public int Input(Int128 bytes) => Add(new Tensor { Bytes = Bounded(bytes), Kind = Kind.Input, Root = Elsewhere }, []);

    /// <summary>Adds the result of an operation.</summary>
    public int Compute(Int128 bytes, params ReadOnlySpan<int> operands) => Add(new Tensor { Bytes = Bounded(bytes), Kind = Kind.Result, Root = Elsewhere }, operands);

    /// <summary>Adds the result of an operation that may be written over its first operand of the same size.</summary>
    public int Overwrite(Int128 bytes, params ReadOnlySpan<int> operands) => Add(new Tensor { Bytes = Bounded(bytes), Kind = Kind.Result, Root = Elsewhere, CanOverwrite = true }, operands);

    /// <summary>Adds a part of a tensor, or the whole of it in another order.</summary>
    public int View(int tensor)
    {
        int root = tensor != Elsewhere && _tensors[tensor].Kind == Kind.View ? _tensors[tensor].Root : tensor;
        return Add(new Tensor { Kind = Kind.View, Root = root }, [tensor]);
    }

    /// <summary>Adds an operation that writes elsewhere.</summary>
    public void Store(params ReadOnlySpan<int> operands) => Add(new Tensor { Kind = Kind.View, Root = Elsewhere }, operands);

    /// <summary>The bytes that all of it needs at once.</summary>
    public long PeakBytes()
    {
        Span<Tensor> tensors = CollectionsMarshal.AsSpan(_tensors);
        ReadOnlySpan<int> operands = CollectionsMarshal.AsSpan(_operands);
        FreeBlocks memory = new();
        foreach (ref Tensor tensor in tensors)
        {
            (tensor.Users, tensor.Views, tensor.IsAllocated) = (0, 0, false);
            if (tensor.Kind == Kind.Input)
                Allocate(ref tensor, memory);
        }

        foreach (ref Tensor tensor in tensors)
        {
            if (tensor.Kind == Kind.View && tensor.Root != Elsewhere)
                tensors[tensor.Root].Views++;
            foreach (int operand in tensor.OperandsIn(operands))
                tensors[operand].Users++;
        }

        foreach (ref Tensor tensor in tensors)
        {
            if (tensor.Kind == Kind.Result && !(tensor.CanOverwrite && TryOverwrite(ref tensor, tensors, operands)))
                Allocate(ref tensor, memory);
            foreach (int operand in tensor.OperandsIn(operands))
                Release(ref tensors[operand], tensors, memory);
        }

        return memory.Peak;
    }

    private static long Bounded(Int128 bytes) => (long)Int128.Clamp(bytes, 0, MostBytes);

    private static long Aligned(long bytes) => (bytes + Alignment - 1) / Alignment * Alignment;

    private static void Allocate(ref Tensor tensor, FreeBlocks memory)
    {
        tensor.Offset = memory.Take(Aligned(tensor.Bytes));
        tensor.IsAllocated = true;
    }

    private static bool TryOverwrite(ref Tensor tensor, Span<Tensor> tensors, ReadOnlySpan<int> operands)
    {
        foreach (int operand in tensor.OperandsIn(operands))
        {
            ref Tensor parent = ref tensors[operand];
            if (parent.Kind == Kind.View || !parent.IsAllocated || parent.Bytes != tensor.Bytes || parent.Users != 1 || parent.Views != 0)
                continue;
            tensor.Offset = parent.Offset;
            tensor.IsAllocated = true;
            parent.IsAllocated = false;
            return true;
        }

        return false;
    }

    private static void Release(ref Tensor operand, Span<Tensor> tensors, FreeBlocks memory)
    {
        if (--operand.Users > 0 || operand.Views > 0)
            return;
        if (operand.Kind != Kind.View)
            Free(ref operand, memory);
        else if (operand.Root != Elsewhere && --tensors[operand.Root].Views == 0 && tensors[operand.Root].Users == 0)
            Free(ref tensors[operand.Root], memory);
    }

    private static void Free(ref Tensor tensor, FreeBlocks memory)
    {
        if (!tensor.IsAllocated)
            return;
        memory.Return(tensor.Offset, Aligned(tensor.Bytes));
        tensor.IsAllocated = false;
    }

    private int Add(Tensor tensor, ReadOnlySpan<int> operands)
    {
        tensor.FirstOperand = _operands.Count;
        foreach (int operand in operands)
        {
            if (operand != Elsewhere)
                _operands.Add(operand);
        }

        tensor.OperandCount = _operands.Count - tensor.FirstOperand;
        _tensors.Add(tensor);
        return _tensors.Count - 1;
    }

    private enum Kind
    {
        Input,
        Result,
        View,
    }

    private struct Tensor
    {
        public long Bytes;
        public Kind Kind;
        public bool CanOverwrite;
        public int Root;
        public int FirstOperand;
        public int OperandCount;

        public long Offset;
        public int Users;
        public int Views;
        public bool IsAllocated;

        public readonly ReadOnlySpan<int> OperandsIn(ReadOnlySpan<int> all) => all.Slice(FirstOperand, OperandCount);
    }

    /// <summary>Memory without an end, and the blocks in it that were given back, by their place.</summary>
    private sealed class FreeBlocks
    {
        private readonly List<(long Offset, long Size)> _blocks = [];
        private long _end;

        public long Peak { get; private set; }

        public long Take(long size)
        {
            int best = -1;
            for (int i = 0; i < _blocks.Count; i++)
            {
                if (_blocks[i].Size >= size && (best < 0 || _blocks[i].Size <= _blocks[best].Size))
                    best = i;
            }

            if (best < 0)
            {
                long end = _end;
                _end += size;
                Peak = Math.Max(Peak, _end);
                return end;
            }

            (long offset, long free) = _blocks[best];
            if (free == size)
                _blocks.RemoveAt(best);
            else
                _blocks[best] = (offset + size, free - size);
            return offset;
        }

        public void Return(long offset, long size)
        {
            int next = _blocks.FindIndex(block => block.Offset > offset);
            next = next < 0 ? _blocks.Count : next;
            if (next < _blocks.Count && offset + size == _blocks[next].Offset)
            {
                size += _blocks[next].Size;
                _blocks.RemoveAt(next);
            }

            if (next > 0 && _blocks[next - 1].Offset + _blocks[next - 1].Size == offset)
            {
                (offset, size) = (_blocks[next - 1].Offset, _blocks[next - 1].Size + size);
                _blocks.RemoveAt(--next);
            }

            // What ends where the memory does is its end again, and grows with the next tensor.
            if (offset + size == _end)
                _end = offset;
            else
                _blocks.Insert(next, (offset, size));
        }
    }
}
