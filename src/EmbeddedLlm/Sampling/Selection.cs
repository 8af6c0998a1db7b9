using System.Numerics;

namespace EmbeddedLlm.Sampling;

/// <summary>Finding the best of many without sorting them all.</summary>
internal static class Selection
{
    private const int BucketBits = 11;

    // Up to here a sort is faster than another round of buckets.
    private const int SortLimit = 512;

    // And up to here than another partition.
    private const int SmallSort = 16;

    /// <summary>How many numbers <see cref="BestByWeight"/> needs for its buckets.</summary>
    public const int BucketCount = 1 << BucketBits;

    /// <summary>The k-th greatest of the values; negative infinity where there are fewer. The values hold no NaN, the heap has room for k.</summary>
    public static float KthGreatest(ReadOnlySpan<float> values, int k, Span<float> heap)
    {
        if (k > values.Length)
            return float.NegativeInfinity;

        // The k greatest so far, the least of them first.
        heap = heap[..k];
        values[..k].CopyTo(heap);
        for (int i = k / 2 - 1; i >= 0; i--)
            SiftDown(heap, i);
        float least = heap[0];
        foreach (float value in values[k..])
        {
            if (value > least)
            {
                heap[0] = value;
                SiftDown(heap, 0);
                least = heap[0];
            }
        }

        return least;
    }

    /// <summary>Moves the k best candidates to the front, in no particular order. What is behind them afterwards has no meaning.</summary>
    /// <param name="candidates">More than k distinct candidates, see <see cref="Candidate"/>.</param>
    /// <param name="k">How many are kept.</param>
    /// <param name="weights">Room for as many numbers as there are candidates.</param>
    /// <param name="buckets">Room for <see cref="BucketCount"/> sums.</param>
    public static void Best(Span<ulong> candidates, int k, Span<float> weights, Span<double> buckets)
    {
        if (candidates.Length <= SortLimit)
        {
            Best(candidates, k);
            return;
        }

        weights = weights[..candidates.Length];
        weights.Fill(1f);
        BestByWeight(candidates, weights, k, buckets);
    }

    /// <summary>The same for few candidates: a quickselect (C. A. R. Hoare, Algorithm 65: Find, 1961), which for some hundred takes a tenth of the time that a sort takes.</summary>
    private static void Best(Span<ulong> candidates, int k)
    {
        int start = 0, end = candidates.Length;
        while (start < k && end - start > SmallSort)
        {
            // One of three distinct ones is less than their median and one is not, so that both parts have some.
            ulong first = candidates[start], middle = candidates[(start + end) / 2], last = candidates[end - 1];
            ulong pivot = Math.Max(Math.Min(first, middle), Math.Min(Math.Max(first, middle), last));

            // On which side a candidate is is as good as random, so it is not a branch.
            int left = start;
            for (int i = start; i < end; i++)
            {
                ulong candidate = candidates[i];
                candidates[i] = candidates[left];
                candidates[left] = candidate;
                left += candidate < pivot ? 1 : 0;
            }

            if (k < left)
                end = left;
            else
                start = left;
        }

        if (start < k)
            candidates[start..end].Sort();
    }

    /// <summary>
    /// Moves the best candidates to the front, in no particular order: as few as have the given weight together, or all. What is behind
    /// them afterwards has no meaning.
    /// </summary>
    /// <param name="candidates">Distinct candidates, see <see cref="Candidate"/>.</param>
    /// <param name="weights">Their weights, moved along with them.</param>
    /// <param name="target">The weight to reach. At least one candidate is kept.</param>
    /// <param name="buckets">Room for <see cref="BucketCount"/> sums.</param>
    /// <returns>How many are kept.</returns>
    /// <remarks>
    /// A radix selection: the range of the candidates is cut into equal buckets, all before the one in which the target is reached are
    /// kept, all behind it dropped, and that one is cut again. Each round makes the range 2¹¹ times narrower, so there are at most six.
    /// </remarks>
    public static int BestByWeight(Span<ulong> candidates, Span<float> weights, double target, Span<double> buckets)
    {
        int kept = 0;
        int end = candidates.Length;
        double weight = 0;
        while (end - kept > SortLimit)
        {
            Span<ulong> range = candidates[kept..end];
            Span<float> rangeWeights = weights[kept..end];
            (ulong least, ulong greatest) = Range(range);
            int shift = Math.Max(0, 64 - BitOperations.LeadingZeroCount(greatest - least) - BucketBits);

            buckets = buckets[..BucketCount];
            buckets.Clear();
            for (int i = 0; i < range.Length; i++)
                buckets[(int)((range[i] - least) >> shift)] += rangeWeights[i];

            int bucket = 0;
            while (bucket < BucketCount - 1 && weight + buckets[bucket] < target)
                weight += buckets[bucket++];

            (int before, int within) = Partition(range, rangeWeights, least, shift, (ulong)bucket);
            end = kept + before + within;
            kept += before;
        }

        candidates[kept..end].Sort(weights[kept..end]);
        while (kept < end)
        {
            weight += weights[kept++];
            if (weight >= target)
                break;
        }

        return kept;
    }

    /// <summary>Moves the candidates of lower buckets to the front and those of this bucket behind them; the others are lost.</summary>
    private static (int Before, int Within) Partition(Span<ulong> range, Span<float> weights, ulong least, int shift, ulong bucket)
    {
        // Whether a candidate is lost is as good as random, so it is not a branch.
        int left = 0;
        for (int i = 0; i < range.Length; i++)
        {
            ulong candidate = range[i];
            range[left] = candidate;
            weights[left] = weights[i];
            left += (candidate - least) >> shift <= bucket ? 1 : 0;
        }

        // Few of those left are in the bucket itself.
        int before = 0;
        for (int i = 0; i < left; i++)
        {
            if ((range[i] - least) >> shift == bucket)
                continue;
            (range[i], range[before]) = (range[before], range[i]);
            (weights[i], weights[before]) = (weights[before], weights[i]);
            before++;
        }

        return (before, left - before);
    }

    private static (ulong Least, ulong Greatest) Range(ReadOnlySpan<ulong> candidates)
    {
        ulong least = ulong.MaxValue;
        ulong greatest = 0;
        foreach (ulong candidate in candidates)
        {
            least = Math.Min(least, candidate);
            greatest = Math.Max(greatest, candidate);
        }

        return (least, greatest);
    }

    private static void SiftDown(Span<float> heap, int i)
    {
        float value = heap[i];
        for (int child = 2 * i + 1; child < heap.Length; child = 2 * i + 1)
        {
            if (child + 1 < heap.Length && heap[child + 1] < heap[child])
                child++;
            if (heap[child] >= value)
                break;
            heap[i] = heap[child];
            i = child;
        }

        heap[i] = value;
    }
}
