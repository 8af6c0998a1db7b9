using EmbeddedLlm.Gguf;

namespace EmbeddedLlm.SyntheticModels;

/// <summary>Compares files by everything about tensors but their weights and their order, which decides nothing.</summary>
internal static class SyntheticComparison
{
    /// <summary>What differs, tensor by tensor; nothing where the two have the same tensors of the same types and sizes.</summary>
    public static IEnumerable<string> Differences(GgufFile actual, GgufFile expected)
    {
        Dictionary<string, GgufTensorInfo> left = expected.Tensors.ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);
        foreach (GgufTensorInfo tensor in actual.Tensors)
        {
            if (!left.Remove(tensor.Name, out GgufTensorInfo? other))
                yield return $"{tensor.Name} is too many";
            else if (tensor.Type != other.Type || tensor.ByteSize != other.ByteSize || !HasSameShape(tensor, other))
                yield return $"{tensor} is to be {other}";
        }

        foreach (string name in left.Keys)
            yield return $"{name} is missing";
    }

    // llama.cpp leaves out last dimensions of 1.
    private static bool HasSameShape(GgufTensorInfo one, GgufTensorInfo other) =>
        Enumerable.Range(0, 4).All(index => one.DimensionOrOne(index) == other.DimensionOrOne(index));
}
