using EmbeddedLlm.Gguf;

namespace EmbeddedLlm.SyntheticModels;

/// <summary>Compares files by everything about tensors but their weights.</summary>
internal static class SyntheticComparison
{
    /// <summary>What differs, tensor by tensor; nothing where the two have the same tensors, of the same types and sizes, at the same places.</summary>
    public static IEnumerable<string> Differences(GgufFile actual, GgufFile expected)
    {
        if (actual.Tensors.Count != expected.Tensors.Count)
            yield return $"{actual.Tensors.Count} tensors are to be {expected.Tensors.Count}";
        foreach ((GgufTensorInfo tensor, GgufTensorInfo other) in actual.Tensors.Zip(expected.Tensors))
        {
            if (tensor.Name != other.Name || tensor.Type != other.Type || tensor.Offset != other.Offset || tensor.ByteSize != other.ByteSize || !HasSameShape(tensor, other))
                yield return $"{tensor} at {tensor.Offset:N0} is to be {other} at {other.Offset:N0}";
        }
    }

    // llama.cpp leaves out last dimensions of 1.
    private static bool HasSameShape(GgufTensorInfo one, GgufTensorInfo other) =>
        Enumerable.Range(0, 4).All(index => one.DimensionOrOne(index) == other.DimensionOrOne(index));
}
