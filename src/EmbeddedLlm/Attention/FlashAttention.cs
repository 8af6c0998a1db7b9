using System.Runtime.CompilerServices;

namespace EmbeddedLlm.Attention;

/// <summary>
/// Attention over half-precision keys and values, block by block of cells, with the softmax kept up to date from one block to the next (Dao et al. 2022, "FlashAttention"). A block that no token of a group sees is
/// skipped, and what is read of one is used for all tokens and heads of the group. Many threads compute one operation; nothing is allocated, and nothing is thrown.
/// </summary>
internal static unsafe class FlashAttention<TSimd, TVector>
    where TSimd : ISimd<TVector>
    where TVector : struct
{
    private const int BlockLength = AttentionScratch.BlockLength;
    private const ushort MinusInfinity = 0xFC00;
    private const int RowsAtOnce = 4;

    /// <summary>The longest heads there is memory for; those of DeepSeek's latent attention have 576 numbers.</summary>
    private const int MostLength = 1024;

    /// <summary>Whether heads of these lengths can be computed.</summary>
    public static bool Supports(int keyLength, int valueLength) => keyLength is > 0 and <= MostLength && valueLength is > 0 and <= MostLength && keyLength % 8 == 0 && valueLength % (2 * TSimd.Width) == 0;

    /// <summary>Computes a thread's share. Returns when there is no more to be taken; the result is there when all threads have returned.</summary>
    /// <param name="inputs">What is computed; the same for all threads.</param>
    /// <param name="job">What they share.</param>
    /// <param name="thread">Which this is.</param>
    /// <param name="threads">How many there are.</param>
    public static void Compute(in AttentionInputs inputs, AttentionJob* job, int thread, int threads)
    {
        if (thread < job->Threads)
        {
            AttentionWork work = AttentionWork.Divide(inputs, job->PartialCapacity);
            AttentionScratch scratch = new(job->Scratch + (thread * job->ScratchSize), job->KeyLength, job->ValueLength);
            int unit;
            while ((unit = Interlocked.Increment(ref job->NextUnit) - 1) < work.Units)
                ComputeUnit(inputs, work, job, scratch, unit);
        }

        // The last that leaves makes ready for the next operation.
        if (Interlocked.Increment(ref job->Left) == threads)
        {
            job->NextUnit = 0;
            Volatile.Write(ref job->Left, 0);
        }
    }

    private static void ComputeUnit(in AttentionInputs inputs, in AttentionWork work, AttentionJob* job, in AttentionScratch scratch, int unit)
    {
        int part = unit % work.Parts;
        int group = unit / work.Parts;
        int kvHead = group % inputs.KvHeads;
        // Later tokens see more cells: what takes longest comes first.
        int firstToken = (work.TokenGroups - 1 - (group / inputs.KvHeads)) * work.TokensPerGroup;
        int tokens = Math.Min(work.TokensPerGroup, inputs.Tokens - firstToken);
        int rows = tokens * inputs.HeadsPerKv;
        Begin(inputs, scratch, kvHead, firstToken, rows);
        int end = Math.Min(inputs.Cells, (part + 1) * work.CellsPerPart);
        for (int cell = part * work.CellsPerPart; cell < end; cell += BlockLength)
            AddBlock(inputs, scratch, kvHead, firstToken, tokens, cell, Math.Min(BlockLength, inputs.Cells - cell));
        if (work.Parts == 1)
        {
            for (int row = 0; row < rows; row++)
                Write(inputs, kvHead, firstToken, row, scratch.Sums + (row * inputs.ValueLength), scratch.Highest[row], TSimd.SumOf(TSimd.Load(scratch.Weights + (row * TSimd.Width))));
            return;
        }

        int length = AttentionWork.PartialLength(inputs.ValueLength);
        int rowsPerGroup = work.TokensPerGroup * inputs.HeadsPerKv;
        float* partials = job->Partials + ((nint)group * work.Parts * rowsPerGroup * length);
        Keep(inputs, scratch, rows, partials + ((nint)part * rowsPerGroup * length));
        if (Interlocked.Increment(ref job->PartsDone[group]) < work.Parts)
            return;
        job->PartsDone[group] = 0;
        for (int row = 0; row < rows; row++)
            WriteParts(inputs, work.Parts, kvHead, firstToken, row, partials + (row * length), (nint)rowsPerGroup * length);
    }

    private static void Begin(in AttentionInputs inputs, in AttentionScratch scratch, int kvHead, int firstToken, int rows)
    {
        for (int row = 0; row < rows; row++)
        {
            int head = HeadOf(inputs, kvHead, row);
            scratch.Queries[row] = inputs.Query(firstToken + (row / inputs.HeadsPerKv), head);
            scratch.Slopes[row] = inputs.SlopeOf(head);
        }

        new Span<float>(scratch.Highest, rows).Fill(float.NegativeInfinity);
        new Span<float>(scratch.Weights, rows * TSimd.Width).Clear();
        new Span<float>(scratch.Sums, rows * inputs.ValueLength).Clear();
    }

    private static void AddBlock(in AttentionInputs inputs, in AttentionScratch scratch, int kvHead, int firstToken, int tokens, int cell, int cells)
    {
        int seeing = FindSeeing(inputs, scratch, firstToken, tokens, cell, cells, out ulong visible);
        if (seeing == 0)
            return;
        byte* keys = inputs.Keys + (kvHead * inputs.KeyHeadStride) + (cell * inputs.KeyCellStride);
        byte* values = inputs.Values + (kvHead * inputs.ValueHeadStride) + (cell * inputs.ValueCellStride);
        Unpack(inputs, scratch, keys, values, cells, visible);
        for (int i = 0; i < seeing; i += RowsAtOnce)
            Score(inputs, scratch, i, seeing - 1);
        for (int i = 0; i < seeing; i++)
        {
            int row = scratch.Seeing[i];
            scratch.Shrinks[row] = Softmax<TSimd, TVector>.Weigh(
                scratch.Scores + (row * BlockLength), inputs, scratch.SeeingMasks[i], scratch.Slopes[row], ref scratch.Highest[row], scratch.Weights + (row * TSimd.Width));
        }

        for (int i = 0; i < seeing; i += RowsAtOnce)
            Sum(inputs, scratch, i, seeing - 1);
    }

    /// <summary>Lists the rows that see some of a block, with their masks.</summary>
    private static int FindSeeing(in AttentionInputs inputs, in AttentionScratch scratch, int firstToken, int tokens, int cell, int cells, out ulong visible)
    {
        int seeing = 0;
        visible = 0;
        for (int token = 0; token < tokens; token++)
        {
            float* mask = null;
            if (inputs.Mask is not null || cells < BlockLength)
            {
                ReadOnlySpan<ushort> halves = inputs.Mask is null ? default : new(inputs.Mask + ((firstToken + token) * inputs.MaskTokenStride) + (cell * sizeof(ushort)), cells);
                if (inputs.Mask is not null && !halves.ContainsAnyExcept(MinusInfinity))
                    continue;
                if (cells < BlockLength || halves.ContainsAnyExcept((ushort)0))
                    mask = scratch.Masks + (token * BlockLength);
                visible |= mask is null ? ulong.MaxValue : ReadMask(halves, cells, mask);
            }
            else
            {
                visible = ulong.MaxValue;
            }

            for (int head = 0; head < inputs.HeadsPerKv; head++, seeing++)
            {
                scratch.Seeing[seeing] = (token * inputs.HeadsPerKv) + head;
                scratch.SeeingMasks[seeing] = mask;
            }
        }

        return seeing;
    }

    /// <summary>A token's mask of a block in single precision. Cells that there are not are hidden.</summary>
    /// <returns>A bit for each cell that is not hidden.</returns>
    private static ulong ReadMask(ReadOnlySpan<ushort> halves, int cells, float* mask)
    {
        ushort* block = stackalloc ushort[BlockLength];
        Span<ushort> whole = new(block, BlockLength);
        whole[cells..].Fill(MinusInfinity);
        if (halves.IsEmpty)
            whole[..cells].Clear();
        else
            halves.CopyTo(whole);
        ulong visible = 0;
        for (int i = 0; i < BlockLength; i += TSimd.Width)
        {
            TVector added = TSimd.LoadHalves((byte*)(block + i));
            TSimd.Store(added, mask + i);
            visible |= (~TSimd.EqualBits(added, TSimd.Create(Softmax<TSimd, TVector>.Hidden)) & ((1UL << TSimd.Width) - 1)) << i;
        }

        return visible;
    }

    private static void Unpack(in AttentionInputs inputs, in AttentionScratch scratch, byte* keys, byte* values, int cells, ulong visible)
    {
        int keyBytes = inputs.KeyLength * sizeof(ushort);
        int valueBytes = inputs.ValueLength * sizeof(ushort);
        bool isWhole = cells == BlockLength;
        UnpackedBlock<TSimd, TVector>.UnpackKeys(isWhole ? keys : CopyRest(keys, inputs.KeyCellStride, keyBytes, cells, scratch.Rest), isWhole ? inputs.KeyCellStride : keyBytes, inputs.KeyLength, scratch.Keys);
        UnpackedBlock<TSimd, TVector>.UnpackValues(
            isWhole ? values : CopyRest(values, inputs.ValueCellStride, valueBytes, cells, scratch.Rest), isWhole ? inputs.ValueCellStride : valueBytes, inputs.ValueLength, visible, scratch.Values);
    }

    /// <summary>The last cells, and zeros where there are no more: what lies behind may belong to nobody.</summary>
    private static byte* CopyRest(byte* from, nint stride, int bytes, int cells, byte* to)
    {
        for (int i = 0; i < cells; i++)
            new ReadOnlySpan<byte>(from + (i * stride), bytes).CopyTo(new Span<byte>(to + (i * bytes), bytes));
        new Span<byte>(to + (cells * bytes), (BlockLength - cells) * bytes).Clear();
        return to;
    }

    private static void Score(in AttentionInputs inputs, in AttentionScratch scratch, int first, int last)
    {
        int row0 = scratch.Seeing[first];
        int row1 = scratch.Seeing[Math.Min(first + 1, last)];
        int row2 = scratch.Seeing[Math.Min(first + 2, last)];
        int row3 = scratch.Seeing[Math.Min(first + 3, last)];
        float** queries = scratch.Queries;
        float* scores = scratch.Scores;
        RowProducts<TSimd, TVector>.Score(
            queries[row0], queries[row1], queries[row2], queries[row3], scratch.Keys, inputs.KeyLength,
            scores + (row0 * BlockLength), scores + (row1 * BlockLength), scores + (row2 * BlockLength), scores + (row3 * BlockLength));
    }

    private static void Sum(in AttentionInputs inputs, in AttentionScratch scratch, int first, int last)
    {
        int row0 = scratch.Seeing[first];
        int row1 = scratch.Seeing[Math.Min(first + 1, last)];
        int row2 = scratch.Seeing[Math.Min(first + 2, last)];
        int row3 = scratch.Seeing[Math.Min(first + 3, last)];
        int length = inputs.ValueLength;
        float* scores = scratch.Scores;
        float* sums = scratch.Sums;
        float* shrinks = scratch.Shrinks;
        RowProducts<TSimd, TVector>.Sum(
            scores + (row0 * BlockLength), scores + (row1 * BlockLength), scores + (row2 * BlockLength), scores + (row3 * BlockLength), scratch.Values, length,
            sums + (row0 * length), sums + (row1 * length), sums + (row2 * length), sums + (row3 * length), shrinks[row0], shrinks[row1], shrinks[row2], shrinks[row3]);
    }

    /// <summary>Keeps what a part of the cells gives.</summary>
    private static void Keep(in AttentionInputs inputs, in AttentionScratch scratch, int rows, float* to)
    {
        int length = inputs.ValueLength;
        for (int row = 0; row < rows; row++, to += AttentionWork.PartialLength(length))
        {
            new ReadOnlySpan<float>(scratch.Sums + (row * length), length).CopyTo(new Span<float>(to, length));
            to[length] = scratch.Highest[row];
            to[length + 1] = TSimd.SumOf(TSimd.Load(scratch.Weights + (row * TSimd.Width)));
        }
    }

    /// <summary>Adds up a row's parts, in the first one's place.</summary>
    private static void WriteParts(in AttentionInputs inputs, int parts, int kvHead, int firstToken, int row, float* partial, nint stride)
    {
        int length = inputs.ValueLength;
        float highest = float.NegativeInfinity;
        for (int part = 0; part < parts; part++)
            highest = Math.Max(highest, partial[(part * stride) + length]);
        float weight = 0;
        for (int part = 0; part < parts; part++)
        {
            float* from = partial + (part * stride);
            // A part of which the row sees nothing has no share, also where no other has one.
            float factor = from[length + 1] == 0 ? 0 : MathF.Exp(from[length] - highest);
            TVector share = TSimd.Create(factor);
            weight += factor * from[length + 1];
            for (int i = 0; i < length; i += TSimd.Width)
                TSimd.Store(part == 0 ? TSimd.Multiply(share, TSimd.Load(from + i)) : TSimd.MultiplyAdd(share, TSimd.Load(from + i), TSimd.Load(partial + i)), partial + i);
        }

        Write(inputs, kvHead, firstToken, row, partial, highest, weight);
    }

    /// <summary>Writes a row's result, in the usual order. For short prompts this is a good part of the work.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Write(in AttentionInputs inputs, int kvHead, int firstToken, int row, float* sums, float highest, float weight)
    {
        int head = HeadOf(inputs, kvHead, row);
        float share = 1;
        if (inputs.Sinks is not null)
        {
            float top = Math.Max(highest, inputs.Sinks[head]);
            share = MathF.Exp(highest - top);
            weight = (weight * share) + MathF.Exp(inputs.Sinks[head] - top);
        }

        // A token that sees nothing gets nothing.
        float factor = weight == 0 ? 0 : share / weight;
        TVector multiplier = TSimd.Create(factor);
        float* to = inputs.Result(firstToken + (row / inputs.HeadsPerKv), head);
        for (int i = 0; i < inputs.ValueLength; i += 2 * TSimd.Width)
        {
            TVector first = TSimd.Multiply(TSimd.Load(sums + i), multiplier);
            TVector second = TSimd.Multiply(TSimd.Load(sums + i + TSimd.Width), multiplier);
            TSimd.Interleave(ref first, ref second);
            TSimd.Store(first, to + i);
            TSimd.Store(second, to + i + TSimd.Width);
        }
    }

    private static int HeadOf(in AttentionInputs inputs, int kvHead, int row) => (kvHead * inputs.HeadsPerKv) + (row % inputs.HeadsPerKv);
}
