using System.Diagnostics;
using System.Text;

namespace EmbeddedLlm.Package.Tests;

/// <summary>Runs a program to its end and keeps what it wrote.</summary>
internal static class Tool
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(6);

    /// <summary>Runs the .NET SDK without servers that would outlive it and hold on to the output.</summary>
    public static Task<string> DotnetAsync(string folder, params string[] arguments) =>
        RunAsync("dotnet", folder, [.. arguments, "--disable-build-servers", "-nodeReuse:false", "-p:UseSharedCompilation=false"]);

    /// <summary>Runs a program; one that fails or takes too long is the test's failure, with all it wrote.</summary>
    /// <returns>What it wrote to its standard output.</returns>
    public static async Task<string> RunAsync(string program, string folder, params string[] arguments)
    {
        using Process process = new() { StartInfo = CreateStartInfo(program, folder, arguments) };
        StringBuilder output = new();
        StringBuilder all = new();
        process.OutputDataReceived += (_, line) => Keep(line.Data, output, all);
        process.ErrorDataReceived += (_, line) => Keep(line.Data, all);
        process.Start();
        process.StandardInput.Close();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();

        using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(Patience);
        try
        {
            // Waits for the ends of both streams too, which a child that is left behind would keep open.
            await process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
            Assert.Fail($"{Describe()} took more than {Patience}.\n{Text(all)}");
        }

        Assert.True(process.ExitCode == 0, $"{Describe()} ended with {process.ExitCode}.\n{Text(all)}");
        return Text(output);

        string Describe() => $"{program} {string.Join(' ', arguments)}";
        string Text(StringBuilder text)
        {
            lock (all)
                return text.ToString();
        }

        void Keep(string? line, params StringBuilder[] texts)
        {
            if (line is null)
                return;
            lock (all)
            {
                foreach (StringBuilder text in texts)
                    text.Append(line).Append('\n');
            }
        }
    }

    private static ProcessStartInfo CreateStartInfo(string program, string folder, string[] arguments)
    {
        ProcessStartInfo start = new(program, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        // What an outer build or test run has set is not for the inner one.
        foreach (string name in start.Environment.Keys.Where(IsOfOuterRun).ToArray())
            start.Environment.Remove(name);
        start.Environment["DOTNET_CLI_UI_LANGUAGE"] = "en";
        start.Environment["DOTNET_NOLOGO"] = "1";
        start.Environment["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1";
        return start;
    }

    private static bool IsOfOuterRun(string name) =>
        name.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase) ||
        name.StartsWith("TESTINGPLATFORM", StringComparison.OrdinalIgnoreCase) ||
        name.StartsWith("EMBEDDEDLLM", StringComparison.OrdinalIgnoreCase);
}
