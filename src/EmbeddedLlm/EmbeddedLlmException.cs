namespace EmbeddedLlm;

/// <summary>The base of all exceptions that are EmbeddedLlm's own, for callers that want to catch them together.</summary>
public class EmbeddedLlmException : Exception
{
    /// <summary>Creates the exception with a message and, where there is one, its cause.</summary>
    public EmbeddedLlmException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}

/// <summary>A model could not be loaded: the file is absent, no model, damaged, or llama.cpp refused it.</summary>
public sealed class ModelLoadException : EmbeddedLlmException
{
    /// <summary>Creates the exception with a message and, where there is one, its cause.</summary>
    public ModelLoadException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}

/// <summary>llama.cpp could not compute a step. The requests of that step end with this exception; the model stays usable, unless the message says that it has to be loaded anew.</summary>
public sealed class DecodeException : EmbeddedLlmException
{
    /// <summary>Creates the exception with a message and, where there is one, its cause.</summary>
    public DecodeException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}

/// <summary>The prompt leaves no room in the context for even one token of an answer.</summary>
public sealed class ContextOverflowException : EmbeddedLlmException
{
    /// <summary>Creates the exception from the two counts, both in tokens.</summary>
    public ContextOverflowException(int promptTokens, int contextLength)
        : base($"The prompt has {promptTokens} tokens and the context holds {contextLength}, at least one of them for the answer. " +
               $"Shorten the conversation or raise {nameof(EmbeddedModelOptions)}.{nameof(EmbeddedModelOptions.ContextLength)}.")
    {
        PromptTokens = promptTokens;
        ContextLength = contextLength;
    }

    /// <summary>The prompt's length in tokens.</summary>
    public int PromptTokens { get; }

    /// <summary>The context's length in tokens, prompt and answer together.</summary>
    public int ContextLength { get; }
}

/// <summary>A request names a conversation that the model does not keep: it never was there, was removed, or has made room for others.</summary>
public sealed class ConversationNotFoundException : EmbeddedLlmException
{
    /// <summary>Creates the exception from the id that was asked for.</summary>
    public ConversationNotFoundException(string conversationId)
        : base($"No conversation '{conversationId}' is kept: it never was there, was removed, or has made room for others ({nameof(EmbeddedModelOptions)}.{nameof(EmbeddedModelOptions.ConversationCapacity)}).")
    {
        ConversationId = conversationId;
    }

    /// <summary>The id that was asked for.</summary>
    public string ConversationId { get; }
}

/// <summary>More requests wait for the model than its queue holds.</summary>
public sealed class QueueFullException : EmbeddedLlmException
{
    /// <summary>Creates the exception from the queue's capacity and the number of requests that are being answered.</summary>
    public QueueFullException(int capacity, int running)
        : base($"{capacity} requests wait for the model already, while {running} are being answered. " +
               $"Try again later, or raise {nameof(EmbeddedModelOptions)}.{nameof(EmbeddedModelOptions.QueueCapacity)}.")
    {
        Capacity = capacity;
        Running = running;
    }

    /// <summary>How many requests may wait.</summary>
    public int Capacity { get; }

    /// <summary>How many requests were being answered at that moment.</summary>
    public int Running { get; }
}

/// <summary>A prefix cannot be kept: the part of the KV cache that prefixes may have does not hold it.</summary>
public sealed class PrefixCacheFullException : EmbeddedLlmException
{
    /// <summary>Creates the exception from the prefix's length in tokens and what is in its way.</summary>
    public PrefixCacheFullException(int tokens, string reason)
        : base($"A prefix of {tokens} tokens cannot be kept: {reason}. " +
               $"Dispose other prefixes, or raise {nameof(EmbeddedModelOptions)}.{nameof(EmbeddedModelOptions.PrefixCacheLength)} or {nameof(EmbeddedModelOptions.CacheLength)}.")
    {
        Tokens = tokens;
    }

    /// <summary>The prefix's length in tokens.</summary>
    public int Tokens { get; }
}

/// <summary>A file is no prefix that this model, loaded as it is, can go on from: damaged, of another version, or saved by another model, other options or another llama.cpp.</summary>
public sealed class PrefixFileException : EmbeddedLlmException
{
    /// <summary>Creates the exception with a message and, where there is one, its cause.</summary>
    public PrefixFileException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}
