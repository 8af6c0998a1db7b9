using System.Diagnostics;
using EmbeddedLlm.Interop;

namespace EmbeddedLlm.Native.Tests.Devices;

/// <summary>A folder with llama.cpp's libraries and a backend for GPUs that are none, compiled here. It is used by processes of their own, since a process loads backends once.</summary>
internal sealed class FakeBackend : IDisposable
{
    private static readonly Lazy<string?> Compiler = new(FindCompiler);

    private readonly TemporaryFolder _folder = new();

    private FakeBackend()
    {
        foreach (string file in Directory.EnumerateFiles(NativeLibraryLoader.Load().Folder))
        {
            if (BackendFile.FromPath(file) is null or { IsCpu: true })
                File.CreateSymbolicLink(_folder.PathOf(Path.GetFileName(file)), file);
        }
    }

    /// <summary>The folder of the libraries.</summary>
    public string Folder => _folder.Path;

    /// <summary>The backend's file; named after CUDA's, as one of llama.cpp's own.</summary>
    public string BackendPath => _folder.PathOf("libggml-cuda.so");

    /// <summary>Only llama.cpp's libraries, for a file that the test makes.</summary>
    public static FakeBackend CreateEmpty()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the fakes are ELF files");
        return new FakeBackend();
    }

    /// <summary>With the fake backend.</summary>
    /// <param name="linked">Further libraries to link it with.</param>
    public static FakeBackend Create(params string[] linked)
    {
        Assert.SkipWhen(Compiler.Value is null, "there is no C compiler");
        FakeBackend fake = CreateEmpty();
        string ggml = NativePlatform.FindLibraryFiles(fake.Folder, "ggml")[0];
        Compile(["-o", fake.BackendPath, Path.Combine(AppContext.BaseDirectory, "Devices", "fake-backend.c"), ggml, Path.Combine(fake.Folder, "libggml-base.so"), .. linked]);
        return fake;
    }

    /// <summary>Makes a library with one function and a name of its own.</summary>
    /// <returns>Its path.</returns>
    public static string CompileLibrary(string folder, string soname)
    {
        Assert.SkipWhen(Compiler.Value is null, "there is no C compiler");
        Directory.CreateDirectory(folder);
        string source = Path.Combine(folder, "library.c");
        File.WriteAllText(source, "int of_the_library(void) { return 1; }\n");
        string library = Path.Combine(folder, soname);
        Compile(["-o", library, $"-Wl,-soname,{soname}", source]);
        return library;
    }

    public void Dispose() => _folder.Dispose();

    private static void Compile(string[] arguments)
    {
        // Also what is linked without being called is to be needed.
        using Process process = Process.Start(new ProcessStartInfo(Compiler.Value!, ["-shared", "-fPIC", "-std=c11", "-Wl,--no-as-needed", "-Wl,--allow-shlib-undefined", .. arguments]) { RedirectStandardError = true })!;
        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, error);
    }

    private static string? FindCompiler()
    {
        string[] folders = Environment.GetEnvironmentVariable("PATH")?.Split(Path.PathSeparator) ?? [];
        return ((string[])["cc", "gcc", "clang"]).SelectMany(name => folders.Select(folder => Path.Combine(folder, name))).FirstOrDefault(File.Exists);
    }
}
