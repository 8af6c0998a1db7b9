using System.Globalization;

namespace EmbeddedLlm.Gguf;

/// <summary>Models that are split over several files: each names its number, and the first their count.</summary>
internal static class GgufSplitChecks
{
    private const string CountKey = "split.count";
    private const string NumberKey = "split.no";

    /// <summary>The paths of the files that follow a model's first; none where it is not split.</summary>
    public static IEnumerable<string> OtherPaths(GgufFile first, string path)
    {
        int count = UInt16(first, CountKey) ?? 1;
        if (count <= 1)
            return [];

        string ending = Name(number: 1, count);
        return path.EndsWith(ending, StringComparison.Ordinal)
            ? Enumerable.Range(2, count - 1).Select(number => path[..^ending.Length] + Name(number, count))
            : throw new GgufFormatException(0, $"it is the first of {count} files, but its name does not end with '{ending}'");
    }

    public static void Check(IReadOnlyList<GgufFile> parts)
    {
        int count = UInt16(parts[0], CountKey) ?? 1;
        if (Math.Max(count, 1) != parts.Count)
            throw new GgufFormatException(0, $"the model is split over {count} files, {parts.Count} are given");
        if (count <= 1)
            return;

        HashSet<string> names = new(StringComparer.Ordinal);
        for (int i = 0; i < parts.Count; i++)
        {
            // llama.cpp reads this number from the later files without looking at its type.
            if (UInt16(parts[i], NumberKey) != i)
                throw new GgufFormatException(0, $"file {i + 1} of {count} does not say so in '{NumberKey}'");

            foreach (GgufTensorInfo tensor in parts[i].Tensors)
            {
                if (!names.Add(tensor.Name))
                    throw new GgufFormatException(0, $"the tensor '{tensor.Name}' is in more than one file");
            }
        }
    }

    // llama.h, llama_split_path.
    private static string Name(int number, int count) => string.Create(CultureInfo.InvariantCulture, $"-{number:D5}-of-{count:D5}.gguf");

    private static int? UInt16(GgufFile file, string key)
    {
        if (!file.Metadata.TryGetValue(key, out GgufValue value))
            return null;

        return value.Type == GgufValueType.UInt16
            ? value.GetUInt16()
            : throw new GgufFormatException(value.Offset, $"'{key}' is of type {value.Type}, not {GgufValueType.UInt16}");
    }
}
