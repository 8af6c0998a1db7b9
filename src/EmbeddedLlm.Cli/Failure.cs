using EmbeddedLlm.Gguf;
using EmbeddedLlm.Templates;

namespace EmbeddedLlm.Cli;

/// <summary>A failure in words for the person at the terminal.</summary>
internal static class Failure
{
    /// <summary>What messages tell a programmer to set, and what it is called here. What is said first goes before its parts.</summary>
    private static readonly (string Library, string CommandLine)[] s_names =
    [
        ($"{nameof(EmbeddedModelOptions)}.", ""),
        ($"{nameof(EmbeddedModelOptions.ContextLength)} or {nameof(EmbeddedModelOptions.CacheLength)}, or take a smaller KV cache type", "--context"),
        (nameof(EmbeddedModelOptions.ContextLength), "--context"),
        (nameof(EmbeddedModelOptions.GpuLayers), "--gpu-layers"),
        ($"Give one with {nameof(EmbeddedModelOptions.ChatTemplate)}, or ask for ChatML with {nameof(EmbeddedModelOptions.ChatTemplateFallback)}", "--chatml uses ChatML in its place"),
        ($" or {nameof(ModelStore)}.{nameof(ModelStore.PullAsync)}, or set {nameof(EmbeddedModelOptions.Download)} to {nameof(ModelDownload.IfMissing)}", ""),
    ];

    /// <param name="exception">What happened.</param>
    /// <param name="verbose">Whether to say where in the program it happened.</param>
    public static string Describe(Exception exception, bool verbose)
    {
        if (verbose)
            return exception.ToString();
        bool isExpected = exception is EmbeddedLlmException or GgufFormatException or ChatTemplateException or NotSupportedException or ArgumentException
            or IOException or UnauthorizedAccessException;
        string message = isExpected ? InOptions(WithoutParameter(exception)) : $"{exception.GetType().Name}: {exception.Message} (--verbose shows where.)";
        return exception switch
        {
            ContextOverflowException overflow =>
                $"The conversation has {overflow.PromptTokens} tokens and the context holds {overflow.ContextLength}, at least one of them for the answer. Shorten it, or give more room with --context.",
            ChatTemplateException => $"{message}\nThe model's chat template was refused; --chatml uses ChatML in its place.",
            _ => message,
        };
    }

    /// <summary>Which parameter of which method it was is for programmers.</summary>
    private static string WithoutParameter(Exception exception) =>
        exception is ArgumentException { ParamName: { } name } && exception.Message.IndexOf($" (Parameter '{name}')", StringComparison.Ordinal) is > 0 and var end
            ? exception.Message[..end]
            : exception.Message;

    private static string InOptions(string message)
    {
        foreach ((string library, string commandLine) in s_names)
            message = message.Replace(library, commandLine, StringComparison.Ordinal);
        return message;
    }
}
