namespace EmbeddedLlm;

/// <summary>
/// No usable llama.cpp library was found. The message lists every path that was tried and why each was refused.
/// Install the package EmbeddedLlm.Runtime.Cpu, or point the environment variable EMBEDDEDLLM_NATIVE_DIR at a folder that holds the libraries.
/// </summary>
public sealed class NativeLibraryException : EmbeddedLlmException
{
    /// <summary>Creates the exception with a message and, where there is one, its cause.</summary>
    public NativeLibraryException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }

    internal NativeLibraryException(string message, IReadOnlyList<string> pathsTried)
        : base(message) => PathsTried = pathsTried;

    /// <summary>The folders and files that were tried, in order; empty where none was.</summary>
    public IReadOnlyList<string> PathsTried { get; } = [];

    /// <summary>Whether a part of a refused build is in the process, so that no other can be tried.</summary>
    internal bool IsFinal { get; init; }
}
