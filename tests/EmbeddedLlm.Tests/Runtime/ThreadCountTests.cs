using EmbeddedLlm.Runtime;

namespace EmbeddedLlm.Tests.Runtime;

public sealed class ThreadCountTests
{
    [Theory]
    [InlineData(2, 8, 0, 1)]
    [InlineData(40, 8, 0, 3)]
    [InlineData(400, 8, 0, 8)]
    [InlineData(400, 8, 3.1, 5)]
    [InlineData(400, 2, 2, 1)]
    [InlineData(400, 2, 50, 1)]
    [InlineData(400, 2, -1, 2)]
    [InlineData(4000, 1, 0, 1)]
    public void ThreadsSuitTheModelsSizeAndTheFreeCores(long megabytes, int cores, double busy, int expected) =>
        Assert.Equal(expected, ThreadCount.Choose(megabytes << 20, cores, busy));

    [Fact]
    public void BusyCoresAreReadFromTheSystemsClock()
    {
        Assert.True(CpuTime.TryParse("cpu  100 0 50 800 50 0 0 0 0 0", 4, out CpuTime before));
        Assert.True(CpuTime.TryParse("cpu  200 0 50 850 100 0 0 0 0 0", 4, out CpuTime after));
        Assert.Equal(2, after.BusyCoresSince(before));
        Assert.Equal(0, before.BusyCoresSince(before));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("cpu0 1 2 3 4 5 6")]
    [InlineData("cpu a b c d e f")]
    public void AnUnknownClockIsNotRead(string? line) => Assert.False(CpuTime.TryParse(line, 4, out _));

    [Theory]
    [InlineData(null, 2)]
    [InlineData("Name:\tdotnet\n", 2)]
    [InlineData("Name:\tdotnet\nCpus_allowed:\tf\nCpus_allowed_list:\t0-3\n", 2)]
    [InlineData("Cpus_allowed_list:\t0,2\n", 1)]
    [InlineData("Cpus_allowed_list:\t1-2\n", 2)]
    [InlineData("Cpus_allowed_list:\t3\n", 1)]
    [InlineData("Cpus_allowed_list:\t0-0,2-99\n", 2)]
    [InlineData("Cpus_allowed_list:\tstrange,-,3-\n", null)]
    public void HyperThreadsOfACoreCountOnceAndCoresOfOthersNotAtAll(string? status, int? expected)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("embeddedllm-cpus");
        try
        {
            string[] siblings = ["0,2", "1,3", "0,2", "1,3"];
            for (int cpu = 0; cpu < siblings.Length; cpu++)
            {
                DirectoryInfo topology = folder.CreateSubdirectory($"cpu{cpu}/topology");
                File.WriteAllText(Path.Combine(topology.FullName, "thread_siblings_list"), siblings[cpu] + "\n");
            }

            folder.CreateSubdirectory("cpufreq");
            string path = Path.Combine(folder.FullName, "status");
            if (status is not null)
                File.WriteAllText(path, status);
            Assert.Equal(expected, CpuCores.CountLinuxCores(folder.FullName, path));
            Assert.Null(CpuCores.CountLinuxCores(Path.Combine(folder.FullName, "cpufreq"), path));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public void ThereIsAtLeastOneUsableCore() => Assert.InRange(CpuCores.CountUsable(), 1, Environment.ProcessorCount);
}
