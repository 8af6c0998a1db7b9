namespace EmbeddedLlm;

/// <summary>
/// No usable llama.cpp library was found. The message lists every path that was tried and why each was refused.
/// Install the package EmbeddedLlm.Runtime.Cpu, or point the environment variable EMBEDDEDLLM_NATIVE_DIR at a folder that holds the libraries.
/// </summary>
public sealed class NativeLibraryException : Exception
{
    /// <summary>Creates the exception without details.</summary>
    public NativeLibraryException()
        : this("The native llama.cpp library could not be loaded.")
    {
    }

    /// <summary>Creates the exception with a message.</summary>
    public NativeLibraryException(string message)
        : this(message, innerException: null)
    {
    }

    /// <summary>Creates the exception with a message and its cause.</summary>
    public NativeLibraryException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }

    internal NativeLibraryException(string message, IReadOnlyList<string> pathsTried)
        : base(message) => PathsTried = pathsTried;

    /// <summary>The folders and files that were tried, in order; empty where none was.</summary>
    public IReadOnlyList<string> PathsTried { get; } = [];
}
