using System.Globalization;

namespace EmbeddedLlm.Runtime;

/// <summary>The machine's cores, and how busy they are. Read from the system's own files on Linux; elsewhere cores are estimated and the load is unknown.</summary>
internal static class CpuCores
{
    /// <summary>The cores this process may use (container limits included), two hyper-threads of one core counted once.</summary>
    public static int CountUsable()
    {
        int logical = Environment.ProcessorCount;
        if (OperatingSystem.IsLinux() && CountLinuxCores("/sys/devices/system/cpu", "/proc/self/status") is { } physical)
            return Math.Clamp(physical, 1, logical);
        // Hyper-threading is the rule on x64 and unknown on Arm.
        return System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture == System.Runtime.InteropServices.Architecture.X64
            ? Math.Max(1, (logical + 1) / 2)
            : logical;
    }

    /// <summary>Counts the distinct sets of sibling threads of which the process may use one at least; null where the system does not tell.</summary>
    /// <param name="folder">Has a folder for each logical core, <c>cpu0</c> and so on.</param>
    /// <param name="status">The process's status, whose <c>Cpus_allowed_list</c> has the numbers of the logical cores that it may use; all count where it does not tell.</param>
    internal static int? CountLinuxCores(string folder, string status)
    {
        try
        {
            string? allowed = ReadAllowed(status);
            HashSet<string> cores = [];
            foreach (string cpu in Directory.EnumerateDirectories(folder, "cpu*"))
            {
                string siblings = Path.Combine(cpu, "topology", "thread_siblings_list");
                if ((allowed is null || IsInList(allowed, Path.GetFileName(cpu)["cpu".Length..])) && File.Exists(siblings))
                    cores.Add(File.ReadAllText(siblings).Trim());
            }

            return cores.Count > 0 ? cores.Count : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static string? ReadAllowed(string status)
    {
        const string Field = "Cpus_allowed_list:";
        return File.Exists(status) ? File.ReadLines(status).FirstOrDefault(line => line.StartsWith(Field, StringComparison.Ordinal))?[Field.Length..].Trim() : null;
    }

    /// <summary>Whether a number is in a list such as <c>0-3,8</c>.</summary>
    private static bool IsInList(string list, string number)
    {
        if (!int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out int wanted))
            return false;
        foreach (string range in list.Split(','))
        {
            string[] ends = range.Split('-');
            if (int.TryParse(ends[0], NumberStyles.None, CultureInfo.InvariantCulture, out int first) && int.TryParse(ends[^1], NumberStyles.None, CultureInfo.InvariantCulture, out int last)
                && wanted >= first && wanted <= last)
                return true;
        }

        return false;
    }

    /// <summary>The busy and total time of all cores together since the system started, in ticks of the system's clock; null where it does not tell.</summary>
    public static CpuTime? ReadTime()
    {
        if (!OperatingSystem.IsLinux())
            return null;
        try
        {
            using StreamReader reader = new("/proc/stat");
            return CpuTime.TryParse(reader.ReadLine(), Environment.ProcessorCount, out CpuTime time) ? time : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}

/// <summary>A reading of the system's CPU clock.</summary>
/// <param name="Busy">Ticks in which a core worked.</param>
/// <param name="Total">Ticks of all cores.</param>
/// <param name="Cores">The cores that the process sees.</param>
internal readonly record struct CpuTime(long Busy, long Total, int Cores)
{
    /// <summary>How many cores were busy on average since an earlier reading.</summary>
    public double BusyCoresSince(CpuTime earlier) => Total <= earlier.Total ? 0 : (double)(Busy - earlier.Busy) / (Total - earlier.Total) * Cores;

    /// <summary>Parses the first line of /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal, … as proc_stat(5) has it.</summary>
    public static bool TryParse(string? line, int cores, out CpuTime time)
    {
        time = default;
        string[] fields = line?.Split(' ', StringSplitOptions.RemoveEmptyEntries) ?? [];
        if (fields.Length < 6 || fields[0] != "cpu")
            return false;
        long total = 0, idle = 0;
        // Guest time (fields 9 and 10) is part of user time already.
        for (int i = 1; i < Math.Min(fields.Length, 9); i++)
        {
            if (!long.TryParse(fields[i], CultureInfo.InvariantCulture, out long ticks))
                return false;
            total += ticks;
            idle += i is 4 or 5 ? ticks : 0;
        }

        time = new CpuTime(total - idle, total, cores);
        return true;
    }
}
