using System.Text.RegularExpressions;
using EmbeddedLlm.Native.Tests.Cli;

namespace EmbeddedLlm.Native.Tests.Devices;

/// <summary>Layers on GPUs: which, how many, and what happens where their memory or their computing fails.</summary>
public sealed partial class GpuTests
{
    private const string Answer = "1, 2, 3, 4, 5.";

    [Fact]
    public async Task DevicesAreListedWithTheirMemory()
    {
        using FakeBackend fake = FakeBackend.Create();
        using CliProcess process = CliProcess.StartWith(Settings(("FAKE_DEVICES", "2"), ("FAKE_FREE", "1073741824")), "devices", "--native-dir", fake.Folder);
        CliResult result = await process.EndAsync();
        string[] lines = result.Output.TrimEnd().ReplaceLineEndings("\n").Split('\n');
        Assert.Equal(["Device", "CPU", "FAKE0", "FAKE1"], lines.Select(line => line.Split(' ')[0]));
        Assert.Equal("FAKE1 GPU Fake 2 GiB 1 GiB A GPU that is none", string.Join(' ', lines[3].Split(' ', StringSplitOptions.RemoveEmptyEntries)));
    }

    [Fact]
    public async Task AllLayersAreOnAGpuThatHoldsThem()
    {
        CliResult result = await ChatAsync(Settings());
        Assert.Equal((0, Answer), (result.ExitCode, result.Output.Trim()));
        Assert.Equal([5], LayersTried(result));
    }

    [Theory]
    [InlineData(5, "5 of 5 on FAKE0, FAKE1")]
    [InlineData(2, "2 of 5 on FAKE0, FAKE1")]
    [InlineData(0, "none")]
    public async Task TheModelTellsHowManyLayersAreOnWhichGpus(int layers, string told)
    {
        using FakeBackend fake = FakeBackend.Create();
        using CliProcess process = CliProcess.StartWith(Settings(("FAKE_DEVICES", "2")), "info", "--native-dir", fake.Folder, "--gpu-layers", $"{layers}");
        Assert.Contains($"Layers on GPUs   {told}\n", (await process.EndAsync()).Output.ReplaceLineEndings("\n"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task NoGpuIsUsedWhereNoneIsWanted()
    {
        foreach (string[] arguments in (string[][])[["--gpu-layers", "0"], ["--device", "CPU"]])
        {
            CliResult result = await ChatAsync(Settings(), arguments);
            Assert.Equal((0, Answer), (result.ExitCode, result.Output.Trim()));
            Assert.DoesNotContain("FAKE0", result.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task AGpuThatRefusesItsMemoryGetsFewerLayers()
    {
        CliResult result = await ChatAsync(Settings(("FAKE_LIMIT", "1000000")));
        Assert.Equal((0, Answer), (result.ExitCode, result.Output.Trim()));
        Assert.Contains("5 layers on GPUs were refused, 3 are tried", result.Error, StringComparison.Ordinal);
        Assert.Equal(0, LayersTried(result)[^1]);
    }

    [Fact]
    public async Task LayersThatWereAskedForAreNotReducedInSilence()
    {
        CliResult result = await ChatAsync(Settings(("FAKE_LIMIT", "1000000")), "--gpu-layers", "5");
        Assert.Equal((1, ""), (result.ExitCode, result.Output));
        Assert.Contains(nameof(InsufficientMemoryException), result.Error, StringComparison.Ordinal);
        Assert.Contains("5 of 5 layers", result.Error, StringComparison.Ordinal);
        Assert.Contains("failed to allocate FAKE0 buffer", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AGpuWithLittleFreeMemoryIsLeftAlone()
    {
        CliResult result = await ChatAsync(Settings(("FAKE_FREE", "1000")));
        Assert.Equal((0, Answer), (result.ExitCode, result.Output.Trim()));
        Assert.Equal([0], LayersTried(result));
    }

    [Fact]
    public async Task AComputationThatFailsIsAnErrorAndNotTheProcesssEnd()
    {
        CliResult result = await ChatAsync(Settings(("FAKE_COMPUTES", "4")));
        Assert.Equal(1, result.ExitCode);
        Assert.Contains(nameof(DecodeException), result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task LayersAreSpreadByTheSharesInTheOrderOfTheNames()
    {
        CliResult result = await ChatAsync(Settings(("FAKE_DEVICES", "2")), "--device", "fake1", "--device", "FAKE0", "--share", "4", "--share", "1");
        Assert.Equal((0, Answer), (result.ExitCode, result.Output.Trim()));
        // Four layers and the output: the output alone comes behind four fifths, and it has no keys and values.
        Assert.Equal(["FAKE1"], DevicesOf(KeysAndValues(), result));
        Assert.Equal(["FAKE0", "FAKE1"], DevicesOf(Weights(), result));
    }

    [Fact]
    public async Task OneDeviceGetsAllLayersWhereTheyAreNotToBeSpread()
    {
        CliResult result = await ChatAsync(Settings(("FAKE_DEVICES", "3")), "--split", "OneDevice");
        Assert.Equal((0, Answer), (result.ExitCode, result.Output.Trim()));
        Assert.Equal(["FAKE0"], DevicesOf(Weights(), result));
    }

    [Fact]
    public async Task ABackendsNameStandsForAllItsDevices()
    {
        CliResult result = await ChatAsync(Settings(("FAKE_DEVICES", "2")), "--device", "fake");
        Assert.Equal(["FAKE0", "FAKE1"], DevicesOf(Weights(), result));
    }

    [Fact]
    public async Task ADeviceThatThereIsNotIsAnErrorThatNamesThoseThereAre()
    {
        CliResult result = await ChatAsync(Settings(("FAKE_DEVICES", "2")), "--device", "CUDA0");
        Assert.Equal((1, ""), (result.ExitCode, result.Output));
        Assert.Contains("There is no GPU 'CUDA0', by its own name or its backend's. There are FAKE0 (A GPU that is none), FAKE1 (A GPU that is none).", result.Error, StringComparison.Ordinal);
    }

    private static async Task<CliResult> ChatAsync(Dictionary<string, string> environment, params string[] arguments)
    {
        using FakeBackend fake = FakeBackend.Create();
        using CliProcess process = CliProcess.StartWith(environment, ["chat", "--verbose", "--native-dir", fake.Folder, .. arguments, "Count to five."]);
        return await process.EndAsync();
    }

    private static int[] LayersTried(CliResult result) =>
        [.. Offloaded().Matches(result.Error).Select(match => int.Parse(match.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture))];

    private static IEnumerable<string> DevicesOf(Regex line, CliResult result) => line.Matches(result.Error).Select(match => match.Groups[1].Value).Order();

    private static Dictionary<string, string> Settings(params ReadOnlySpan<(string Name, string Value)> settings)
    {
        Dictionary<string, string> environment = [];
        foreach ((string name, string value) in settings)
            environment.Add(name, value);
        return environment;
    }

    [GeneratedRegex(@"offloaded (\d+)/5 layers to GPU")]
    private static partial Regex Offloaded();

    [GeneratedRegex(@"(FAKE\d) model buffer size")]
    private static partial Regex Weights();

    [GeneratedRegex(@"(FAKE\d) KV buffer size")]
    private static partial Regex KeysAndValues();
}
