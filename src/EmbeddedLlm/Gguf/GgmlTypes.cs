namespace EmbeddedLlm.Gguf;

/// <summary>Block sizes of the tensor types: a row is stored as whole blocks of <c>elements</c> in <c>bytes</c>.</summary>
/// <remarks>The layouts are those of ggml's <c>block_*</c> structures in ggml-common.h.</remarks>
public static class GgmlTypes
{
    // Indexed by the type's number; (0, 0) where ggml has none or has removed it.
    private static readonly (ushort Elements, ushort Bytes)[] Blocks =
    [
        (1, 4), // 0 F32
        (1, 2), // 1 F16
        (32, 18), // 2 Q4_0
        (32, 20), // 3 Q4_1
        (0, 0), // 4 removed
        (0, 0), // 5 removed
        (32, 22), // 6 Q5_0
        (32, 24), // 7 Q5_1
        (32, 34), // 8 Q8_0
        (32, 36), // 9 Q8_1
        (256, 84), // 10 Q2_K
        (256, 110), // 11 Q3_K
        (256, 144), // 12 Q4_K
        (256, 176), // 13 Q5_K
        (256, 210), // 14 Q6_K
        (256, 292), // 15 Q8_K
        (256, 66), // 16 IQ2_XXS
        (256, 74), // 17 IQ2_XS
        (256, 98), // 18 IQ3_XXS
        (256, 50), // 19 IQ1_S
        (32, 18), // 20 IQ4_NL
        (256, 110), // 21 IQ3_S
        (256, 82), // 22 IQ2_S
        (256, 136), // 23 IQ4_XS
        (1, 1), // 24 I8
        (1, 2), // 25 I16
        (1, 4), // 26 I32
        (1, 8), // 27 I64
        (1, 8), // 28 F64
        (256, 56), // 29 IQ1_M
        (1, 2), // 30 BF16
        (0, 0), // 31 removed
        (0, 0), // 32 removed
        (0, 0), // 33 removed
        (256, 54), // 34 TQ1_0
        (256, 66), // 35 TQ2_0
        (0, 0), // 36 removed
        (0, 0), // 37 removed
        (0, 0), // 38 removed
        (32, 17), // 39 MXFP4
        (64, 36), // 40 NVFP4
        (128, 18), // 41 Q1_0
        (64, 18), // 42 Q2_0
    ];

    /// <summary>Whether ggml has a tensor type of this number.</summary>
    /// <param name="type">A tensor type, possibly out of the enumeration.</param>
    public static bool IsDefined(GgmlType type) => (uint)type < (uint)Blocks.Length && Blocks[(int)type].Elements != 0;

    /// <summary>The number of elements in one block of a type; the length of a row is a multiple of it.</summary>
    /// <param name="type">A defined tensor type.</param>
    /// <exception cref="ArgumentOutOfRangeException">The type is not defined.</exception>
    public static int BlockElements(GgmlType type) => Block(type).Elements;

    /// <summary>The number of bytes in one block of a type.</summary>
    /// <param name="type">A defined tensor type.</param>
    /// <exception cref="ArgumentOutOfRangeException">The type is not defined.</exception>
    public static int BlockBytes(GgmlType type) => Block(type).Bytes;

    /// <summary>Whether a type stores blocks of quantised elements rather than single numbers.</summary>
    /// <param name="type">A defined tensor type.</param>
    /// <exception cref="ArgumentOutOfRangeException">The type is not defined.</exception>
    public static bool IsQuantised(GgmlType type) => Block(type).Elements > 1;

    /// <summary>The number of bytes that a row of elements takes.</summary>
    /// <param name="type">A defined tensor type.</param>
    /// <param name="elements">The length of the row, a multiple of the type's block.</param>
    /// <exception cref="ArgumentOutOfRangeException">The type is not defined, or the length is negative or no multiple of its block.</exception>
    /// <exception cref="OverflowException">The size does not fit 64 bits.</exception>
    public static long RowBytes(GgmlType type, long elements)
    {
        (ushort blockElements, ushort blockBytes) = Block(type);
        ArgumentOutOfRangeException.ThrowIfNegative(elements);
        if (elements % blockElements != 0)
            throw new ArgumentOutOfRangeException(nameof(elements), elements,
                $"A row of {type} is a multiple of {blockElements} elements.");

        return checked(elements / blockElements * blockBytes);
    }

    private static (ushort Elements, ushort Bytes) Block(GgmlType type) =>
        IsDefined(type) ? Blocks[(int)type] : throw new ArgumentOutOfRangeException(nameof(type), type, "ggml has no such tensor type.");
}
