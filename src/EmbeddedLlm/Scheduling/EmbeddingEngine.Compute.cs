namespace EmbeddedLlm.Scheduling;

/// <content>Compute: what a step has planned becomes vectors.</content>
internal sealed partial class EmbeddingEngine
{
    private void ComputePlanned()
    {
        float[][]? vectors = _embedder.Batch.Count > 0 ? ComputePacked() : ComputeInPieces(_planned[0], _inputs[0]) is { } whole ? [whole] : null;
        if (vectors is null || !TryComputeAgain(vectors))
            return;
        for (int slot = 0; slot < _planned.Count; slot++)
            _planned[slot].Accept(vectors[slot]);
    }

    /// <returns>The vectors of all inputs; null where there are none.</returns>
    private float[][]? ComputePacked()
    {
        if (!TryCompute())
            return null;
        float[][] vectors = new float[_planned.Count][];
        for (int slot = 0; slot < vectors.Length; slot++)
            vectors[slot] = VectorOf(slot).ToArray();
        return vectors;
    }

    /// <summary>Computes again, one by one, the inputs whose vectors are unusable, and leaves none of their numbers behind.</summary>
    /// <returns>False where that was aborted or failed.</returns>
    private bool TryComputeAgain(float[][] vectors)
    {
        for (int slot = 0; slot < vectors.Length; slot++)
        {
            if (IsUsable(vectors[slot]))
                continue;
            _embedder.Wipe();
            if (_planned[slot].IsEnded)
                continue;
            if (ComputeInPieces(_planned[slot], _inputs[slot]) is not { } vector)
                return false;
            vectors[slot] = vector;
            if (!IsUsable(vector))
                _embedder.Wipe();
        }

        return true;
    }

    private static bool IsUsable(float[] vector)
    {
        foreach (float number in vector)
        {
            if (!float.IsFinite(number))
                return false;
        }

        return true;
    }

    /// <summary>An input piece by piece, where it is longer than a batch: the cells of the earlier pieces stay for the later ones to look at.</summary>
    /// <returns>Its vector; null where there is none.</returns>
    private float[]? ComputeInPieces(EmbeddingJob job, int[] input)
    {
        float[] vector = new float[_embedder.VectorLength];
        for (int start = 0, count; start < input.Length; start += count)
        {
            count = Math.Min(_embedder.Batch.Capacity, input.Length - start);
            _embedder.Batch.Clear();
            _embedder.Batch.AddWithAllLogits(slot: 0, input.AsSpan(start, count), start);
            if (job.IsEnded)
            {
                _planned.ForEach(planned => planned.Undo());
                return null;
            }

            if (!TryCompute())
                return null;
            Merge(vector, VectorOf(0), start, count);
        }

        return vector;
    }

    private void Merge(Span<float> whole, ReadOnlySpan<float> piece, int before, int count)
    {
        switch (_embedder.Merge)
        {
            case PieceMerge.Mean:
                float weight = (float)count / (before + count);
                for (int i = 0; i < whole.Length; i++)
                    whole[i] += (piece[i] - whole[i]) * weight;
                break;
            case PieceMerge.First when before > 0:
                break;
            default:
                piece.CopyTo(whole);
                break;
        }
    }

    private ReadOnlySpan<float> VectorOf(int slot)
    {
        ReadOnlySpan<float> vector = _embedder.GetVector(slot);
        return vector.Length == _embedder.VectorLength ? vector
            : throw new InvalidOperationException($"The vector of slot {slot} has {vector.Length} numbers, not {_embedder.VectorLength}.");
    }

    private bool TryCompute()
    {
        DecodeResult result = _embedder.Compute();
        if (result == DecodeResult.Done)
            return true;
        if (result == DecodeResult.Aborted)
            _planned.ForEach(job => job.Undo());
        else
            FailPlanned(new DecodeException($"llama.cpp failed to compute a batch of {_embedder.Batch.Count} tokens ({result}); its log says more."));
        return false;
    }
}
