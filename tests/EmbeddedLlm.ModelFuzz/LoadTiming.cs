using System.Diagnostics;
using EmbeddedLlm.Gguf;
using EmbeddedLlm.SyntheticModels;

namespace EmbeddedLlm.ModelFuzz;

/// <summary>What share of a load the checks of the file take.</summary>
internal static class LoadTiming
{
    private const int Rounds = 15;

    /// <summary>Measures a model; of a file with a vocabulary only, a tiny model is made, which loads faster than any that is of use.</summary>
    /// <param name="path">The file.</param>
    /// <param name="folder">Where a model is made.</param>
    public static async Task<string> MeasureAsync(string path, string folder)
    {
        if (GgufFile.Open(path).Tensors.Count == 0)
        {
            Directory.CreateDirectory(folder);
            string made = Path.Combine(folder, "timing.gguf");
            SyntheticModel.Write(made, SyntheticShape.Tiny, SyntheticVocabulary.FromFile(path));
            path = made;
        }

        List<double> reads = [], checks = [], loads = [];
        for (int round = 0; round < Rounds; round++)
        {
            long start = Stopwatch.GetTimestamp();
            IReadOnlyList<GgufFile> files = GgufFile.OpenParts(path);
            reads.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            start = Stopwatch.GetTimestamp();
            GgufModelValidator.Validate(files);
            checks.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            start = Stopwatch.GetTimestamp();
            await (await EmbeddedModel.LoadAsync(path).ConfigureAwait(false)).DisposeAsync().ConfigureAwait(false);
            loads.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }

        (double read, double check, double load) = (Median(reads), Median(checks), Median(loads));
        return $"{Path.GetFileName(path)}: load {load:F1} ms, of which reading the header {read:F2} ms and checking it {check:F2} ms ({check / load:P2}); medians of {Rounds}. "
            + $"The first load of the process: {loads[0]:F1} ms, {reads[0]:F2} ms, {checks[0]:F2} ms ({checks[0] / loads[0]:P2}).";
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
