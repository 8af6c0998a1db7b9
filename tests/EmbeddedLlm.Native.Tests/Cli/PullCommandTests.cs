using System.Text.Json;
using EmbeddedLlm.Native.Tests.Catalog;

namespace EmbeddedLlm.Native.Tests.Cli;

/// <summary>The commands for downloaded models, as processes.</summary>
public sealed class PullCommandTests : PullTestBase
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task AModelIsPulledListedVerifiedAndRemoved()
    {
        Assert.Equal(new CliResult(FilePath + Environment.NewLine, "", 0), await RunAsync("pull", Source));

        CliResult list = await RunAsync("list", "--json");
        JsonElement model = Assert.Single(JsonDocument.Parse(list.Output).RootElement.EnumerateArray());
        Assert.Equal((FilePath, "Q4_K_M", Content.Length), (model.GetProperty("path").GetString(), model.GetProperty("quantisation").GetString(), model.GetProperty("size").GetInt64()));

        Assert.Equal(new CliResult($"{Source}: intact{Environment.NewLine}", "", 0), await RunAsync("verify", Source));
        CliResult oneIsMissing = await RunAsync("verify", "hf:no/where", Source);
        Assert.Equal(($"{Source}: intact{Environment.NewLine}", 1), (oneIsMissing.Output, oneIsMissing.ExitCode));
        Assert.Contains("hf:no/where", oneIsMissing.Error, StringComparison.Ordinal);
        await File.AppendAllTextAsync(FilePath, "x", Cancellation);
        Assert.Equal(1, (await RunAsync("verify", Source)).ExitCode);
        await File.WriteAllBytesAsync(FilePath, new byte[Content.Length], Cancellation);
        CliResult damaged = await RunAsync("verify");
        Assert.Equal(1, damaged.ExitCode);
        Assert.Contains("has the SHA-256", damaged.Error, StringComparison.Ordinal);

        Assert.Equal(0, (await RunAsync("remove", Source)).ExitCode);
        Assert.Equal("[]", (await RunAsync("list", "--json")).Output.Trim());
        CliResult nothing = await RunAsync("verify");
        Assert.Equal(("", 0), (nothing.Output, nothing.ExitCode));
        Assert.Contains("No models have been downloaded", nothing.Error, StringComparison.Ordinal);
        Assert.Equal(1, (await RunAsync("remove", Source)).ExitCode);
    }

    [Theory]
    [InlineData(true, true, "")]
    [InlineData(false, true, "The catalogue has no SHA-256 of tiny: what came has the one that the server names.")]
    [InlineData(false, false, "Nobody names a SHA-256 of tiny: what came was only found to be a whole GGUF file.")]
    public async Task WhatVouchesForAModelIsSaidUnlessItIsTheCatalogue(bool hasChecksum, bool serverHasChecksum, string note)
    {
        Server.TellsSha256 = serverHasChecksum;
        string checksum = hasChecksum ? $$"""
            , "sha256": "{{HubServer.Sha256(Content)}}"
            """ : "";
        await File.WriteAllTextAsync(
            Path.Combine(Folder.Path, "models.json"),
            $$"""
            {
              "version": 1,
              "models": [
                {
                  "name": "tiny", "description": "Tiny.", "repository": "{{Repository}}", "variants": [{ "quantisation": "Q4_K_M", "file": "{{FileName}}"{{checksum}} }],
                  "parameters": 1, "contextLength": 1, "license": "MIT"
                }
              ]
            }
            """,
            Cancellation);
        Assert.Equal(new CliResult(FilePath + Environment.NewLine, note.Length == 0 ? "" : note + Environment.NewLine, 0), await RunAsync("pull", "tiny"));
        Assert.Equal(new CliResult(FilePath + Environment.NewLine, "", 0), await RunAsync("pull", "tiny"));
    }

    [Fact]
    public async Task AKilledPullIsResumed()
    {
        byte[] large = CreateModel(12 << 20);
        Server.Add($"{Repository}/{FileName}", large);
        TaskCompletionSource stalled = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Server.Faults.Enqueue(Server.StallAfter(10 << 20, stalled));
        using (CliProcess first = Start("pull", Source))
        {
            await stalled.Task.WaitAsync(Limit, Cancellation);
            // The journal follows the bytes; its file is the sign that some are safe.
            while (!File.Exists(PartialPath + ".json"))
                await Task.Delay(10, Cancellation);
            await first.KillAsync();
        }

        Assert.False(File.Exists(FilePath));
        Assert.Equal(0, (await RunAsync("pull", Source)).ExitCode);
        Assert.Equal(large, await File.ReadAllBytesAsync(FilePath, Cancellation));
        Assert.InRange(Server.Contents.Last().Start, 4 << 20, 10 << 20);
    }

    [Fact]
    public async Task TwoProcessesShareOneDownload()
    {
        TaskCompletionSource stalled = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource go = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Server.Faults.Enqueue(async (context, content) =>
        {
            stalled.SetResult();
            await go.Task.WaitAsync(context.RequestAborted);
            await Server.SendWholeAsync(context, content);
        });
        Task<CliResult> first = RunAsync("pull", Source);
        await stalled.Task.WaitAsync(Limit, Cancellation);
        Task<CliResult> second = RunAsync("pull", Source);
        // The second one has looked at the repository, and comes to the lock.
        while (!second.IsCompleted && Server.Requests.Count(request => request.Path.StartsWith("/api/", StringComparison.Ordinal)) < 2)
            await Task.Delay(10, Cancellation);
        go.SetResult();
        Assert.Equal(await first, await second);
        Assert.Equal(Content.Length, Server.BytesSent);
    }

    [Fact]
    public async Task ATerminalShowsHowFarItIs()
    {
        TaskCompletionSource go = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Server.Faults.Enqueue(async (context, content) =>
        {
            context.Response.ContentLength = content.Length;
            await context.Response.Body.WriteAsync(content.AsMemory(0, content.Length / 2), context.RequestAborted);
            await context.Response.Body.FlushAsync(context.RequestAborted);
            await go.Task.WaitAsync(context.RequestAborted);
            await context.Response.Body.WriteAsync(content.AsMemory(content.Length / 2), context.RequestAborted);
        });
        using TerminalSession session = new(Variables, "pull", Source);
        await session.UntilAsync(FileName);
        await session.UntilAsync(" 50%");
        go.SetResult();
        await session.UntilAsync(FilePath);
        Assert.Equal(0, (await session.EndAsync()).ExitCode);
    }

    [Fact]
    public async Task AnInterruptStopsAPull()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() || OperatingSystem.IsMacOS(), "Signals are sent as Unix does.");
        TaskCompletionSource stalled = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Server.Faults.Enqueue(Server.StallAfter(1 << 20, stalled));
        using CliProcess process = Start("pull", Source);
        await stalled.Task.WaitAsync(Limit, Cancellation);
        process.Interrupt();
        Assert.Equal(130, (await process.EndAsync()).ExitCode);
        AssertNothingIsPulled();
    }

    [Theory]
    [InlineData("no such file", "hf:someone/Nothing/a.gguf")]
    [InlineData("is not of the form", "hf:../..")]
    [InlineData("nor a name in the catalogue", "unheard-of")]
    [InlineData("comes with the NuGet package", "starter")]
    public async Task AFailureIsOneLine(string message, string model)
    {
        CliResult result = await RunAsync("pull", model);
        Assert.Equal(("", 1), (result.Output, result.ExitCode));
        Assert.Contains(message, Assert.Single(result.Error.TrimEnd().Split('\n')), StringComparison.Ordinal);
    }

    /// <summary>What was found out before the failure may be its reason.</summary>
    [Fact]
    public async Task AFailureKeepsWhatWasSaidBefore()
    {
        string path = $"{Repository}/Coarse-Q2_K.gguf";
        Server.Add(path, Content);
        Server.Faults.Enqueue(HubServer.Answer(404));
        CliResult result = await RunAsync("pull", $"hf:{Repository}:Q2_K");
        Assert.Equal(("", 1), (result.Output, result.ExitCode));
        string[] lines = result.Error.TrimEnd().ReplaceLineEndings("\n").Split('\n');
        Assert.Equal(2, lines.Length);
        Assert.Contains("is quantised as Q2_K", lines[0], StringComparison.Ordinal);
        Assert.StartsWith("error: ", lines[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task AModelThatIsNotThereIsNotDownloadedBySurprise()
    {
        CliResult result = await RunAsync("chat", "--model", Source, "Hello.");
        Assert.Equal(1, result.ExitCode);
        Assert.Contains($"Get it with 'embeddedllm pull {Source}'", result.Error, StringComparison.Ordinal);
        Assert.Empty(Server.Requests);
    }

    private Dictionary<string, string> Variables =>
        new() { ["EMBEDDEDLLM_HOME"] = Folder.Path, ["HF_ENDPOINT"] = Server.Address.AbsoluteUri, ["HF_TOKEN"] = "", ["EMBEDDEDLLM_MODELS"] = "" };

    private CliProcess Start(params ReadOnlySpan<string> arguments) => CliProcess.StartWith(Variables, arguments);

    private Task<CliResult> RunAsync(params ReadOnlySpan<string> arguments)
    {
        CliProcess process = Start(arguments);
        return RunAsync();

        async Task<CliResult> RunAsync()
        {
            using (process)
                return await process.EndAsync();
        }
    }
}
