using EmbeddedLlm.Runtime;

namespace EmbeddedLlm.Tests.Runtime;

public sealed class LinuxMemoryTests : IDisposable
{
    private const long Mebi = 1 << 20;

    private readonly string _root = Directory.CreateTempSubdirectory("embeddedllm-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void WithoutGroupsTheKernelsFigureHolds()
    {
        Write("proc/meminfo", "MemTotal:       100000 kB\nMemFree:          1000 kB\nMemAvailable:    40000 kB\n");
        Assert.Equal(40_000 * 1024, Read());
    }

    [Fact]
    public void AVersion2LimitLessWhatIsUsedHolds()
    {
        Machine("0::/app\n");
        Group("cgroup/app", "memory.max", 300 * Mebi, "memory.current", 200 * Mebi, "inactive_file", 50 * Mebi);
        Assert.Equal(150 * Mebi, Read());
    }

    [Theory]
    [InlineData("max\n", "104857600\n", 60)]
    [InlineData("209715200\n", "104857600\n", 60)]
    [InlineData("104857600\n", "209715200\n", 60)]
    [InlineData("104857600\n", "max\n", 60)]
    public void TheLowerOfAVersion2GroupsTwoLimitsHolds(string max, string high, int expected)
    {
        Machine("0::/app\n");
        Write("cgroup/app/memory.max", max);
        Write("cgroup/app/memory.high", high);
        Write("cgroup/app/memory.current", $"{40 * Mebi}\n");
        Assert.Equal(expected * Mebi, Read());
    }

    [Fact]
    public void TheTightestGroupOnTheWayUpHolds()
    {
        Machine("0::/a/b\n");
        Group("cgroup/a/b", "memory.max", 300 * Mebi, "memory.current", 100 * Mebi, "inactive_file", 0);
        Group("cgroup/a", "memory.max", 250 * Mebi, "memory.current", 200 * Mebi, "inactive_file", 0);
        Assert.Equal(50 * Mebi, Read());
    }

    /// <summary>In a container the path is often the host's, which is not there.</summary>
    [Fact]
    public void AGroupWhosePathIsNotThereIsReadAtTheRoot()
    {
        Machine("0::/docker/0123456789\n");
        Group("cgroup", "memory.max", 64 * Mebi, "memory.current", 4 * Mebi, "inactive_file", 0);
        Assert.Equal(60 * Mebi, Read());
    }

    [Theory]
    [InlineData("max\n")]
    [InlineData("")]
    [InlineData("-5\n")]
    [InlineData("9999999999999999999999\n")]
    public void AGroupWithoutALimitChangesNothing(string limit)
    {
        Machine("0::/app\n");
        Write("cgroup/app/memory.max", limit);
        Write("cgroup/app/memory.current", "1\n");
        Assert.Equal(1000 * Mebi, Read());
    }

    [Fact]
    public void AVersion1LimitHolds()
    {
        Machine("5:cpuset:/x\n4:cpu,memory:/job\n0::/\n");
        Group("cgroup/memory/job", "memory.limit_in_bytes", 128 * Mebi, "memory.usage_in_bytes", 100 * Mebi, "total_inactive_file", 20 * Mebi);
        Assert.Equal(48 * Mebi, Read());
    }

    [Fact]
    public void AVersion1GroupWithoutALimitChangesNothing()
    {
        Machine("4:memory:/\n");
        Group("cgroup/memory", "memory.limit_in_bytes", 9_223_372_036_854_771_712, "memory.usage_in_bytes", 100 * Mebi, "total_inactive_file", 0);
        Assert.Equal(1000 * Mebi, Read());
    }

    [Fact]
    public void AGroupOverItsLimitHasNothingLeft()
    {
        Machine("0::/\n");
        Group("cgroup", "memory.max", 10 * Mebi, "memory.current", 20 * Mebi, "inactive_file", 0);
        Assert.Equal(0, Read());
    }

    [Fact]
    public void AMachineThatSaysNothingIsUnknown() => Assert.Null(Read());

    private long? Read() => new LinuxMemory(Path.Combine(_root, "proc"), Path.Combine(_root, "cgroup")).ReadAvailable();

    private void Machine(string groups)
    {
        Write("proc/meminfo", "MemAvailable:    1024000 kB\n");
        Write("proc/self/cgroup", groups);
    }

    private void Group(string folder, string limitName, long limit, string usageName, long usage, string reclaimableName, long reclaimable)
    {
        Write($"{folder}/{limitName}", $"{limit}\n");
        Write($"{folder}/{usageName}", $"{usage}\n");
        Write($"{folder}/memory.stat", $"anon 1\n{reclaimableName} {reclaimable}\nfile 2\n");
    }

    private void Write(string name, string text)
    {
        string path = Path.Combine(_root, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }
}
