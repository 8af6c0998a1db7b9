namespace EmbeddedLlm.Cli;

/// <summary>The exit codes of every command.</summary>
internal static class ExitCode
{
    public const int Success = 0;

    /// <summary>The command was understood and failed.</summary>
    public const int Failure = 1;

    /// <summary>The command was not understood.</summary>
    public const int Usage = 2;

    /// <summary>Stopped with Ctrl-C: 128 + SIGINT, as shells count.</summary>
    public const int Cancelled = 130;

    /// <summary>Whoever read the output has gone: 128 + SIGPIPE.</summary>
    public const int BrokenPipe = 141;
}
