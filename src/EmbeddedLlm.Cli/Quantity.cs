using System.Globalization;

namespace EmbeddedLlm.Cli;

/// <summary>Large numbers as people write them.</summary>
internal static class Quantity
{
    /// <summary>A count with three digits and a unit: 0.919 M, 7.62 B.</summary>
    public static string Of(long count) => count switch
    {
        // From where it would be 1000 M.
        >= 999_500_000 => Short(count / 1e9) + " B",
        >= 100_000 => Short(count / 1e6) + " M",
        _ => count.ToString("N0", CultureInfo.InvariantCulture),
    };

    /// <summary>A size in bytes: 1.78 MiB.</summary>
    public static string OfBytes(long bytes) => bytes switch
    {
        >= (1 << 30) - (1 << 19) => Short(bytes / (double)(1 << 30)) + " GiB",
        >= (1 << 20) - (1 << 9) => Short(bytes / (double)(1 << 20)) + " MiB",
        _ => Short(bytes / 1024.0) + " KiB",
    };

    private static string Short(double value) => value.ToString(value < 10 ? "0.##" : value < 100 ? "0.#" : "0", CultureInfo.InvariantCulture);
}
