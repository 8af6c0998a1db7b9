using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Engines;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Toolchains.InProcess.Emit;

namespace EmbeddedLlm.Benchmarks.Suites;

/// <summary>For suites of short operations, in this process: here are the native libraries, and the options of the command line.</summary>
internal sealed class ShortConfig : ManualConfig
{
    public ShortConfig()
    {
        AddJob(Job.Default.WithToolchain(InProcessEmitToolchain.DontLogOutput));
        AddDiagnoser(MemoryDiagnoser.Default);
    }
}

/// <summary>For suites whose one run takes up to seconds: no pilot runs, a few iterations.</summary>
internal class LongConfig : ManualConfig
{
    public LongConfig()
    {
        AddJob(Job.Default
            .WithToolchain(InProcessEmitToolchain.DontLogOutput)
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
