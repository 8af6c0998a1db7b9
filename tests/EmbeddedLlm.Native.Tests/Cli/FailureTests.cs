namespace EmbeddedLlm.Native.Tests.Cli;

public sealed class FailureTests
{
    /// <summary>The library's messages name its properties, which nobody at a terminal has.</summary>
    [Theory]
    [InlineData("lower --context.", "--context", "100000000")]
    [InlineData("--gpu-layers asks for 5 layers on GPUs", "--gpu-layers", "5")]
    [InlineData("Get it with 'embeddedllm pull hf:no/where'.", "--model", "hf:no/where")]
    public async Task WhatToDoIsSaidInOptions(string message, params string[] arguments)
    {
        Assert.SkipWhen(arguments[0] == "--gpu-layers" && EmbeddedRuntime.Describe().Devices.Any(device => device.Kind is DeviceKind.Gpu or DeviceKind.IntegratedGpu), "GPUs can be used here.");
        CliResult result = await CliProcess.RunAsync(["chat", "Hello", .. arguments]);
        Assert.Equal(("", 1), (result.Output, result.ExitCode));
        Assert.StartsWith("error: ", result.Error, StringComparison.Ordinal);
        Assert.Contains(message, result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("EmbeddedModelOptions", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("ContextLength", result.Error, StringComparison.Ordinal);
    }
}
