namespace EmbeddedLlm;

/// <summary>A model of the catalogue that this machine can run.</summary>
/// <param name="Name">The name by which it is loaded.</param>
/// <param name="Description">What it is.</param>
/// <param name="Parameters">The number of weights.</param>
/// <param name="MemoryBytes">The memory that it takes, in bytes.</param>
/// <param name="IsEstimate">Whether its file is not on this machine, and <paramref name="MemoryBytes"/> therefore estimated from the file's size, the number of weights and the context that is asked for.</param>
/// <param name="TokensPerSecond">
/// The tokens per second that one request can expect where the CPU computes, roughly: the bytes per second that are read from main memory, measured, and no more than so many cores compute, by the bytes of
/// weights that a token needs. Null where a GPU would hold the weights, whose memory is not measured.
/// </param>
public sealed record ModelRecommendation(string Name, string Description, long Parameters, long MemoryBytes, bool IsEstimate, double? TokensPerSecond);
