using EmbeddedLlm.Gguf;
using EmbeddedLlm.Interop;

namespace EmbeddedLlm.Runtime;

/// <summary>One model that is being quantised: check the source, let llama.cpp write beside the destination, check the result, give it its name.</summary>
internal sealed class Quantization(string source, string destination, QuantizationType type, QuantizationOptions options, IProgress<float>? progress)
{
    // llama.cpp pads tensors to this, whatever the source's own alignment is that it copies.
    private const int Alignment = 32;

    public void Run(CancellationToken cancellationToken)
    {
        IReadOnlyList<GgufFile> files = ReadSource();
        EnsurePlace(files);
        EnsureQuantisable(files);
        EnsureRoom(files);
        NativeLibraries libraries = NativeLibraryLoader.Load(options.NativeLibraryFolder);
        if (NativeAbi.FindQuantizationProblem(libraries.Llama) is { } problem)
            throw new QuantizationException($"llama.cpp's library cannot be used to quantise: {problem}.");
        cancellationToken.ThrowIfCancellationRequested();

        string unfinished = $"{destination}.{Guid.NewGuid():N}.partial";
        try
        {
            Write(unfinished, files);
            cancellationToken.ThrowIfCancellationRequested();
            EnsureComplete(unfinished);
            File.Move(unfinished, destination, options.Overwrite);
        }
        finally
        {
            File.Delete(unfinished);
        }

        progress?.Report(1);
    }

    private IReadOnlyList<GgufFile> ReadSource()
    {
        try
        {
            GgufFile.EnsureNotEmpty(source);
            IReadOnlyList<GgufFile> files = GgufFile.OpenParts(source);
            GgufModelValidator.Validate(files);
            return files;
        }
        catch (GgufFormatException exception)
        {
            throw exception.In(source);
        }
    }

    private void EnsurePlace(IReadOnlyList<GgufFile> files)
    {
        StringComparer comparer = OperatingSystem.IsLinux() ? StringComparer.Ordinal : StringComparer.OrdinalIgnoreCase;
        string[] sources = [source, .. GgufSplitChecks.OtherPaths(files[0], source)];
        if (sources.Select(RealPath).Contains(RealPath(destination), comparer))
            throw IsBoth();
        if (Directory.Exists(destination) || (File.Exists(destination) && !options.Overwrite))
            throw new IOException($"'{destination}' is there already.");
        if (!Directory.Exists(Path.GetDirectoryName(destination)))
            throw new DirectoryNotFoundException($"There is no folder '{Path.GetDirectoryName(destination)}'.");

        static string RealPath(string path) => !File.Exists(path) ? path : File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path;
    }

    private ArgumentException IsBoth() => new($"'{destination}' is both source and destination.", nameof(destination));

    private void EnsureQuantisable(IReadOnlyList<GgufFile> files)
    {
        if (files.FirstOrDefault(file => file.Alignment != Alignment) is { } file)
            throw new QuantizationException($"'{source}' aligns its tensors to {file.Alignment} bytes; llama.cpp writes files with {Alignment}, and would call them {file.Alignment}.");

        foreach (GgufTensorInfo tensor in files.SelectMany(part => part.Tensors))
        {
            if (tensor.DimensionOrOne(3) > 1)
                throw new QuantizationException($"'{source}' has a tensor of four dimensions, {tensor}, which llama.cpp does not quantise.");
            if (GgmlTypes.IsQuantised(tensor.Type) && !options.AllowRequantization)
            {
                throw new QuantizationException(
                    $"'{source}' is quantised already: {tensor}. Take the model with 16 or 32 bits, or set {nameof(QuantizationOptions)}.{nameof(QuantizationOptions.AllowRequantization)}.");
            }
        }
    }

    /// <summary>No mix is smaller than its matrices at the fewest bits that one of them gets, so no file is refused that would fit.</summary>
    private void EnsureRoom(IReadOnlyList<GgufFile> files)
    {
        double bits = FewestBits(type);
        double least = files.SelectMany(file => file.Tensors).Sum(tensor => tensor.Dimensions.Length < 2 ? tensor.ByteSize : Math.Min(tensor.ByteSize, tensor.ElementCount * bits / 8));
        if (DiskSpace.FreeIn(Path.GetDirectoryName(destination)!) is { } free && least > free)
            throw new IOException($"'{destination}' would take at least {least / (1 << 20):N0} MiB, and {free >> 20:N0} MiB are free.");
    }

    private static double FewestBits(QuantizationType type) => type switch
    {
        QuantizationType.F32 => 32,
        QuantizationType.F16 or QuantizationType.BF16 => 16,
        QuantizationType.Q8_0 => 8.5,
        QuantizationType.Q6_K => 6.5,
        QuantizationType.Q5_1 or QuantizationType.Q5_0 or QuantizationType.Q5_K_S or QuantizationType.Q5_K_M => 5.5,
        QuantizationType.Q4_0 or QuantizationType.Q4_1 or QuantizationType.Q4_K_S or QuantizationType.Q4_K_M or QuantizationType.IQ4_NL => 4.5,
        QuantizationType.IQ4_XS => 4.25,
        QuantizationType.Q3_K_S or QuantizationType.Q3_K_M or QuantizationType.Q3_K_L => 3.4,
        QuantizationType.Q2_K => 2.6,
        _ => 1.6,
    };

    private void Write(string path, IReadOnlyList<GgufFile> files)
    {
        QuantizationProgress watcher = new(files, progress, Environment.CurrentManagedThreadId);
        using IDisposable watching = NativeLog.Register(watcher);
        using IDisposable? logging = options.LoggerFactory is { } loggers ? NativeLog.Register(loggers.CreateLogger("EmbeddedLlm")) : null;
        llama_model_quantize_params parameters = NativeMethods.llama_model_quantize_default_params();
        // llama.cpp starts as many as it is told to, and ends the process where the system gives it no more.
        parameters.nthread = Math.Min(options.Threads ?? int.MaxValue, Environment.ProcessorCount);
        parameters.ftype = (int)type;
        parameters.allow_requantize = options.AllowRequantization ? (byte)1 : (byte)0;
        long mark = NativeLog.Mark();
        if (NativeMethods.llama_model_quantize(source, path, parameters) != 0)
            throw new QuantizationException($"llama.cpp could not quantise '{source}'.{ModelLoader.ReasonSince(mark)}");
        watcher.ThrowIfFailed();
    }

    // llama.cpp does not look at whether its last write went well.
    private void EnsureComplete(string path)
    {
        try
        {
            GgufModelValidator.Validate(GgufFile.Open(path));
        }
        catch (GgufFormatException exception)
        {
            throw new QuantizationException($"What llama.cpp wrote for '{destination}' is not a whole model.", exception);
        }
    }
}
