using System.Text.Json;
using EmbeddedLlm.Native.Tests.Cli;

namespace EmbeddedLlm.Native.Tests.Devices;

/// <summary>A backend that cannot be used does no harm, and the reason is told.</summary>
public sealed class UnusableBackendTests
{
    private const string Answer = "1, 2, 3, 4, 5.";

    [Theory]
    [InlineData("null", "ggml_backend_init returned NULL")]
    [InlineData("version", "incompatible API version (backend: 99")]
    public async Task ABackendThatGgmlRefusesIsTold(string init, string reason)
    {
        using FakeBackend fake = FakeBackend.Create();
        await AssertUnusableAsync(fake, reason, new() { ["FAKE_INIT"] = init });
    }

    [Fact]
    public async Task ABackendWithoutADeviceIsTold()
    {
        using FakeBackend fake = FakeBackend.Create();
        await AssertUnusableAsync(fake, "it found no device", new() { ["FAKE_DEVICES"] = "0" });
    }

    [Fact]
    public async Task AFileThatIsNoLibraryIsTold()
    {
        using FakeBackend fake = FakeBackend.CreateEmpty();
        await File.WriteAllTextAsync(fake.BackendPath, "not a library", TestContext.Current.CancellationToken);
        await AssertUnusableAsync(fake, "it is no library");
    }

    [Fact]
    public async Task AnEmptyFileIsTold()
    {
        using FakeBackend fake = FakeBackend.CreateEmpty();
        await File.WriteAllTextAsync(fake.BackendPath, "", TestContext.Current.CancellationToken);
        await AssertUnusableAsync(fake, "it is no library");
    }

    /// <summary>The system maps such a file all the same, and the first touch of what is missing ends the process.</summary>
    [Theory]
    [InlineData(0.01)]
    [InlineData(0.5)]
    [InlineData(0.9)]
    public async Task AFileThatWasCutShortIsTold(double share)
    {
        using FakeBackend fake = FakeBackend.CreateEmpty();
        byte[] whole = await File.ReadAllBytesAsync(Path.Combine(fake.Folder, "libggml-base.so"), TestContext.Current.CancellationToken);
        await File.WriteAllBytesAsync(fake.BackendPath, whole[..(int)(whole.Length * share)], TestContext.Current.CancellationToken);
        await AssertUnusableAsync(fake, "it was cut short");
    }

    [Fact]
    public async Task AnotherMachinesFileIsTold()
    {
        using FakeBackend fake = FakeBackend.CreateEmpty();
        byte[] library = await File.ReadAllBytesAsync(Path.Combine(fake.Folder, "libggml-base.so"), TestContext.Current.CancellationToken);
        library[18] = library[18] == 0x3E ? (byte)0xB7 : (byte)0x3E;
        await File.WriteAllBytesAsync(fake.BackendPath, library, TestContext.Current.CancellationToken);
        await AssertUnusableAsync(fake, "it is built for ");
    }

    [Fact]
    public async Task ALibraryThatIsNoBackendIsTold()
    {
        using FakeBackend fake = FakeBackend.CreateEmpty();
        FakeBackend.CompileLibrary(fake.Folder, Path.GetFileName(fake.BackendPath));
        await AssertUnusableAsync(fake, "failed to find ggml_backend_init");
    }

    [Fact]
    public async Task ABackendOfAnotherVersionOfGgmlIsTold()
    {
        using FakeBackend fake = FakeBackend.Create();
        // A function that this version does not have: longer names would move what follows in the file.
        byte[] library = await File.ReadAllBytesAsync(fake.BackendPath, TestContext.Current.CancellationToken);
        int at = library.AsSpan().IndexOf("ggml_backend_buft_is_host\0"u8);
        "ggml_backend_buft_is_gone"u8.CopyTo(library.AsSpan(at));
        await File.WriteAllBytesAsync(fake.BackendPath, library, TestContext.Current.CancellationToken);
        JsonElement backend = await AssertUnusableAsync(fake, "ggml_backend_buft_is_gone");
        Assert.Contains("another version of llama.cpp", backend.GetProperty("advice").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task MissingLibrariesAreNamedWithWhatToInstall()
    {
        using TemporaryFolder toolkit = new();
        using FakeBackend fake = CreateNeeding(toolkit.Path, "libcudart.so.99", "libcublas.so.99");
        Directory.Delete(Path.Combine(toolkit.Path, "lib64"), recursive: true);
        JsonElement backend = await AssertUnusableAsync(fake, "libcudart.so.99, libcublas.so.99 are missing");
        Assert.Equal(["libcudart.so.99", "libcublas.so.99"], backend.GetProperty("missingLibraries").EnumerateArray().Select(library => library.GetString()));
        Assert.Contains("Install the CUDA 99 runtime", backend.GetProperty("advice").GetString(), StringComparison.Ordinal);
    }

    /// <summary>A toolkit that the system does not search, and the folders of NVIDIA's Python packages.</summary>
    [Theory]
    [InlineData("lib64")]
    [InlineData("cuda_runtime/lib")]
    public async Task ALibraryInAToolkitsFolderIsFound(string below)
    {
        using TemporaryFolder toolkit = new();
        using FakeBackend fake = CreateNeeding(toolkit.Path, "libcudart.so.99");
        string folder = Path.Combine(toolkit.Path, below);
        if (below != "lib64")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(folder)!);
            Directory.Move(Path.Combine(toolkit.Path, "lib64"), folder);
        }

        using JsonDocument devices = await DevicesAsync(fake, new() { ["EMBEDDEDLLM_CUDA_DIR"] = toolkit.Path });
        Assert.Equal(["CPU", "FAKE0"], devices.RootElement.GetProperty("devices").EnumerateArray().Select(device => device.GetProperty("name").GetString()));
        Assert.Empty(devices.RootElement.GetProperty("unusableBackends").EnumerateArray());
    }

    [Fact]
    public async Task ALibraryBesideTheBackendIsFound()
    {
        using TemporaryFolder toolkit = new();
        using FakeBackend fake = CreateNeeding(toolkit.Path, "libcudart.so.99");
        File.Move(Path.Combine(toolkit.Path, "lib64", "libcudart.so.99"), Path.Combine(fake.Folder, "libcudart.so.99"));
        using JsonDocument devices = await DevicesAsync(fake, []);
        Assert.Equal(2, devices.RootElement.GetProperty("devices").GetArrayLength());
    }

    [Fact]
    public async Task TheNextFileOfAFamilyIsTakenWhereTheFirstCannotBeUsed()
    {
        using FakeBackend fake = FakeBackend.Create();
        File.Move(fake.BackendPath, fake.BackendPath.Replace("cuda", "cuda12", StringComparison.Ordinal));
        await File.WriteAllTextAsync(fake.BackendPath, "not a library", TestContext.Current.CancellationToken);
        using JsonDocument devices = await DevicesAsync(fake, []);
        Assert.Equal(2, devices.RootElement.GetProperty("devices").GetArrayLength());
        Assert.Equal("cuda", Assert.Single(devices.RootElement.GetProperty("unusableBackends").EnumerateArray()).GetProperty("backend").GetString());
    }

    [Fact]
    public async Task AGpuThatWasAskedForIsNotReplacedByTheCpu()
    {
        using FakeBackend fake = FakeBackend.Create();
        CliResult result = await RunAsync(fake, new() { ["FAKE_INIT"] = "null" }, "--gpu-layers", "3");
        Assert.Equal((1, ""), (result.ExitCode, result.Output));
        Assert.Contains("no GPU can be used", result.Error, StringComparison.Ordinal);
        Assert.Contains("ggml_backend_init returned NULL", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WhoAsksForTheCpuIsNotWarned()
    {
        using FakeBackend fake = FakeBackend.Create();
        foreach (string[] arguments in (string[][])[["--gpu-layers", "0"], ["--device", "cpu"]])
        {
            CliResult result = await RunAsync(fake, new() { ["FAKE_INIT"] = "null" }, arguments);
            Assert.Equal(Answer, result.Output.Trim());
            Assert.DoesNotContain("warning", result.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task ABackendThatIsNotChosenIsNotOpened()
    {
        using FakeBackend fake = FakeBackend.Create();
        using JsonDocument none = await DevicesAsync(fake, new() { ["EMBEDDEDLLM_BACKENDS"] = "cpu", ["FAKE_INIT"] = "null" });
        Assert.Equal(1, none.RootElement.GetProperty("devices").GetArrayLength());
        Assert.Empty(none.RootElement.GetProperty("unusableBackends").EnumerateArray());
        using JsonDocument absent = await DevicesAsync(fake, new() { ["EMBEDDEDLLM_BACKENDS"] = "vulkan" });
        Assert.Equal(1, absent.RootElement.GetProperty("devices").GetArrayLength());
        Assert.Contains("there is no file libggml-vulkan", Assert.Single(absent.RootElement.GetProperty("unusableBackends").EnumerateArray()).GetProperty("reason").GetString(), StringComparison.Ordinal);
    }

    /// <summary>The toolkit's lib64 has the libraries, until the test moves or removes them.</summary>
    private static FakeBackend CreateNeeding(string toolkit, params string[] libraries) =>
        FakeBackend.Create([.. libraries.Select(library => FakeBackend.CompileLibrary(Path.Combine(toolkit, "lib64"), library))]);

    /// <summary>The model answers on the CPU with a warning, and the list of devices tells the reason.</summary>
    private static async Task<JsonElement> AssertUnusableAsync(FakeBackend fake, string reason, Dictionary<string, string>? environment = null)
    {
        CliResult result = await RunAsync(fake, environment ?? []);
        Assert.Equal((0, Answer), (result.ExitCode, result.Output.Trim()));
        Assert.Contains("warning: cuda: ", result.Error, StringComparison.Ordinal);
        Assert.Contains(reason, result.Error, StringComparison.Ordinal);

        using JsonDocument devices = await DevicesAsync(fake, environment ?? []);
        Assert.Equal("CPU", Assert.Single(devices.RootElement.GetProperty("devices").EnumerateArray()).GetProperty("name").GetString());
        JsonElement backend = Assert.Single(devices.RootElement.GetProperty("unusableBackends").EnumerateArray()).Clone();
        Assert.Equal(("cuda", fake.BackendPath), (backend.GetProperty("backend").GetString(), backend.GetProperty("path").GetString()));
        Assert.Contains(reason, backend.GetProperty("reason").GetString(), StringComparison.Ordinal);
        return backend;
    }

    private static async Task<JsonDocument> DevicesAsync(FakeBackend fake, Dictionary<string, string> environment)
    {
        using CliProcess process = CliProcess.StartWith(environment, "devices", "--json", "--native-dir", fake.Folder);
        CliResult result = await process.EndAsync();
        Assert.True(result.ExitCode == 0, result.Error);
        return JsonDocument.Parse(result.Output);
    }

    private static async Task<CliResult> RunAsync(FakeBackend fake, Dictionary<string, string> environment, params string[] arguments)
    {
        using CliProcess process = CliProcess.StartWith(environment, ["chat", "--native-dir", fake.Folder, .. arguments, "Count to five."]);
        return await process.EndAsync();
    }
}
