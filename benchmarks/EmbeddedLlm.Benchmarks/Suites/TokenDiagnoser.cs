using BenchmarkDotNet.Analysers;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Engines;
using BenchmarkDotNet.Exporters;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Validators;

namespace EmbeddedLlm.Benchmarks.Suites;

/// <summary>What a suite tells of its runs besides their time. Suites run in this process, one after the other.</summary>
internal static class SuiteFacts
{
    /// <summary>The tokens of a run.</summary>
    public static int Tokens { get; set; }

    /// <summary>The times to the first token of the runs, in milliseconds.</summary>
    public static List<double> FirstTokens { get; } = [];

    /// <summary>The bytes that the process had more once the model was loaded.</summary>
    public static long NativeBytes { get; set; }

    public static void Clear()
    {
        Tokens = 0;
        NativeBytes = 0;
        FirstTokens.Clear();
    }
}

/// <summary>Columns of suites whose run is of tokens: tok/s, the time to the first token, allocated bytes a token, native memory.</summary>
internal sealed class TokenDiagnoser : IDiagnoser
{
    public IEnumerable<string> Ids => [nameof(TokenDiagnoser)];

    public IEnumerable<IExporter> Exporters => [];

    public IEnumerable<IAnalyser> Analysers => [];

    public RunMode GetRunMode(BenchmarkCase benchmarkCase) => RunMode.NoOverhead;

    public void Handle(HostSignal signal, DiagnoserActionParameters parameters)
    {
        if (signal == HostSignal.BeforeAnythingElse)
            SuiteFacts.Clear();
    }

    public IEnumerable<Metric> ProcessResults(DiagnoserResults results)
    {
        int tokens = SuiteFacts.Tokens;
        double[] times = [.. results.Measurements.Where(measurement => measurement.IterationMode == IterationMode.Workload && measurement.IterationStage == IterationStage.Result).Select(measurement => measurement.Nanoseconds / measurement.Operations)];
        if (tokens > 0 && times.Length > 0)
            yield return new Metric(Descriptor.Rate, tokens * 1e9 / Spread.Of(times).Median);
        if (tokens > 0 && results.GcStats.GetBytesAllocatedPerOperation(results.BenchmarkCase) is { } bytes)
            yield return new Metric(Descriptor.Allocated, (double)bytes / tokens);
        if (SuiteFacts.FirstTokens.Count > 0)
            yield return new Metric(Descriptor.FirstToken, Spread.Of(SuiteFacts.FirstTokens).Median);
        if (SuiteFacts.NativeBytes > 0)
            yield return new Metric(Descriptor.Native, SuiteFacts.NativeBytes / (double)(1 << 20));
    }

    public void DisplayResults(ILogger logger)
    {
    }

    public IEnumerable<ValidationError> Validate(ValidationParameters validationParameters) => [];

    private sealed class Descriptor(string name, string legend, bool isMoreBetter, int priority) : IMetricDescriptor
    {
        public static Descriptor Rate { get; } = new("tok/s", "Tokens a second, from the median", true, 0);

        public static Descriptor FirstToken { get; } = new("TTFT [ms]", "The time to the first token, median", false, 1);

        public static Descriptor Allocated { get; } = new("B/token", "Managed memory allocated for a token, on all threads", false, 2);

        public static Descriptor Native { get; } = new("Native [MiB]", "Resident memory that the loaded model added to the process", false, 3);

        public string Id => name;

        public string DisplayName => name;

        public string Legend => legend;

        public string NumberFormat => "N1";

        public UnitType UnitType => UnitType.Dimensionless;

        public string Unit => "";

        public bool TheGreaterTheBetter => isMoreBetter;

        public int PriorityInCategory => priority;

        public bool GetIsAvailable(Metric metric) => true;
    }
}
