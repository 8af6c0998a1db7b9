namespace EmbeddedLlm.Gguf;

/// <summary>
/// What llama.cpp asks of a file's layout beyond what the reader does: limits, and tensor data in the order of the tensors, without gaps.
/// </summary>
internal static class GgufLayoutChecks
{
    // ggml's GGML_MAX_NAME, with the zero byte at its end.
    private const int MaximumNameBytes = 64;

    // ggml's TENSOR_ALIGNMENT, which memory that is mapped from a file is asserted to have.
    private const int TensorAlignment = 32;

    public static void Check(GgufFile file)
    {
        if (file.Metadata.Count > GgufModelValidator.MaximumEntries)
            throw new GgufFormatException(0,
                $"it has {file.Metadata.Count:N0} metadata keys, the most is {GgufModelValidator.MaximumEntries:N0}");
        if (file.Tensors.Count > GgufModelValidator.MaximumEntries)
            throw new GgufFormatException(0, $"it has {file.Tensors.Count:N0} tensors, the most is {GgufModelValidator.MaximumEntries:N0}");

        foreach ((string key, GgufValue value) in file.Metadata)
        {
            if (value.Type == GgufValueType.Array && value.GetArray().ElementType == GgufValueType.Array)
                throw new GgufFormatException(value.Offset, $"'{key}' is an array of arrays, which llama.cpp does not read");
        }

        Int128 expected = 0;
        foreach (GgufTensorInfo tensor in file.Tensors)
        {
            if (System.Text.Encoding.UTF8.GetByteCount(tensor.Name) >= MaximumNameBytes)
                throw new GgufFormatException(0, $"the name of the tensor '{tensor.Name}' takes {MaximumNameBytes} bytes or more");
            if (tensor.ElementCount == 0)
                throw new GgufFormatException(0, $"the tensor '{tensor.Name}' is empty");
            if (tensor.Offset != expected)
                throw new GgufFormatException(file.DataOffset,
                    $"the data of '{tensor.Name}' is at {tensor.Offset:N0} where {expected:N0} is expected");

            if ((file.DataOffset + tensor.Offset) % TensorAlignment != 0)
                throw new GgufFormatException(file.DataOffset + tensor.Offset, $"the data of '{tensor.Name}' is at no multiple of {TensorAlignment}");

            expected += tensor.ByteSize + (-tensor.ByteSize & (file.Alignment - 1));
        }
    }
}
