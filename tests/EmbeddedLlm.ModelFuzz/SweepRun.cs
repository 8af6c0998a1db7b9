using System.Diagnostics;
using System.Globalization;
using EmbeddedLlm.Gguf;

namespace EmbeddedLlm.ModelFuzz;

/// <summary>
/// Sweeps the base models, an adapter, the files of a split model and a grown model of each architecture, each with a child of its own. Reports every file that ends the child, keeps it waiting, or makes it
/// throw what callers are not told of.
/// </summary>
/// <param name="folder">Where files are written; one that fails stays there.</param>
/// <param name="programFolder">Where this program was built.</param>
/// <param name="limit">How long one file may take.</param>
internal sealed class SweepRun(string folder, string programFolder, TimeSpan limit)
{
    private readonly Lock _gate = new();
    private readonly List<string> _failures = [];
    private int _files;
    private int _used;
    private int _refused;

    /// <summary>Sweeps all there is, or what is named.</summary>
    /// <param name="only">Names of base models and architectures; empty for all.</param>
    /// <param name="addsKeys">Whether hyperparameters, tensors and keys of the tokenizer are added as well, which takes longer than all the rest.</param>
    /// <param name="jobs">How many subjects at once.</param>
    /// <param name="report">Gets a line for each failure and each subject.</param>
    /// <param name="quantizes">Whether the files are quantised instead of used, to one type after the other, and the healthy ones to each.</param>
    /// <param name="cancellationToken">Ends the sweep after the files that are being loaded.</param>
    public async Task<FuzzReport> RunAsync(IReadOnlyCollection<string> only, bool addsKeys, int jobs, Action<string> report, bool quantizes = false, CancellationToken cancellationToken = default)
    {
        IReadOnlyList<(string Name, RawModel Model)> bases = BaseModels.Create();
        RawModel llama = bases.Single(pair => pair.Name == "llama").Model;
        ParallelOptions parallel = new() { MaxDegreeOfParallelism = jobs };
        IEnumerable<Subject> chosen = SubjectsOf(bases, llama).Where(subject => only.Count == 0 || only.Contains(subject.Name) || only.Contains(subject.Architecture));
        await Parallel.ForEachAsync(chosen, parallel, async (subject, _) =>
        {
            if (!cancellationToken.IsCancellationRequested)
                await SweepAsync(subject, llama, addsKeys, quantizes, report, cancellationToken).ConfigureAwait(false);
        }).ConfigureAwait(false);
        return new FuzzReport(_files, _used, _refused, _failures);
    }

    private static IEnumerable<Subject> SubjectsOf(IReadOnlyList<(string Name, RawModel Model)> bases, RawModel llama)
    {
        foreach ((string name, RawModel model) in bases)
            yield return new Subject(name, model);
        yield return new Subject("adapter", BaseModels.AdapterFor(llama)) { FileName = "adapter.gguf", Beside = [("model.gguf", llama)], Adapter = "adapter.gguf" };
        (RawModel first, RawModel second) = BaseModels.Split(llama);
        yield return new Subject("split first", first) { FileName = BaseModels.FirstPart, Beside = [(BaseModels.SecondPart, second)], Loaded = BaseModels.FirstPart };
        yield return new Subject("split second", second) { FileName = BaseModels.SecondPart, Beside = [(BaseModels.FirstPart, first)], Loaded = BaseModels.FirstPart };
        foreach (string architecture in ModelGrower.Architectures)
            yield return new Subject(architecture + " (grown)", Model: null);
    }

    private async Task SweepAsync(Subject subject, RawModel seed, bool addsKeys, bool quantizes, Action<string> report, CancellationToken cancellationToken)
    {
        Stopwatch watch = Stopwatch.StartNew();
        string place = Directory.CreateDirectory(Path.Combine(folder, subject.Name.Replace(' ', '-'))).FullName;
        using HostProcess host = new(programFolder, limit);
        foreach ((string fileName, RawModel other) in subject.Beside)
            await File.WriteAllBytesAsync(Path.Combine(place, fileName), other.ToBytes(), CancellationToken.None).ConfigureAwait(false);

        (RawModel model, string answer) = subject.Model is { } given
            ? (given, await LoadAsync(given.ToBytes(), 1).ConfigureAwait(false))
            : await new ModelGrower(seed, grown => LoadAsync(grown.ToBytes(), 1)).GrowAsync(subject.Architecture).ConfigureAwait(false);
        int files = 0, used = 0, failures = 0;
        if (!answer.StartsWith("used", StringComparison.Ordinal))
        {
            // Damage to what is refused anyway would show little.
            if (!answer.StartsWith("refused", StringComparison.Ordinal))
                Fail("healthy", answer);
            report($"{subject.Name}: not swept, since it is {answer}");
            return;
        }

        // All grown models have the same tokenizer, which one of the base models has as well.
        IEnumerable<SweepStep> steps = Sweep.Keys(model, subject.Model is null ? model.Architecture + "." : "").Concat(Sweep.Tensors(model));
        if (quantizes)
            steps = ModelHost.Types.Select(type => new SweepStep($"nothing, to be quantised to {type}", model.Clone)).Concat(steps);
        if (addsKeys)
            steps = steps.Concat(Sweep.AbsentKeys(model)).Concat(Sweep.AbsentTensors(model)).Concat(subject.Model is null ? [] : Sweep.AbsentTokenizerKeys(model));
        foreach (SweepStep step in steps)
        {
            if (cancellationToken.IsCancellationRequested)
                break;
            byte[] damaged = step.Create().ToBytes();
            // Odd numbers read the file, even ones map it.
            int number = quantizes ? ModelHost.FirstQuantization + files : (files % 2) + 1;
            files++;
            answer = (subject.IsWhole ? await CheckAsync(damaged).ConfigureAwait(false) : null) ?? await LoadAsync(damaged, number).ConfigureAwait(false);
            if (answer.StartsWith("used", StringComparison.Ordinal))
                used++;
            else if (!answer.StartsWith("refused", StringComparison.Ordinal))
                Fail($"file {files}: {step.What}", answer, damaged);
        }

        lock (_gate)
        {
            _files += files;
            _used += used;
            _refused += files - used - failures;
        }

        report(string.Create(CultureInfo.InvariantCulture, $"{subject.Name}: {files} files, {used} used, {failures} failures, {watch.Elapsed.TotalSeconds:F0} s"));

        async Task<string> LoadAsync(byte[] file, int number)
        {
            await File.WriteAllBytesAsync(Path.Combine(place, subject.FileName), file, CancellationToken.None).ConfigureAwait(false);
            return await host.LoadAsync(Path.Combine(place, subject.Loaded), number, subject.Adapter is null ? null : Path.Combine(place, subject.Adapter)).ConfigureAwait(false);
        }

        void Fail(string what, string how, byte[]? file = null)
        {
            failures++;
            string kept = Path.Combine(place, $"failed-{files}.gguf");
            File.WriteAllBytes(kept, file ?? model.ToBytes());
            string failure = $"{subject.Name}, {what}: {how}";
            lock (_gate)
                _failures.Add(failure);
            report($"{failure} ({kept})");
        }
    }

    // Most files are refused by managed code, which needs no child: null for those that it lets pass.
    private async Task<string?> CheckAsync(byte[] file)
    {
        try
        {
            await Task.Run(() => GgufModelValidator.Validate(GgufFile.Read(new MemoryStream(file)))).WaitAsync(limit).ConfigureAwait(false);
            return null;
        }
        catch (GgufFormatException exception)
        {
            return $"refused {exception.Message}";
        }
        catch (Exception exception)
        {
            return $"unexpected in the checks: {exception}";
        }
    }

    /// <summary>What is swept.</summary>
    /// <param name="Name">Its name.</param>
    /// <param name="Model">The file that is damaged; null where it is to be grown first.</param>
    private sealed record Subject(string Name, RawModel? Model)
    {
        /// <summary>The damaged file's name.</summary>
        public string FileName { get; init; } = "model.gguf";

        /// <summary>Files that stay healthy.</summary>
        public IReadOnlyList<(string FileName, RawModel Model)> Beside { get; init; } = [];

        /// <summary>The name of the model's file.</summary>
        public string Loaded { get; init; } = "model.gguf";

        /// <summary>The name of the file of an adapter that the model is loaded with.</summary>
        public string? Adapter { get; init; }

        public string Architecture => Name.Split(' ')[0];

        public bool IsWhole => Beside.Count == 0;
    }
}
