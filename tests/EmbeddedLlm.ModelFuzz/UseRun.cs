namespace EmbeddedLlm.ModelFuzz;

/// <summary>Uses the base models and a grown model of each architecture in all ways of <see cref="Uses"/>, undamaged.</summary>
/// <param name="folder">Where files are written; they stay there.</param>
/// <param name="programFolder">Where this program was built.</param>
/// <param name="limit">How long one use may take.</param>
/// <param name="headSize">The numbers of a head of the grown models; a quantised cache takes multiples of 32 only.</param>
internal sealed class UseRun(string folder, string programFolder, TimeSpan limit, int headSize = 16)
{
    private readonly Lock _gate = new();
    private readonly List<string> _failures = [];
    private int _uses;
    private int _used;

    /// <summary>Uses all there is, or what is named.</summary>
    /// <param name="only">Names of base models and architectures; empty for all.</param>
    /// <param name="jobs">How many models at once.</param>
    /// <param name="report">Gets a line for each failure and each model.</param>
    /// <param name="cancellationToken">Ends the run after the uses that go on.</param>
    public async Task<FuzzReport> RunAsync(IReadOnlyCollection<string> only, int jobs, Action<string> report, CancellationToken cancellationToken = default)
    {
        IReadOnlyList<(string Name, RawModel Model)> bases = BaseModels.Create();
        RawModel llama = BaseModels.WithHeads(headSize);
        IEnumerable<(string Name, RawModel? Model)> subjects = [.. bases.Select(pair => (pair.Name, (RawModel?)pair.Model)), .. ModelGrower.Architectures.Select(name => (name + " (grown)", (RawModel?)null))];
        subjects = subjects.Where(subject => only.Count == 0 || only.Contains(subject.Name) || only.Contains(subject.Name.Split(' ')[0]));
        await Parallel.ForEachAsync(subjects, new ParallelOptions { MaxDegreeOfParallelism = jobs }, async (subject, _) =>
        {
            if (!cancellationToken.IsCancellationRequested)
                await UseAsync(subject.Name, subject.Model, llama, report, cancellationToken).ConfigureAwait(false);
        }).ConfigureAwait(false);
        return new FuzzReport(_uses, _used, _uses - _used - _failures.Count, _failures);
    }

    private async Task UseAsync(string name, RawModel? model, RawModel seed, Action<string> report, CancellationToken cancellationToken)
    {
        string path = Path.Combine(Directory.CreateDirectory(Path.Combine(folder, name.Replace(' ', '-'))).FullName, "model.gguf");
        using HostProcess host = new(programFolder, limit);
        if (model is null)
            (model, _) = await new ModelGrower(seed, LoadAsync).GrowAsync(name.Split(' ')[0]).ConfigureAwait(false);
        await File.WriteAllBytesAsync(path, model.ToBytes(), CancellationToken.None).ConfigureAwait(false);
        List<string> answers = [];
        for (int way = 0; way < Uses.Count && !cancellationToken.IsCancellationRequested; way++)
        {
            string answer = await host.LoadAsync(path, ModelHost.FirstUse + way).ConfigureAwait(false);
            bool isUsed = answer.StartsWith("used", StringComparison.Ordinal);
            lock (_gate)
            {
                _uses++;
                _used += isUsed ? 1 : 0;
                if (!isUsed && !answer.StartsWith("refused", StringComparison.Ordinal))
                    _failures.Add($"{name}, {Uses.NameOf(way)}: {answer}");
            }

            answers.Add($"{Uses.NameOf(way)} {answer}");
        }

        report($"{name}: {string.Join("; ", answers)}");

        async Task<string> LoadAsync(RawModel grown)
        {
            await File.WriteAllBytesAsync(path, grown.ToBytes(), CancellationToken.None).ConfigureAwait(false);
            return await host.LoadAsync(path, number: 1).ConfigureAwait(false);
        }
    }
}
