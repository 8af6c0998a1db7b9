using Microsoft.Extensions.Logging;

namespace EmbeddedLlm;

/// <summary>How a model is quantised.</summary>
public sealed class QuantizationOptions
{
    /// <summary>Whether a file that is there already is replaced, when the new one is complete. Default: <see langword="false"/>, it is an <see cref="IOException"/>.</summary>
    public bool Overwrite { get; set; }

    /// <summary>
    /// Whether weights that are quantised already may be quantised again, which loses more than to do so from 16 or 32 bits at once. Default: <see langword="false"/>, it is a <see cref="QuantizationException"/>.
    /// </summary>
    public bool AllowRequantization { get; set; }

    /// <summary>The number of CPU threads that compute, at most one for each core. Default: all.</summary>
    public int? Threads { get; set; }

    /// <inheritdoc cref="EmbeddedModelOptions.NativeLibraryFolder"/>
    public string? NativeLibraryFolder { get; set; }

    /// <summary>Gets llama.cpp's log. Default: none.</summary>
    public ILoggerFactory? LoggerFactory { get; set; }

    /// <summary>A copy of options, the defaults where there are none, that nobody changes any more.</summary>
    /// <exception cref="ArgumentException">An option makes no sense; the exception names it.</exception>
    internal static QuantizationOptions Fix(QuantizationOptions? options)
    {
        QuantizationOptions copy = options is null ? new QuantizationOptions() : (QuantizationOptions)options.MemberwiseClone();
        copy.Validate();
        return copy;
    }

    /// <summary>Throws <see cref="ArgumentException"/>, naming the option, where a value makes no sense.</summary>
    internal void Validate()
    {
        if (Threads is { } threads)
            ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1, nameof(Threads));
    }
}

/// <summary>A model cannot be quantised: its weights are quantised already, its layout is not supported, or llama.cpp failed. No file is left behind.</summary>
public sealed class QuantizationException : EmbeddedLlmException
{
    /// <summary>Creates the exception with a message and, where there is one, its cause.</summary>
    public QuantizationException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}
