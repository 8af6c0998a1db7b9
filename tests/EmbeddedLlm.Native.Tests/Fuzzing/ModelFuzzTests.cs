using System.Globalization;
using System.Reflection;
using System.Text;
using EmbeddedLlm.ModelFuzz;

namespace EmbeddedLlm.Native.Tests.Fuzzing;

/// <summary>Damaged model files, each loaded by a child process that none of them may end.</summary>
public sealed class ModelFuzzTests
{
    // Hours can be asked for; less than a minute tells whether something is broken that was not.
    private static readonly TimeSpan Time =
        TimeSpan.FromSeconds(Environment.GetEnvironmentVariable("EMBEDDEDLLM_FUZZ_SECONDS") is { } seconds ? double.Parse(seconds, CultureInfo.InvariantCulture) : 40);

    private static readonly int Seed = Environment.GetEnvironmentVariable("EMBEDDEDLLM_FUZZ_SEED") is { } seed ? int.Parse(seed, CultureInfo.InvariantCulture) : 1;

    private static readonly string ProgramFolder = Path.GetFullPath(
        typeof(ModelFuzzTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(data => data.Key == "ModelFuzzFolder").Value!);

    [Fact]
    public async Task ADamagedModelIsUsedOrRefusedAndNeverEndsTheProcess()
    {
        using TemporaryFolder folder = new();
        using FuzzRun run = new(Seed, folder.Path, grownShare: 50, ProgramFolder);
        FuzzReport report = await run.RunAsync(Time);
        Assert.Empty(report.Failures);
        Assert.True(report.Used > report.Files / 20, $"Only {report.Used} of {report.Files} files got as far as an answer.");
        Assert.True(report.Refused > report.Files / 20, $"Only {report.Refused} of {report.Files} files were refused.");
    }

    [Theory]
    [InlineData("adapter")]
    [InlineData("split")]
    [InlineData("arwkv7")]
    public async Task NoBoundaryValueEndsTheProcess(string subject)
    {
        using TemporaryFolder folder = new();
        using CancellationTokenSource time = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        time.CancelAfter(Time / 3);
        FuzzReport report = await new SweepRun(folder.Path, ProgramFolder, TimeSpan.FromSeconds(60)).RunAsync([subject], addsKeys: false, jobs: 1, TestContext.Current.SendDiagnosticMessage, cancellationToken: time.Token);
        Assert.Empty(report.Failures);
        Assert.True(report.Used > 0 && report.Refused > 0, $"{report.Used} of {report.Files} files were used, {report.Refused} refused.");
    }

    /// <summary>Architectures that some option or habit has ended the process with, or made answer wrongly.</summary>
    [Theory]
    [InlineData("plamo2")]
    [InlineData("minimax-m3")]
    [InlineData("lfm2")]
    public async Task NoWayToUseAModelEndsTheProcess(string architecture)
    {
        using TemporaryFolder folder = new();
        FuzzReport report = await new UseRun(folder.Path, ProgramFolder, TimeSpan.FromMinutes(2)).RunAsync([architecture + " (grown)"], jobs: 1, TestContext.Current.SendDiagnosticMessage, TestContext.Current.CancellationToken);
        Assert.Empty(report.Failures);
        Assert.True(report.Used > report.Files / 2, $"Only {report.Used} of {report.Files} ways got as far as an answer.");
    }

    [Fact]
    public void ASweepLeavesOutNoKeyAndNoTensor()
    {
        RawModel model = BaseModels.Create()[0].Model;
        HashSet<string> steps = [.. Sweep.Keys(model, "").Concat(Sweep.Tensors(model)).Select(step => step.What)];
        Assert.All(model.Keys, key => Assert.Contains($"'{key.NameText}' is missing", steps));
        Assert.All(model.Tensors, tensor => Assert.Contains($"the tensor '{Encoding.UTF8.GetString(tensor.Name)}' is missing", steps));
    }

    [Fact]
    public async Task TheModelsThatAreDamagedAreHealthyBefore()
    {
        using TemporaryFolder folder = new();
        using FuzzRun run = new(Seed, folder.Path, grownShare: 0, ProgramFolder);
        Assert.All(await run.UseBasesAsync(), model => Assert.StartsWith("used", model.Answer, StringComparison.Ordinal));
    }

    [Fact]
    public async Task ADeadChildIsSeen()
    {
        using TemporaryFolder folder = new();
        using HostProcess host = new(ProgramFolder, TimeSpan.FromMinutes(1));
        string answer = await host.LoadAsync(folder.Write("model.gguf", "GGUF"u8), number: 1);
        Assert.StartsWith("refused GgufFormatException", answer, StringComparison.Ordinal);
        // Not a number: the child ends with an exception of its own.
        Assert.StartsWith("died with", await host.SendAsync("x\ty"), StringComparison.Ordinal);
        Assert.StartsWith("refused", await host.LoadAsync(folder.PathOf("model.gguf"), number: 1), StringComparison.Ordinal);
    }
}
