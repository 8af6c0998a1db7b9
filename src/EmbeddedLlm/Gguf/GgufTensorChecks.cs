namespace EmbeddedLlm.Gguf;

/// <summary>
/// The tensors of a model, checked for types that llama.cpp's operations abort on. Whether there are the tensors that an architecture needs, in the
/// shapes that its hyperparameters ask for, is left to llama.cpp, which reports it.
/// </summary>
internal static class GgufTensorChecks
{
    public static void Check(GgufModelKeys keys, IReadOnlyList<GgufFile> parts, int vocabularySize)
    {
        foreach (GgufFile part in parts)
        {
            foreach (GgufTensorInfo tensor in part.Tensors)
                CheckType(tensor);
        }

        _ = keys;
        _ = vocabularySize;
    }

    private static void CheckType(GgufTensorInfo tensor)
    {
        bool isVector = tensor.Name.EndsWith(".bias", StringComparison.Ordinal) || tensor.Name.EndsWith("norm.weight", StringComparison.Ordinal);
        if (isVector && tensor.Type != GgmlType.F32)
            throw new GgufFormatException(0, $"the tensor '{tensor.Name}' is of type {tensor.Type}, not {GgmlType.F32}");
        if (tensor.Type is GgmlType.Q8_1 or GgmlType.Q8_K or GgmlType.F64 or GgmlType.I8 or GgmlType.I16)
            throw new GgufFormatException(0, $"the tensor '{tensor.Name}' is of type {tensor.Type}, which is not for weights");
    }
}
