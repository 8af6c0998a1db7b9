namespace EmbeddedLlm.Gguf;

/// <summary>
/// What llama.cpp's CPU backend does with matrices on processors with Intel's Advanced Matrix Extensions: it copies those that are multiplied with activations out of the file,
/// in an order of their own and some with more numbers per block (ggml/src/ggml-cpu/amx, <c>supports_op</c> and <c>get_row_size</c>).
/// </summary>
internal static class AmxLayout
{
    /// <summary>The name of the buffers that such matrices are in.</summary>
    public const string BufferName = "AMX";

    private const int RowsOfTilePair = 32;

    /// <summary>
    /// Whether a tensor is a stack of matrices, other than of experts, that the layout would be chosen for. It holds one matrix only: the first of them would be read, and the
    /// operation that is not there for activations in another order ends the process.
    /// </summary>
    public static bool IsBrokenBy(GgufTensorInfo tensor) => tensor.DimensionOrOne(2) > 1 && IsOfUse(tensor) && !tensor.Name.Contains("_exps.", StringComparison.Ordinal);

    /// <summary>The bytes of a tensor in this layout; 0 where it is not put into it.</summary>
    public static long Measure(GgufTensorInfo tensor) =>
        tensor.Dimensions.Length == 2 && IsOfUse(tensor) && !IsLookedUp(tensor.Name) ? tensor.ByteSize + (tensor.ElementCount / GgmlTypes.BlockElements(tensor.Type) * BytesMore(tensor.Type)) : 0;

    private static bool IsOfUse(GgufTensorInfo tensor) => tensor.DimensionOrOne(1) % RowsOfTilePair == 0 && ColumnsOf(tensor.Type) is > 0 and int columns && tensor.DimensionOrOne(0) % columns == 0;

    // Rows of these are picked or they slide over the input; the rest are multiplied.
    private static bool IsLookedUp(string name) =>
        name is "position_embd.weight" or "token_types.weight" or "per_layer_token_embd.weight" || name.EndsWith(".ssm_conv1d.weight", StringComparison.Ordinal) || name.EndsWith(".shortconv.conv.weight", StringComparison.Ordinal);

    /// <summary>What the length of a row must be a multiple of; 0 where there is no such kernel.</summary>
    private static int ColumnsOf(GgmlType type) => type switch
    {
        GgmlType.F16 => 16,
        GgmlType.Q4_0 or GgmlType.Q4_1 or GgmlType.Q8_0 => 32,
        GgmlType.Q4_K or GgmlType.Q5_K or GgmlType.Q6_K or GgmlType.IQ4_XS => 256,
        _ => 0,
    };

    private static int BytesMore(GgmlType type) => type switch
    {
        GgmlType.Q8_0 or GgmlType.Q4_K or GgmlType.Q5_K => 4,
        GgmlType.IQ4_XS => 2,
        _ => 0,
    };
}
