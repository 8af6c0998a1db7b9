using BenchmarkDotNet.Attributes;

namespace EmbeddedLlm.Benchmarks.Suites;

/// <summary>What suites with a loaded model, and no bare loop, have in common.</summary>
public abstract class ModelBenchmarks
{
    private EmbeddedModel? _model;

    public static IEnumerable<string> Models => RunSettings.Current.Models;

    [ParamsSource(nameof(Models))]
    public string Model { get; set; } = "";

    [GlobalSetup]
    public async Task LoadAsync()
    {
        long before = ProcessMemory.Resident;
        _model = await EmbeddedModel.LoadAsync(BenchmarkFiles.Resolve(Model), RunSettings.Current.CreateOptions());
        SuiteFacts.NativeBytes = Math.Max(0, ProcessMemory.Resident - before);
        Prepare(_model);
    }

    [GlobalCleanup]
    public async Task DisposeAsync()
    {
        if (_model is not null)
            await _model.DisposeAsync();
    }

    private protected abstract void Prepare(EmbeddedModel model);
}
