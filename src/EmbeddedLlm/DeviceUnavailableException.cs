namespace EmbeddedLlm;

/// <summary>A GPU was asked for, by <see cref="EmbeddedModelOptions.GpuLayers"/> or <see cref="EmbeddedModelOptions.Devices"/>, that cannot be used. The message says which there are, and why backends that are installed cannot be used.</summary>
public sealed class DeviceUnavailableException : EmbeddedLlmException
{
    /// <summary>Creates the exception with a message and, where there is one, its cause.</summary>
    public DeviceUnavailableException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }

    internal DeviceUnavailableException(string message, IReadOnlyList<UnusableBackend> unusableBackends, Exception? innerException)
        : base(message, innerException) => UnusableBackends = unusableBackends;

    /// <summary>The backends that are installed and cannot be used.</summary>
    public IReadOnlyList<UnusableBackend> UnusableBackends { get; } = [];
}
