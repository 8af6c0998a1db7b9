using System.Diagnostics;
using System.Text;

namespace EmbeddedLlm.Package.Tests;

/// <summary>Runs a program to its end and keeps what it wrote.</summary>
internal static class Tool
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(8);

    /// <summary>Runs the .NET SDK without servers that would outlive it and hold on to the output.</summary>
    public static Task<string> DotnetAsync(string folder, params string[] arguments) =>
        RunAsync("dotnet", folder, [.. arguments, "--disable-build-servers", "-nodeReuse:false", "-p:UseSharedCompilation=false"]);

    /// <summary>Runs a program; one that fails or takes too long is the test's failure, with all it wrote.</summary>
    /// <returns>What it wrote to its standard output.</returns>
    public static async Task<string> RunAsync(string program, string folder, params string[] arguments)
    {
        ProcessStartInfo start = new(program, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        // What an outer build or test run has set is not for the inner one.
        foreach (string name in start.Environment.Keys.Where(IsOfOuterBuild).ToArray())
            start.Environment.Remove(name);

        using Process process = Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start.");
        process.StandardInput.Close();
        StringBuilder error = new();
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task reading = Task.Run(async () => error.Append(await process.StandardError.ReadToEndAsync()));
        using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(Patience);
        try
        {
            await process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"{program} {string.Join(' ', arguments)} took more than {Patience}.");
        }

        string text = await output;
        await reading;
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}.\n{text}\n{error}");
        return text;
    }

    private static bool IsOfOuterBuild(string name) =>
        name.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase) ||
        name.StartsWith("TESTINGPLATFORM", StringComparison.OrdinalIgnoreCase) ||
        name.StartsWith("EMBEDDEDLLM", StringComparison.OrdinalIgnoreCase) ||
        name.Equals("NUGET_PACKAGES", StringComparison.OrdinalIgnoreCase);
}
