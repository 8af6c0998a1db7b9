using System.CommandLine;
using System.Globalization;
using EmbeddedLlm.Benchmarks.Results;
using EmbeddedLlm.Cli;
using EmbeddedLlm.Gguf;
using EmbeddedLlm.Interop;
using EmbeddedLlm.SyntheticModels;

namespace EmbeddedLlm.Benchmarks;

/// <summary>
/// Shows that synthetic models are as good as quantised ones for measuring: writes a shape with 16-bit weights, lets llama.cpp quantise it, and compares that file with the one that was written directly,
/// first tensor by tensor, then by how fast both are.
/// </summary>
internal static class ShapesCommand
{
    private const string Direct = "written directly", Quantised = "quantised by llama.cpp";

    /// <summary>How far the two speeds may lie apart.</summary>
    private const double Tolerance = 0.03;

    /// <summary>The verb.</summary>
    public static Command Create()
    {
        string[] names = [.. SyntheticPreset.All.Select(preset => preset.Name)];
        Option<string[]> shapes = new("--shape") { Description = $"A shape: {string.Join(", ", names)}. May be repeated.", DefaultValueFactory = _ => ["qwen2.5-0.5b", "llama-3.2-1b"] };
        Option<string[]> mixes = new("--mix") { Description = $"How weights are stored: {string.Join(", ", SyntheticChoice.MixNames)}. May be repeated.", DefaultValueFactory = _ => ["q4_k_m", "q8_0"] };
        shapes.AcceptOnlyFromAmong(names);
        mixes.AcceptOnlyFromAmong([.. SyntheticChoice.MixNames]);
        Option<bool> writesOnly = new("--write-only") { Description = "Writes the files directly, prints their paths, and compares nothing." };
        Option<int?> pairs = Numbers.Option("--pairs", "How many pairs of each measurement. Default: as many as fit into 8 seconds, from 5 to 301.", minimum: 1);
        Option<int?> threads = Numbers.Option("--threads", "The CPU threads. Default: as many as there are processors.", minimum: 1);
        Command command = new("shapes", "Compares models with random weights that were written quantised with what llama.cpp quantises: tensor by tensor, and by speed.") { shapes, mixes, writesOnly, pairs, threads };
        command.SetAction((arguments, cancellation) => RunAsync(
            arguments.GetRequiredValue(shapes), arguments.GetRequiredValue(mixes), arguments.GetValue(writesOnly), arguments.GetValue(pairs), arguments.GetValue(threads), cancellation));
        return command;
    }

    private static async Task<int> RunAsync(string[] shapes, string[] mixes, bool writesOnly, int? pairs, int? threads, CancellationToken cancellationToken)
    {
        SyntheticChoice[] choices = [.. shapes.SelectMany(shape => mixes.Select(mix => Choose(shape, mix)))];
        if (writesOnly)
        {
            foreach (SyntheticChoice choice in choices)
                Console.WriteLine(BenchmarkFiles.Cache.GetOrWrite(choice, BenchmarkFiles.FindVocabulary(choice.Preset), cancellationToken));
            return 0;
        }

        IReadOnlyList<Figure> figures = await MeasureAsync(choices, pairs, threads, cancellationToken);
        Print(figures);
        return figures.Any(IsOff) ? 1 : 0;
    }

    /// <summary>Compares and measures.</summary>
    /// <exception cref="InvalidOperationException">The files differ in more than the weights, or logits are not finite.</exception>
    public static async Task<IReadOnlyList<Figure>> MeasureAsync(IReadOnlyList<SyntheticChoice> choices, int? pairs, int? threads, CancellationToken cancellationToken)
    {
        List<Figure> figures = [];
        foreach (IGrouping<SyntheticPreset, SyntheticChoice> group in choices.GroupBy(choice => choice.Preset))
        {
            string? vocabulary = BenchmarkFiles.FindVocabulary(group.Key);
            using SyntheticPartialFile source = BenchmarkFiles.Cache.WritePartial(new SyntheticChoice(group.Key, SyntheticMix.F16), vocabulary, cancellationToken);
            foreach (SyntheticChoice choice in group)
            {
                string direct = BenchmarkFiles.Cache.GetOrWrite(choice, vocabulary, cancellationToken);
                using SyntheticPartialFile quantised = new(direct);
                Console.WriteLine($"Quantising {choice}");
                await ModelQuantizer.QuantizeAsync(source.Path, quantised.Path, (QuantizationType)SyntheticMixes.FileType(choice.Mix), cancellationToken: cancellationToken);
                EnsureSameTensors(choice, GgufFile.Open(direct), GgufFile.Open(quantised.Path));
                using SyntheticPartialFile one = Copy(direct), other = Copy(quantised.Path);
                figures.AddRange(await MeasureAsync(choice, one.Path, other.Path, pairs, threads, cancellationToken));
            }
        }

        return figures;
    }

    /// <summary>
    /// Files that came into the system's cache in different ways lie differently in memory, which alone makes 3 to 5 % of decoding speed. So none is measured as it was made, but both as copies that were made
    /// just before.
    /// </summary>
    private static SyntheticPartialFile Copy(string path)
    {
        SyntheticPartialFile copy = new(path);
        try
        {
            File.Copy(path, copy.Path);
            return copy;
        }
        catch
        {
            copy.Dispose();
            throw;
        }
    }

    private static SyntheticChoice Choose(string shape, string mix) =>
        SyntheticChoice.TryParse($"{SyntheticChoice.Prefix}{shape}:{mix}", out SyntheticChoice? choice, out string? fault) ? choice : throw new ArgumentException(fault);

    private static void EnsureSameTensors(SyntheticChoice choice, GgufFile direct, GgufFile quantised)
    {
        string[] differences = [.. SyntheticComparison.Differences(direct, quantised)];
        if (differences.Length > 0)
            throw new InvalidOperationException($"{choice} is not what llama.cpp makes of it, in {differences.Length} tensors: {string.Join("; ", differences.Take(10))}.");
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"All {direct.Tensors.Count} tensors have the names, types, sizes and places that llama.cpp gives them."));
    }

    /// <summary>Weights that make activations explode, or vanish into denormal numbers, would not be as fast as others.</summary>
    private static void EnsureFinite(SyntheticChoice choice, BareLoop loop)
    {
        loop.Prefill([.. Enumerable.Range(0, 32)]);
        for (int i = 0; i < 8; i++)
            loop.Decode();
        float greatest = 0;
        foreach (float logit in loop.Logits)
            greatest = float.IsFinite(logit) ? MathF.Max(greatest, MathF.Abs(logit)) : throw new InvalidOperationException($"{choice} gives a logit of {logit}.");
        if (greatest is < 0.01f or > 1000)
            throw new InvalidOperationException($"{choice} gives logits up to {greatest}.");
    }

    private static async Task<IEnumerable<Figure>> MeasureAsync(SyntheticChoice choice, string direct, string quantised, int? pairs, int? threads, CancellationToken cancellationToken)
    {
        const int PromptTokens = 512, OutputTokens = 64;
        int threadCount = threads ?? Environment.ProcessorCount;
        BareSettings settings = new(CacheLength: PromptTokens + OutputTokens, BatchSize: PromptTokens, Sequences: 1, threadCount, Poll: null);
        using BareLoop one = new(direct, settings, excluded: []);
        using BareLoop other = new(quantised, settings, excluded: []);
        EnsureFinite(choice, one);
        EnsureFinite(choice, other);
        List<Figure> figures = [];
        foreach (PairedMeasurement measurement in new PairedMeasurement[] { new ShapePrefill(one, other, PromptTokens), new ShapeDecode(one, other, OutputTokens) })
        {
            cancellationToken.ThrowIfCancellationRequested();
            PairedResult result = await measurement.RunAsync(pairs);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {measurement.Name}: {result.Ratio:F3} ({result.Ratios.Least:F3}–{result.Ratios.Greatest:F3}), {result.ProcessorRatio:F3} by CPU time, in {result.Pairs} pairs"));
            figures.AddRange(FiguresOf(choice, measurement.Name, threadCount, result));
        }

        return figures;
    }

    private static IEnumerable<Figure> FiguresOf(SyntheticChoice choice, string what, int threads, PairedResult result)
    {
        Figure figure = new()
        {
            Subject = "shapes",
            Case = what,
            Model = choice.ToString(),
            Device = DeviceName(),
            Threads = threads,
            Contender = Direct,
            Unit = FigureUnit.TokensPerSecond,
            Value = double.NaN,
        };
        yield return figure.With(result.ClientRates);
        yield return figure.With(result.BareRates) with { Contender = Quantised };
        yield return figure.With(result.Ratios) with
        {
            Unit = FigureUnit.Ratio,
            Target = 1 - Tolerance,
            Remark = string.Create(CultureInfo.InvariantCulture, $"beside the file that llama.cpp quantised; aimed at is {1 - Tolerance:F2} to {1 + Tolerance:F2}; {result.ProcessorRatio:F3} by CPU time"),
        };
    }

    /// <summary>Layers go to a GPU where there is one, as the bare loop has it.</summary>
    private static string DeviceName() =>
        BackendDevice.List().FirstOrDefault(device => device.Type is ggml_backend_dev_type.GPU or ggml_backend_dev_type.IGPU) is { } gpu ? new string([.. gpu.Name.TakeWhile(char.IsLetter)]).ToLowerInvariant() : "cpu";

    private static bool IsOff(Figure figure) => figure.Unit == FigureUnit.Ratio && Math.Abs(figure.Value - 1) > Tolerance;

    private static void Print(IReadOnlyList<Figure> figures)
    {
        Console.WriteLine();
        Console.WriteLine($"| model | what | {Quantised}, tok/s | {Direct}, tok/s | ratio: median (min–max) | pairs |");
        Console.WriteLine("|---|---|--:|--:|---|--:|");
        foreach (Figure ratio in figures.Where(figure => figure.Unit == FigureUnit.Ratio))
        {
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {ratio.Model} | {ratio.Case} | {Rate(ratio, Quantised):N1} | {Rate(ratio, Direct):N1} | {ratio.Value:F3} ({ratio.Least:F3}–{ratio.Greatest:F3}){(IsOff(ratio) ? " **off**" : "")} | {ratio.Samples} |"));
        }

        double Rate(Figure ratio, string contender) =>
            figures.Single(figure => figure.Unit == FigureUnit.TokensPerSecond && figure.Contender == contender && figure.Model == ratio.Model && figure.Case == ratio.Case).Value;
    }
}
