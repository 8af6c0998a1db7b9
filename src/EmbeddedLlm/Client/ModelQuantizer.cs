using EmbeddedLlm.Gguf;
using EmbeddedLlm.Runtime;

namespace EmbeddedLlm;

/// <summary>Writes models anew with smaller weights, as llama.cpp's <c>llama-quantize</c> does. Thread-safe.</summary>
public static class ModelQuantizer
{
    /// <summary>Quantises a model.</summary>
    /// <remarks>
    /// The file is written beside its destination under another name, and gets its own when it is complete and has been checked: nobody ever sees half a model there. llama.cpp cannot be stopped in the midst of it:
    /// after a cancellation the task ends, and the unfinished file is deleted, when it has come to its own end.
    /// </remarks>
    /// <param name="source">The path of a .gguf file, the first where the model is split over several. Its weights have 16 or 32 bits, unless the options allow others.</param>
    /// <param name="destination">The path of the file to write. A split model becomes one file.</param>
    /// <param name="type">How weights are stored.</param>
    /// <param name="options">How to do it.</param>
    /// <param name="progress">Gets the fraction of the weights' bytes that are done, from 0 to 1, on the thread that computes.</param>
    /// <param name="cancellationToken">Gives up the file.</param>
    /// <returns>A task that ends when the file is there.</returns>
    /// <exception cref="ArgumentException">Source and destination are the same file, or an option makes no sense.</exception>
    /// <exception cref="GgufFormatException">The source is damaged or no GGUF file.</exception>
    /// <exception cref="QuantizationException">The model cannot be quantised.</exception>
    /// <exception cref="IOException">The source cannot be read; or the destination is there already, or there is not enough room for it.</exception>
    /// <exception cref="UnauthorizedAccessException">A file or folder may not be used.</exception>
    /// <exception cref="NativeLibraryException">llama.cpp's libraries are missing or of the wrong version.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was cancelled.</exception>
    public static Task QuantizeAsync(
        string source,
        string destination,
        QuantizationType type,
        QuantizationOptions? options = null,
        IProgress<float>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(source);
        ArgumentException.ThrowIfNullOrEmpty(destination);
        if (!Enum.IsDefined(type))
            throw new ArgumentOutOfRangeException(nameof(type), type, "There is no such type.");
        options = QuantizationOptions.Fix(options);
        Quantization quantization = new(Path.GetFullPath(source), Path.GetFullPath(destination), type, options, progress);
        return Task.Factory.StartNew(() => quantization.Run(cancellationToken), cancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }
}
