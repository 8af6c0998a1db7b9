using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Engines;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Toolchains.InProcess.Emit;

namespace EmbeddedLlm.Benchmarks.Suites;

internal static class Suite
{
    /// <summary>In this process. The limit that BenchmarkDotNet sets by default, five minutes a benchmark, would end the whole run: a large model, or a program to be compiled ahead of time, needs longer.</summary>
    public static InProcessEmitToolchain InProcess { get; } = new(TimeSpan.FromHours(2), logOutput: false);
}

/// <summary>For suites of short operations, in this process: here are the native libraries, and the options of the command line.</summary>
internal sealed class ShortConfig : ManualConfig
{
    public ShortConfig()
    {
        AddJob(Job.Default.WithToolchain(Suite.InProcess));
        AddDiagnoser(MemoryDiagnoser.Default);
    }
}

/// <summary>For suites whose one run takes up to seconds: no pilot runs, a few iterations.</summary>
internal class LongConfig : ManualConfig
{
    public LongConfig()
    {
        AddJob(Job.Default
            .WithToolchain(Suite.InProcess)
            .WithStrategy(RunStrategy.Monitoring)
            .WithWarmupCount(1)
            .WithIterationCount(7)
            .WithInvocationCount(1)
            .WithUnrollFactor(1));
        AddColumn(StatisticColumn.Median, StatisticColumn.Min, StatisticColumn.Max);
        AddDiagnoser(MemoryDiagnoser.Default);
    }
}

/// <summary>For suites whose run is of tokens: adds what <see cref="TokenDiagnoser"/> knows.</summary>
internal sealed class TokenConfig : LongConfig
{
    public TokenConfig() => AddDiagnoser(new TokenDiagnoser());
}
