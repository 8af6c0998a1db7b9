using BenchmarkDotNet.Attributes;
using EmbeddedLlm.Benchmarks.Subjects;

namespace EmbeddedLlm.Benchmarks.Suites;

/// <summary>From the start of a process to its first token, just in time compiled and ahead of time.</summary>
[Config(typeof(LongConfig))]
public class ColdStartBenchmarks
{
    private ColdStartApplication? _application;
    private string _file = "";

    public static IEnumerable<string> Models => RunSettings.Current.Models;

    [ParamsSource(nameof(Models))]
    public string Model { get; set; } = "";

    [Params(false, true)]
    public bool IsAot { get; set; }

    [GlobalSetup]
    public async Task PublishAsync()
    {
        _file = BenchmarkFiles.Resolve(Model);
        _application = await ColdStartApplication.PublishAsync(IsAot, RunSettings.Current.Device, CancellationToken.None);
    }

    [Benchmark]
    public Task FirstToken() => _application!.StartAsync(_file, RunSettings.Current.Device, CancellationToken.None);

    [GlobalCleanup]
    public void Delete() => _application?.Dispose();
}
