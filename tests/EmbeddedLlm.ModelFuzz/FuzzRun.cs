using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;

namespace EmbeddedLlm.ModelFuzz;

/// <summary>What became of the files.</summary>
/// <param name="Files">How many there were.</param>
/// <param name="Used">How many loaded and were used.</param>
/// <param name="Refused">How many were refused as they should.</param>
/// <param name="Failures">What else happened, and to which file.</param>
internal sealed record FuzzReport(int Files, int Used, int Refused, IReadOnlyList<string> Failures);

/// <summary>Damages models and has a child load them. The same seed gives the same files, each of which can be made again from its number.</summary>
internal sealed class FuzzRun : IDisposable
{
    private static readonly TimeSpan FileLimit = TimeSpan.FromSeconds(60);

    private readonly ulong _seed;
    private readonly string _folder;
    private readonly int _grownShare;
    private readonly HostProcess _host;
    private readonly IReadOnlyList<(string Name, RawModel Model)> _bases = BaseModels.Create();
    private readonly ConcurrentDictionary<string, RawModel> _grown = new(StringComparer.Ordinal);
    private readonly List<string> _failures = [];
    private int _used;
    private int _refused;

    /// <param name="seed">Of the random numbers.</param>
    /// <param name="folder">Where files are written; one that fails stays there.</param>
    /// <param name="grownShare">One of so many files comes from a model of an architecture that is grown, which takes a while the first time; 0 for none.</param>
    /// <param name="programFolder">Where this program was built.</param>
    public FuzzRun(int seed, string folder, int grownShare, string programFolder)
    {
        _host = new HostProcess(programFolder, FileLimit);
        (_seed, _folder, _grownShare) = ((ulong)seed, folder, grownShare);
        Directory.CreateDirectory(folder);
    }

    public int Files { get; private set; }

    /// <summary>The models as they are before they are damaged: the child's answer to each.</summary>
    public async Task<IReadOnlyList<(string Name, string Answer)>> UseBasesAsync()
    {
        List<(string, string)> answers = [];
        foreach ((string name, RawModel model) in _bases)
            answers.Add((name, await LoadAsync(model.ToBytes(), number: 1).ConfigureAwait(false)));
        return answers;
    }

    /// <summary>Loads damaged files until the time is over or their number is reached.</summary>
    public async Task<FuzzReport> RunAsync(TimeSpan time, int first = 0, int most = int.MaxValue, Action<string>? report = null)
    {
        Stopwatch watch = Stopwatch.StartNew();
        for (int number = first; number - first < most && watch.Elapsed < time; number++)
        {
            byte[] file = await CreateAsync(number).ConfigureAwait(false);
            Count(number, file, await LoadAsync(file, number).ConfigureAwait(false), report);
            if (number % 1000 == 999)
                report?.Invoke(string.Create(CultureInfo.InvariantCulture, $"{number + 1} files, {_used} used, {_refused} refused, {_failures.Count} failures, {watch.Elapsed.TotalSeconds:F0} s"));
        }

        return new FuzzReport(Files, _used, _refused, _failures);
    }

    /// <summary>Grows a model of each architecture and says how far it came.</summary>
    public async Task<IReadOnlyList<(string Architecture, string Answer)>> GrowAllAsync()
    {
        List<(string, string)> answers = [];
        foreach (string architecture in ModelGrower.Architectures)
        {
            (RawModel model, string answer) = await GrowAsync(architecture).ConfigureAwait(false);
            _grown[architecture] = model;
            answers.Add((architecture, answer));
            if (IsFailure(answer))
                _ = Keep($"grown-{architecture}", model.ToBytes());
        }

        return answers;
    }

    public void Dispose() => _host.Dispose();

    private async Task<byte[]> CreateAsync(int number)
    {
        Random random = new((int)Mix(_seed, (ulong)number));
        RawModel model = _bases[random.Next(_bases.Count)].Model;
        if (_grownShare > 0 && random.Next(_grownShare) == 0)
        {
            string architecture = ModelGrower.Architectures[random.Next(ModelGrower.Architectures.Count)];
            if (!_grown.TryGetValue(architecture, out RawModel? grown))
                _grown[architecture] = grown = (await GrowAsync(architecture).ConfigureAwait(false)).Model;
            model = grown;
        }

        return new Mutator(random, [.. _bases.Select(pair => pair.Model)]).Mutate(model);
    }

    private Task<(RawModel Model, string Answer)> GrowAsync(string architecture) =>
        new ModelGrower(_bases[1].Model, model => LoadAsync(model.ToBytes(), number: 1)).GrowAsync(architecture);

    private async Task<string> LoadAsync(byte[] file, int number)
    {
        string path = Path.Combine(_folder, "model.gguf");
        await File.WriteAllBytesAsync(path, file).ConfigureAwait(false);
        return await _host.LoadAsync(path, number).ConfigureAwait(false);
    }

    private void Count(int number, byte[] file, string answer, Action<string>? report)
    {
        Files++;
        if (!IsFailure(answer))
        {
            _ = answer.StartsWith("used", StringComparison.Ordinal) ? _used++ : _refused++;
            return;
        }

        string failure = string.Create(CultureInfo.InvariantCulture, $"file {number} of seed {_seed} ({Keep(number.ToString(CultureInfo.InvariantCulture), file)}) {answer}");
        _failures.Add(failure);
        report?.Invoke(failure);
    }

    private static bool IsFailure(string answer) => !answer.StartsWith("used", StringComparison.Ordinal) && !answer.StartsWith("refused", StringComparison.Ordinal);

    private string Keep(string name, byte[] file)
    {
        string path = Path.Combine(_folder, $"failed-{_seed}-{name}.gguf");
        File.WriteAllBytes(path, file);
        return path;
    }

    // The finaliser of SplitMix64, by Sebastiano Vigna, in the public domain.
    private static uint Mix(ulong seed, ulong number)
    {
        ulong value = (seed << 32) + number + 0x9E3779B97F4A7C15;
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return (uint)((value ^ (value >> 31)) & int.MaxValue);
    }
}
