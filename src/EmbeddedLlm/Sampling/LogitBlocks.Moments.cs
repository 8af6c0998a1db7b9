using System.Numerics;
using System.Runtime.InteropServices;

namespace EmbeddedLlm.Sampling;

/// <content>The spread of a row.</content>
internal readonly ref partial struct LogitBlocks
{
    /// <summary>The number of the allowed logits above negative infinity, and the sums of their distances from an origin and of these distances' squares.</summary>
    public (long Count, double Sum, double Squares) Moments(float origin)
    {
        long count = 0;
        double sum = 0;
        double squares = 0;
        Vector<float> origins = new(origin);
        Vector<float> nothing = new(float.NegativeInfinity);
        Span<float> distances = stackalloc float[BlockSize];
        Span<float> products = stackalloc float[BlockSize];
        ref float firstDistance = ref MemoryMarshal.GetReference(distances);
        ref float firstProduct = ref MemoryMarshal.GetReference(products);
        for (int block = 0; block < Count; block++)
        {
            ulong allowed = Allowed(block);
            if (allowed == 0)
                continue;
            ref float first = ref MemoryMarshal.GetReference(this[block]);
            Vector<int> counts = default;
            for (int i = 0; i < BlockSize; i += Vector<float>.Count)
            {
                Vector<float> logits = Vector.LoadUnsafe(ref first, (nuint)i);
                // False for NaN, as for negative infinity and for what is beyond the last token.
                Vector<int> there = Vector.AndNot(Vector.GreaterThan(logits, nothing), Banned(allowed, i));
                Vector<float> distance = Vector.ConditionalSelect(there, logits - origins, Vector<float>.Zero);
                counts -= there;
                distance.StoreUnsafe(ref firstDistance, (nuint)i);
                (distance * distance).StoreUnsafe(ref firstProduct, (nuint)i);
            }

            // Added in the same order at every vector width, so that the results are the same to the bit.
            count += Vector.Sum(counts);
            sum += Exponential.SumBlock(distances);
            squares += Exponential.SumBlock(products);
        }

        return (count, sum, squares);
    }
}
