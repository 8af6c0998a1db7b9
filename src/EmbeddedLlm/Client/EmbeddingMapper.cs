using System.Numerics;
using System.Runtime.InteropServices;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Client;

/// <summary>Reads the options of embedding requests, and makes embeddings of a model's vectors. Nothing is ignored in silence.</summary>
internal static class EmbeddingMapper
{
    /// <summary>Throws for what the generator cannot do.</summary>
    /// <param name="options">The request's options.</param>
    /// <param name="generator">The generator that is asked.</param>
    /// <param name="modelId">Its model.</param>
    /// <exception cref="NotSupportedException">Names the option.</exception>
    public static void EnsureSupported(EmbeddingGenerationOptions? options, IEmbeddingGenerator generator, string modelId)
    {
        if (options is null)
            return;
        if (options.ModelId is not null && options.ModelId != modelId)
            throw NotSupported(nameof(options.ModelId), $"the generator computes with '{modelId}', not with '{options.ModelId}'");
        if (options.AdditionalProperties is { Count: > 0 })
            throw NotSupported(nameof(options.AdditionalProperties), $"it has '{options.AdditionalProperties.Keys.First()}'");
        if (options.RawRepresentationFactory?.Invoke(generator) is { } raw)
            throw NotSupported(nameof(options.RawRepresentationFactory), $"it gave a {raw.GetType().Name}; options belong to {nameof(EmbeddedModel.AsEmbeddingGenerator)}");
    }

    /// <summary>How many of a vector's numbers are asked for.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than one.</exception>
    /// <exception cref="NotSupportedException">More than there are.</exception>
    public static int Dimensions(EmbeddingGenerationOptions? options, int vectorLength)
    {
        if (options?.Dimensions is not { } wanted)
            return vectorLength;
        ArgumentOutOfRangeException.ThrowIfLessThan(wanted, 1, nameof(options.Dimensions));
        return wanted <= vectorLength ? wanted : throw NotSupported(nameof(options.Dimensions), $"the model gives {vectorLength} dimensions, not {wanted}");
    }

    /// <summary>A vector's first numbers, at a length of 1 where that is wanted; a vector that is 0 stays so.</summary>
    /// <param name="vector">The model's vector. It is written to.</param>
    /// <param name="dimensions">How many of its numbers.</param>
    /// <param name="normalizes">Whether the length is to be 1.</param>
    /// <exception cref="DecodeException">The vector has a number that is none.</exception>
    public static ReadOnlyMemory<float> Finish(float[] vector, int dimensions, bool normalizes)
    {
        Span<float> kept = vector.AsSpan(0, dimensions);
        double length = Math.Sqrt(SumOfSquares(kept));
        if (!double.IsFinite(length))
            throw new DecodeException("The model gave no usable vector: a number in it is NaN or infinite.");
        if (normalizes && length > 0)
            Scale(kept, (float)(1 / length));
        return dimensions == vector.Length ? vector : kept.ToArray();
    }

    /// <summary>In double precision, in which no square of a float overflows or vanishes.</summary>
    private static double SumOfSquares(ReadOnlySpan<float> vector)
    {
        ReadOnlySpan<Vector<float>> blocks = MemoryMarshal.Cast<float, Vector<float>>(vector);
        Vector<double> sums = Vector<double>.Zero;
        foreach (Vector<float> block in blocks)
        {
            Vector.Widen(block, out Vector<double> low, out Vector<double> high);
            sums += (low * low) + (high * high);
        }

        double sum = Vector.Sum(sums);
        foreach (float value in vector[(blocks.Length * Vector<float>.Count)..])
            sum += (double)value * value;
        return sum;
    }

    private static void Scale(Span<float> vector, float factor)
    {
        Span<Vector<float>> blocks = MemoryMarshal.Cast<float, Vector<float>>(vector);
        foreach (ref Vector<float> block in blocks)
            block *= factor;
        foreach (ref float value in vector[(blocks.Length * Vector<float>.Count)..])
            value *= factor;
    }

    private static NotSupportedException NotSupported(string option, string why) => new($"{nameof(EmbeddingGenerationOptions)}.{option} is not supported: {why}.");
}
