using System.Globalization;

namespace EmbeddedLlm.Runtime;

/// <summary>
/// The main memory that a Linux process can still get: what the kernel says is available, or less where a control group (a container's limit) has less left. Versions 1 and 2 are read, each group up to the
/// root, since any of them may be the tightest. Cached pages of files count as free, as the kernel gives them up.
/// </summary>
/// <param name="processes">The folder <c>/proc</c>.</param>
/// <param name="groups">The folder <c>/sys/fs/cgroup</c>.</param>
internal sealed class LinuxMemory(string processes, string groups)
{
    // Version 1 says "no limit" with the largest multiple of a page.
    private const long Unlimited = long.MaxValue / 2;

    /// <summary>Bytes, or null where the system does not say.</summary>
    public long? ReadAvailable()
    {
        long? available = ReadField(Path.Combine(processes, "meminfo"), "MemAvailable:") is { } kibibytes ? kibibytes * 1024 : null;
        foreach (string line in ReadLines(Path.Combine(processes, "self", "cgroup")))
        {
            // hierarchy:controllers:path; version 2 is hierarchy 0 without controllers.
            string[] fields = line.Split(':', 3);
            if (fields.Length < 3)
                continue;
            if (fields[0] == "0" && fields[1].Length == 0)
                available = Lower(available, groups, fields[2], new(["memory.max", "memory.high"], "memory.current", "inactive_file"));
            else if (fields[1].Split(',').Contains("memory"))
                available = Lower(available, Path.Combine(groups, "memory"), fields[2], new(["memory.limit_in_bytes"], "memory.usage_in_bytes", "total_inactive_file"));
        }

        return available;
    }

    private static long? Lower(long? available, string root, string group, Names names)
    {
        // Inside a container the group's path is often that of the host, and its files are at the root.
        for (string path = group.Trim('/'); ; path = path.Contains('/') ? path[..path.LastIndexOf('/')] : "")
        {
            if (ReadLeft(Path.Combine(root, path), names) is { } left && (available is null || left < available))
                available = left;
            if (path.Length == 0)
                return available;
        }
    }

    private static long? ReadLeft(string folder, Names names)
    {
        long limit = names.Limits.Min(name => ReadNumber(Path.Combine(folder, name)) ?? long.MaxValue);
        if (limit >= Unlimited || ReadNumber(Path.Combine(folder, names.Usage)) is not { } usage)
            return null;
        long reclaimable = ReadField(Path.Combine(folder, "memory.stat"), names.Reclaimable) ?? 0;
        return Math.Clamp(limit - usage + Math.Min(reclaimable, usage), 0, limit);
    }

    private static long? ReadNumber(string path) =>
        ReadLines(path) is [{ } line, ..] && long.TryParse(line.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out long value) ? value : null;

    private static long? ReadField(string path, string name)
    {
        foreach (string line in ReadLines(path))
        {
            string[] fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length >= 2 && fields[0] == name && long.TryParse(fields[1], NumberStyles.None, CultureInfo.InvariantCulture, out long value))
                return value;
        }

        return null;
    }

    private static string[] ReadLines(string path)
    {
        try
        {
            return File.Exists(path) ? File.ReadAllLines(path) : [];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <summary>What the files of a group are called.</summary>
    /// <param name="Limits">The hard limit, and the one beyond which the kernel slows the group down to a crawl.</param>
    /// <param name="Usage">What the group uses.</param>
    /// <param name="Reclaimable">The field of <c>memory.stat</c> that has the pages of files that the kernel gives up first.</param>
    private readonly record struct Names(string[] Limits, string Usage, string Reclaimable);
}
