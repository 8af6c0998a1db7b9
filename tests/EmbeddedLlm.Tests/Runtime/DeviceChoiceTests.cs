using EmbeddedLlm.Interop;
using EmbeddedLlm.Runtime;

namespace EmbeddedLlm.Tests.Runtime;

public sealed class DeviceChoiceTests
{
    private static readonly BackendDevice Processor = Device("CPU", "CPU", ggml_backend_dev_type.CPU);
    private static readonly BackendDevice Blas = Device("BLAS", "BLAS", ggml_backend_dev_type.ACCEL);
    private static readonly BackendDevice Cuda0 = Device("CUDA0", "CUDA", ggml_backend_dev_type.GPU, free: 8, id: "0000:01:00.0");
    private static readonly BackendDevice Cuda1 = Device("CUDA1", "CUDA", ggml_backend_dev_type.GPU, free: 24, id: "0000:02:00.0");
    private static readonly BackendDevice Vulkan0 = Device("Vulkan0", "Vulkan", ggml_backend_dev_type.GPU, free: 8, id: "0000:01:00.0");
    private static readonly BackendDevice Vulkan1 = Device("Vulkan1", "Vulkan", ggml_backend_dev_type.IGPU);
    private static readonly BackendDevice Other = Device("OpenCL0", "OpenCL", ggml_backend_dev_type.IGPU);

    [Fact]
    public void EachCardIsUsedOnceAndIntegratedGraphicsNot() =>
        Assert.Equal([Cuda0, Cuda1], Choose(new(), Processor, Blas, Cuda0, Cuda1, Vulkan0, Vulkan1));

    [Fact]
    public void IntegratedGraphicsOfOneBackendAreUsedWhereThereIsNoCard() => Assert.Equal([Vulkan1], Choose(new(), Processor, Vulkan1, Other));

    [Fact]
    public void WithoutGpusThereAreNone() => Assert.Empty(Choose(new(), Processor, Blas));

    [Theory]
    [InlineData("cuda1", "CUDA0", "CUDA1,CUDA0")]
    [InlineData("Vulkan", null, "Vulkan0,Vulkan1")]
    [InlineData("CUDA0", "CUDA", "CUDA0,CUDA1")]
    [InlineData("CPU", null, "")]
    [InlineData("cpu", "Vulkan1", "Vulkan1")]
    public void NamesOfDevicesAndBackendsAreTakenInTheirOrder(string first, string? second, string chosen) => Assert.Equal(
        chosen,
        string.Join(',', Choose(new() { Devices = second is null ? [first] : [first, second] }, Processor, Cuda0, Cuda1, Vulkan0, Vulkan1).Select(device => device.Name)));

    [Fact]
    public void NoNamesAreNoGpu() => Assert.Empty(Choose(new() { Devices = [] }, Processor, Cuda0));

    [Fact]
    public void NoLayersAreNoGpu() => Assert.Empty(Choose(new() { GpuLayers = 0 }, Processor, Cuda0));

    [Fact]
    public void OneDeviceIsTheOneWithTheMostFreeMemory() => Assert.Equal([Cuda1], Choose(new() { DeviceSplit = DeviceSplit.OneDevice }, Processor, Cuda0, Cuda1));

    [Theory]
    [InlineData("BLAS")]
    [InlineData("CUDA7")]
    public void ANameThatIsNoGpusIsAnErrorThatListsThem(string name)
    {
        DeviceUnavailableException exception = Assert.Throws<DeviceUnavailableException>(() => Choose(new() { Devices = [name] }, Processor, Blas, Cuda0));
        Assert.Contains($"'{name}'", exception.Message, StringComparison.Ordinal);
        Assert.EndsWith("There are CUDA0 (A card).", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("cpu")]
    public void LayersOnNoGpuAreAnError(string? device)
    {
        EmbeddedModelOptions options = new() { GpuLayers = 4, Devices = device is null ? null : [device] };
        DeviceUnavailableException exception = Assert.Throws<DeviceUnavailableException>(() => Choose(options, Processor));
        Assert.Contains("EmbeddedLlm.Runtime.Cuda", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TheReasonOfAnUnusableBackendIsInTheError()
    {
        UnusableBackend cuda = new("cuda", "/libggml-cuda.so", "libcuda.so.1 is missing", "Install it.", ["libcuda.so.1"]);
        DeviceUnavailableException exception = Assert.Throws<DeviceUnavailableException>(() => new DeviceChoice([Processor], [cuda]).Choose(new() { GpuLayers = 4 }));
        Assert.EndsWith("cuda: libcuda.so.1 is missing. Install it.", exception.Message, StringComparison.Ordinal);
        Assert.Same(cuda, Assert.Single(exception.UnusableBackends));
    }

    [Fact]
    public void ThereMustBeAsManySharesAsGpus() =>
        Assert.Contains("CUDA0, CUDA1", Assert.Throws<ArgumentException>(() => Choose(new() { DeviceShares = [1] }, Processor, Cuda0, Cuda1)).Message, StringComparison.Ordinal);

    [Fact]
    public void MoreGpusThanLlamaCppTakesAreLeftOut() =>
        Assert.Equal(16, Choose(new(), [.. Enumerable.Range(0, 20).Select(number => Device($"CUDA{number}", "CUDA", ggml_backend_dev_type.GPU))]).Count);

    [Theory]
    [InlineData(new[] { 0f, 0f }, DeviceSplit.Layers)]
    [InlineData(new[] { 1f, -1f }, DeviceSplit.Layers)]
    [InlineData(new[] { float.NaN }, DeviceSplit.Layers)]
    [InlineData(new[] { float.MaxValue, float.MaxValue }, DeviceSplit.Layers)]
    [InlineData(new[] { 1f, 1f }, DeviceSplit.OneDevice)]
    public void SharesThatMakeNoSenseAreRefused(float[] shares, DeviceSplit split) =>
        Assert.ThrowsAny<ArgumentException>(() => new EmbeddedModelOptions { DeviceShares = shares, DeviceSplit = split }.Validate());

    [Fact]
    public void AnEmptyNameIsRefused() => Assert.ThrowsAny<ArgumentException>(() => new EmbeddedModelOptions { Devices = [" "] }.Validate());

    private static IReadOnlyList<BackendDevice> Choose(EmbeddedModelOptions options, params BackendDevice[] devices) => new DeviceChoice(devices, []).Choose(options);

    private static BackendDevice Device(string name, string backend, ggml_backend_dev_type type, ulong free = 0, string? id = null) =>
        new(0, name, type == ggml_backend_dev_type.CPU ? "A processor" : "A card", backend, type, free, free, id);
}
