namespace EmbeddedLlm;

/// <summary>
/// How a model's weights are stored, by llama.cpp's names, with llama.cpp's numbers (<c>llama_ftype</c>). Those that need an importance matrix are missing, and so are those whose search for the nearest lattice
/// point ends the process where a weight is extreme (IQ1, IQ2, IQ3).
/// </summary>
/// <remarks>Vectors, such as norms and biases, stay as they are. A matrix whose rows are no multiple of a type's block gets the nearest type that fits.</remarks>
public enum QuantizationType
{
    /// <summary>32-bit numbers.</summary>
    F32 = 0,

    /// <summary>16-bit numbers.</summary>
    F16 = 1,

    /// <summary>16-bit numbers with the range of 32-bit ones.</summary>
    BF16 = 32,

    /// <summary>8.5 bits a weight; hardly to be told from 16.</summary>
    Q8_0 = 7,

    /// <summary>4.5 bits a weight, one scale for each 32.</summary>
    Q4_0 = 2,

    /// <summary>5 bits a weight, scale and minimum for each 32.</summary>
    Q4_1 = 3,

    /// <summary>5.5 bits a weight, one scale for each 32.</summary>
    Q5_0 = 8,

    /// <summary>6 bits a weight, scale and minimum for each 32.</summary>
    Q5_1 = 9,

    /// <summary>About 3 bits a weight; much is lost.</summary>
    Q2_K = 10,

    /// <summary>About 3.5 bits a weight.</summary>
    Q3_K_S = 11,

    /// <summary>About 3.9 bits a weight.</summary>
    Q3_K_M = 12,

    /// <summary>About 4.3 bits a weight.</summary>
    Q3_K_L = 13,

    /// <summary>About 4.6 bits a weight.</summary>
    Q4_K_S = 14,

    /// <summary>About 4.9 bits a weight; what most models are offered in.</summary>
    Q4_K_M = 15,

    /// <summary>About 5.5 bits a weight.</summary>
    Q5_K_S = 16,

    /// <summary>About 5.7 bits a weight.</summary>
    Q5_K_M = 17,

    /// <summary>About 6.6 bits a weight.</summary>
    Q6_K = 18,

    /// <summary>4.5 bits a weight, non-linear levels, one scale for each 32.</summary>
    IQ4_NL = 25,

    /// <summary>4.25 bits a weight, non-linear levels.</summary>
    IQ4_XS = 30,

    /// <summary>1.69 bits a weight, for models trained with ternary weights.</summary>
    TQ1_0 = 36,

    /// <summary>2.06 bits a weight, for models trained with ternary weights.</summary>
    TQ2_0 = 37,
}
