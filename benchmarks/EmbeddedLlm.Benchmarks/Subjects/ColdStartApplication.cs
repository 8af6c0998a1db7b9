using System.Diagnostics;

namespace EmbeddedLlm.Benchmarks.Subjects;

/// <summary>The small application whose starts are measured.</summary>
internal sealed class ColdStartApplication : IDisposable
{
    private const string Project = "EmbeddedLlm.ColdStart";

    private static readonly TimeSpan PublishTimeout = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan StartTimeout = TimeSpan.FromMinutes(1);

    private readonly string _folder;
    private readonly string _path;

    private ColdStartApplication(string folder)
    {
        _folder = folder;
        _path = Path.Combine(folder, OperatingSystem.IsWindows() ? $"{Project}.exe" : Project);
    }

    /// <summary>The time to the first byte of the answer.</summary>
    /// <exception cref="InvalidOperationException">There was none.</exception>
    public async Task<TimeSpan> StartAsync(string model, string device, CancellationToken cancellationToken)
    {
        ProcessStartInfo start = new(_path) { RedirectStandardOutput = true, RedirectStandardError = true, ArgumentList = { model, device == "metal" ? "MTL" : device } };
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        stop.CancelAfter(StartTimeout);
        long started = Stopwatch.GetTimestamp();
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync(cancellationToken);
        try
        {
            byte[] first = new byte[1];
            int read = await process.StandardOutput.BaseStream.ReadAsync(first, stop.Token);
            TimeSpan time = Stopwatch.GetElapsedTime(started);
            await process.StandardOutput.ReadToEndAsync(stop.Token);
            await process.WaitForExitAsync(stop.Token);
            return read == 1 && process.ExitCode == 0
                ? time
                : throw new InvalidOperationException($"{Project} ended with code {process.ExitCode}: {(await errors).Trim()}");
        }
        finally
        {
            if (!process.HasExited)
                process.Kill();
        }
    }

    /// <summary>Publishes it into a temporary folder, which goes with the result.</summary>
    /// <exception cref="InvalidOperationException">It could not be published.</exception>
    public static async Task<ColdStartApplication> PublishAsync(bool isAot, string device, CancellationToken cancellationToken)
    {
        string project = FindProject() ?? throw new InvalidOperationException($"There is no {Project} beside the benchmarks: a cold start is measured from a checkout only.");
        ColdStartApplication application = new(Directory.CreateTempSubdirectory("embeddedllm-cold-start-").FullName);
        try
        {
            await PublishAsync(project, application._folder, isAot, device, cancellationToken);
            return application;
        }
        catch
        {
            application.Dispose();
            throw;
        }
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static async Task PublishAsync(string project, string output, bool isAot, string device, CancellationToken cancellationToken)
    {
        ProcessStartInfo start = new("dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            ArgumentList = { "publish", project, "-c", "Release", "-o", output, "-v", "quiet", "--disable-build-servers" },
        };
        if (device is "cuda" or "vulkan")
            start.ArgumentList.Add($"-p:EmbeddedLlmGpu={device}");
        if (isAot)
        {
            start.ArgumentList.Add("--use-current-runtime");
            start.ArgumentList.Add("-p:PublishAot=true");
            // For this platform the library is compiled anew; analyzers would take longer than that.
            start.ArgumentList.Add("-p:RunAnalyzers=false");
        }

        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        stop.CancelAfter(PublishTimeout);
        using Process process = Process.Start(start)!;
        try
        {
            Task<string> errors = process.StandardError.ReadToEndAsync(stop.Token);
            Task<string> text = process.StandardOutput.ReadToEndAsync(stop.Token);
            // Its end, not that of its output: a build server that it leaves behind would keep that open.
            await process.WaitForExitAsync(stop.Token);
            if (process.ExitCode != 0)
                throw new InvalidOperationException($"{Project} could not be published{(isAot ? " ahead of time" : "")}: {(await text).Trim()} {(await errors).Trim()}");
        }
        finally
        {
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
        }
    }

    private static string? FindProject()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string project = Path.Combine(folder.FullName, "benchmarks", Project, $"{Project}.csproj");
            if (File.Exists(project))
                return project;
        }

        return null;
    }
}
