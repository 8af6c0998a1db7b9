using System.Diagnostics;
using EmbeddedLlm.Tests;

namespace EmbeddedLlm.Benchmarks.Tests;

/// <summary><c>run.sh</c> with stand-ins for the packed program, the driver and CUDA, in folders whose names have spaces.</summary>
public sealed class GpuScriptTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _work;

    public GpuScriptTests()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The script is for Linux.");
        _work = Directory.CreateDirectory(_folder.File("work here")).FullName;
        foreach (string library in (string[])["libcuda.so.1", "libcudart.so.12", "libcublas.so.12", "libcublasLt.so.12"])
            Add($"cuda 12/lib64/{library}", "");
        Add("bin/nvidia-smi", "#!/bin/sh\necho 570.86.10\n");
        Directory.CreateDirectory(_folder.File("pieces of it"));
        File.Copy(Path.Combine(SharedData.RepositoryRoot, "benchmarks", "gpu", "run.sh"), _folder.File("pieces of it/run.sh"));
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task ResultsAndArgumentsAreWhereTheCallerIs()
    {
        await PackAsync("while [ \"$1\" != --output ]; do shift; done\necho {} > \"$2/results.json\"\npwd > \"$2/pwd\"\necho \"$LD_LIBRARY_PATH\" > \"$2/path\"\n");

        (int code, string output) = await RunAsync("--output", "some results");

        Assert.True(code == 0, output);
        string results = Path.Combine(_work, "some results");
        Assert.True(File.Exists(Path.Combine(results, "results.json")));
        Assert.Equal(_work, ReadLine("pwd"));
        // An empty part would be the working folder.
        Assert.DoesNotContain("", ReadLine("path").Split(':'));
        Assert.Contains("Backend: cuda12", output, StringComparison.Ordinal);

        string ReadLine(string name) => File.ReadAllText(Path.Combine(results, name)).TrimEnd();
    }

    [Fact]
    public async Task WhatWasMeasuredIsKeptWhereTheProgramFails()
    {
        await PackAsync("while [ \"$1\" != --output ]; do shift; done\necho {} > \"$2/results.json\"\nexit 134\n");

        (int code, string output) = await RunAsync();

        Assert.True(code == 1, output);
        Assert.Contains("The benchmarks ended with 134.", output, StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(_work, "results/results.json")));
        Assert.True(File.Exists(Path.Combine(_work, "results/log.txt")));
    }

    [Fact]
    public async Task WhatIsWrongIsToldByTheExitCode()
    {
        await PackAsync("exit 0\n");
        Assert.Equal(2, (await RunAsync("--output")).Code);
        Assert.Equal(2, (await RunAsync("--bogus")).Code);
        File.AppendAllText(_folder.File("pieces of it/gpu-benchmarks.tar.gz.00"), "x");
        Assert.Equal(5, (await RunAsync()).Code);
        File.Delete(_folder.File("pieces of it/gpu-benchmarks.tar.gz.00"));
        (int code, string output) = await RunAsync();
        Assert.Equal(5, code);
        Assert.Contains("These pieces are still missing: gpu-benchmarks.tar.gz.00", output, StringComparison.Ordinal);
    }

    private void Add(string name, string text)
    {
        string path = _folder.File(name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    /// <summary>Makes a piece as pack.sh does.</summary>
    private async Task PackAsync(string program)
    {
        Add("packed/app/EmbeddedLlm.Benchmarks", $"#!/bin/sh\n{program}");
        Add("packed/app/runtimes/linux-x64/native/libggml-cuda12.so", "");
        const string Pack = "tar -C '../packed' -czf gpu-benchmarks.tar.gz.00 app && sha256sum gpu-benchmarks.tar.gz.* > SHA256SUMS";
        Assert.Equal(0, (await RunProgramAsync(_folder.File("pieces of it"), "bash", "-c", Pack)).Code);
    }

    private Task<(int Code, string Output)> RunAsync(params string[] arguments) => RunProgramAsync(_work, "bash", [_folder.File("pieces of it/run.sh"), .. arguments]);

    private async Task<(int Code, string Output)> RunProgramAsync(string workingFolder, string program, params string[] arguments)
    {
        ProcessStartInfo start = new(program, arguments) { WorkingDirectory = workingFolder, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string name in (string[])["OUT", "LD_LIBRARY_PATH", "CUDA_PATH", "CUDA_HOME"])
            start.Environment.Remove(name);
        start.Environment["EMBEDDEDLLM_CUDA_DIR"] = _folder.File("cuda 12");
        start.Environment["PATH"] = $"{_folder.File("bin")}:{Environment.GetEnvironmentVariable("PATH")}";
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, output + await errors);
    }
}
