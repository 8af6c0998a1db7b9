using System.Diagnostics;
using System.Runtime.CompilerServices;
using EmbeddedLlm.Benchmarks.Results;
using EmbeddedLlm.Interop;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Benchmarks.Subjects;

/// <summary>How long an application waits for a model, and what memory it takes. The file is in the system's cache.</summary>
internal static class LoadSubject
{
    private const double Mebi = 1 << 20;

    private static readonly ChatOptions OneToken = new() { Temperature = 0, MaxOutputTokens = 1 };

    public static async IAsyncEnumerable<Figure> LoadAsync(RunSettings settings, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (string name in settings.Models)
        {
            string file = BenchmarkFiles.Resolve(name, cancellationToken);
            FigureMaker maker = new("load", settings, name);
            List<double> loads = [], firstTokens = [];
            for (int i = -1; i < (settings.IsQuick ? 3 : 7); i++)
            {
                (TimeSpan loaded, TimeSpan firstToken) = await LoadAsync(file, settings, cancellationToken);
                if (i < 0)
                    continue;
                loads.Add(loaded.TotalMilliseconds);
                firstTokens.Add(firstToken.TotalMilliseconds);
            }

            yield return maker.Of("load", FigureUnit.Milliseconds, Spread.Of(loads));
            yield return maker.Of("load to first token", FigureUnit.Milliseconds, Spread.Of(firstTokens));
        }
    }

    public static async IAsyncEnumerable<Figure> MemoryAsync(RunSettings settings, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        const int Words = 64, OutputTokens = 16;
        foreach (string name in settings.Models)
        {
            FigureMaker maker = new("memory", settings, name);
            string file = BenchmarkFiles.Resolve(name, cancellationToken);
            MemoryPlan plan = await EmbeddedModel.PlanAsync(file, settings.CreateOptions(), cancellationToken);
            foreach (DeviceMemoryPlan device in plan.Devices)
                yield return maker.Of($"planned on {device.Device}", FigureUnit.Mebibytes, device.Total / Mebi, contender: "memory plan");

            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            long before = ProcessMemory.Resident, managed = GC.GetTotalMemory(forceFullCollection: true), after = 0, managedAfter = 0;
            ulong free = FreeOnGpus();
            ulong freeAfter = 0;
            long peak = await ProcessMemory.PeakOfAsync(async () =>
            {
                await using EmbeddedModel model = await EmbeddedModel.LoadAsync(file, settings.CreateOptions(), cancellationToken: cancellationToken);
                await model.AsChatClient().GetResponseAsync(
                    string.Concat(Enumerable.Repeat("word ", Words)), new ChatOptions { Temperature = 0, MaxOutputTokens = OutputTokens }, cancellationToken);
                after = ProcessMemory.Resident;
                managedAfter = GC.GetTotalMemory(forceFullCollection: true);
                freeAfter = FreeOnGpus();
            });
            string remark = $"after a prompt of {Words} words; weights {plan.Devices.Sum(device => device.Weights) / Mebi:F0} MiB";
            yield return maker.Of("resident, loaded", FigureUnit.Mebibytes, Math.Max(0, after - before) / Mebi) with { Remark = remark };
            yield return maker.Of("resident, at most", FigureUnit.Mebibytes, Math.Max(0, peak - before) / Mebi);
            yield return maker.Of("managed heap", FigureUnit.Mebibytes, Math.Max(0, managedAfter - managed) / Mebi);
            if (free > 0)
                yield return maker.Of("on GPUs, loaded", FigureUnit.Mebibytes, free > freeAfter ? (free - freeAfter) / Mebi : 0);
        }
    }

    /// <summary>One load, from the call to the model, and to the first token of its first answer.</summary>
    public static async Task<(TimeSpan Loaded, TimeSpan FirstToken)> LoadAsync(string file, RunSettings settings, CancellationToken cancellationToken)
    {
        long start = Stopwatch.GetTimestamp();
        await using EmbeddedModel model = await EmbeddedModel.LoadAsync(file, settings.CreateOptions(), cancellationToken: cancellationToken);
        TimeSpan loaded = Stopwatch.GetElapsedTime(start);
        await model.AsChatClient().GetResponseAsync("Hello", OneToken, cancellationToken);
        return (loaded, Stopwatch.GetElapsedTime(start));
    }

    private static ulong FreeOnGpus() =>
        BackendDevice.List().Where(device => device.Type is ggml_backend_dev_type.GPU).Aggregate(0UL, (sum, device) => sum + device.MemoryFree);
}
