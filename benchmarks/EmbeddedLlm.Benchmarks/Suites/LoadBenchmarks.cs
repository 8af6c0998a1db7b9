using BenchmarkDotNet.Attributes;
using EmbeddedLlm.Benchmarks.Subjects;

namespace EmbeddedLlm.Benchmarks.Suites;

/// <summary>How long an application waits for a model's load and the first token after it. The file is in the system's cache.</summary>
[Config(typeof(LongConfig))]
public class LoadBenchmarks
{
    private string _file = "";

    public static IEnumerable<string> Models => RunSettings.Current.Models;

    [ParamsSource(nameof(Models))]
    public string Model { get; set; } = "";

    [GlobalSetup]
    public void Resolve() => _file = BenchmarkFiles.Resolve(Model);

    [Benchmark]
    public async Task Load()
    {
        await using EmbeddedModel model = await EmbeddedModel.LoadAsync(_file, RunSettings.Current.CreateOptions());
    }

    [Benchmark]
    public Task LoadToFirstToken() => LoadSubject.LoadAsync(_file, RunSettings.Current, CancellationToken.None);
}
