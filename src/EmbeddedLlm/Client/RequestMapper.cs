using System.Text.Json;
using System.Text;
using EmbeddedLlm.Sampling;
using EmbeddedLlm.Scheduling;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Client;

/// <summary>Reads chat options. What cannot be honoured is an error that names it: nothing is ignored in silence.</summary>
internal static class RequestMapper
{
    private static readonly JsonElement s_objectOrArray = JsonElement.Parse("""{"type":["object","array"]}""");
    private static readonly JsonSchemaGrammarOptions s_spaced = new() { AllowsLocalTimes = true, WritesForDotNet = true };
    private static readonly JsonSchemaGrammarOptions s_anyWhiteSpace = new() { AllowWhiteSpace = true, AllowsLocalTimes = true, WritesForDotNet = true };

    /// <summary>The most tokens to generate; <see cref="int.MaxValue"/> where the caller sets no limit.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Less than one.</exception>
    public static int MaxOutputTokens(ChatOptions? options)
    {
        if (options?.MaxOutputTokens is not { } limit)
            return int.MaxValue;
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1, nameof(options.MaxOutputTokens));
        return limit;
    }

    /// <summary>The stop strings in UTF-8.</summary>
    /// <exception cref="ArgumentException">One is null or empty.</exception>
    public static byte[][] StopStrings(ChatOptions? options)
    {
        if (options?.StopSequences is not { Count: > 0 } stops)
            return [];
        foreach (string stop in stops)
            ArgumentException.ThrowIfNullOrEmpty(stop, nameof(options.StopSequences));
        return [.. stops.Select(Encoding.UTF8.GetBytes)];
    }

    /// <summary>The sampling options: the request's, and the model's for the rest.</summary>
    public static SamplingOptions Sampling(ChatOptions? options, GenerationOptions? more, SamplingDefaults defaults) => defaults.For(options, more);

    /// <summary>How long the first token and the whole answer may take: the request's own limits, else the model's.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A limit is not above zero, or more than 49 days.</exception>
    public static (TimeSpan? FirstToken, TimeSpan? Whole) Timeouts(GenerationOptions? more, (TimeSpan? FirstToken, TimeSpan? Whole) model)
    {
        EmbeddedModelOptions.ThrowIfNoTimeout(more?.FirstTokenTimeout, nameof(more.FirstTokenTimeout));
        EmbeddedModelOptions.ThrowIfNoTimeout(more?.RequestTimeout, nameof(more.RequestTimeout));
        return (more?.FirstTokenTimeout ?? model.FirstToken, more?.RequestTimeout ?? model.Whole);
    }

    /// <summary>What the caller wants to know of the tokens; null for nothing.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The number of the most probable tokens is out of its range.</exception>
    public static TokenReport? TokenReport(GenerationOptions? more)
    {
        int top = more?.TopLogProbabilities ?? 0;
        if (top is < 0 or > GenerationOptions.MostTopLogProbabilities)
            throw OutOfRange(nameof(more.TopLogProbabilities), top, $"must be between 0 and {GenerationOptions.MostTopLogProbabilities}");
        bool hasProbabilities = top > 0 || more?.LogProbabilities is true;
        return hasProbabilities || more?.IncludeTokens is true ? new TokenReport(hasProbabilities, top) : null;
    }

    /// <summary>What to do where the conversation is too long.</summary>
    /// <exception cref="ArgumentException">It is no known policy.</exception>
    public static ContextOverflowPolicy ContextOverflow(EmbeddedChatOptions? more)
    {
        ContextOverflowPolicy policy = more?.ContextOverflow ?? ContextOverflowPolicy.Error;
        return Enum.IsDefined(policy) ? policy : throw new ArgumentException($"{nameof(more.ContextOverflow)} is {policy}, which is no policy.", nameof(more));
    }

    /// <summary>What the caller's <see cref="ChatOptions.RawRepresentationFactory"/> gives.</summary>
    /// <exception cref="NotSupportedException">It gives something else than <see cref="EmbeddedChatOptions"/>.</exception>
    public static EmbeddedChatOptions? RawRepresentation(ChatOptions? options, IChatClient client) => options?.RawRepresentationFactory?.Invoke(client) switch
    {
        null => null,
        EmbeddedChatOptions more => more,
        object other => throw NotSupported(nameof(options.RawRepresentationFactory), $"it gave a {other.GetType().Name}, and an {nameof(EmbeddedChatOptions)} is understood"),
    };

    /// <summary>The language that an answer is held to which calls no tool; null where it is free.</summary>
    /// <exception cref="JsonSchemaNotSupportedException">The schema asks for something that cannot be enforced.</exception>
    /// <exception cref="GrammarException">The schema is malformed or too large.</exception>
    /// <exception cref="NotSupportedException">A grammar comes together with something that contradicts it.</exception>
    public static Grammar? GrammarOf(ChatOptions? options, EmbeddedChatOptions? more, ToolSet? tools)
    {
        ChatResponseFormatJson? json = options?.ResponseFormat as ChatResponseFormatJson;
        if (json is not null && more?.Grammar is not null)
            throw NotSupported(nameof(options.ResponseFormat), $"{nameof(EmbeddedChatOptions)}.{nameof(more.Grammar)} is set as well");
        Grammar? grammar = json is null ? more?.Grammar : GrammarOf(json, more);
        if (grammar is not null && options?.StopSequences is { Count: > 0 })
            throw NotSupported(nameof(options.StopSequences), "a stop sequence would cut an answer that is held to a grammar");
        if (tools is not null && options?.StopSequences is { Count: > 0 })
            throw NotSupported(nameof(options.StopSequences), "a stop sequence would cut the call of a tool");
        return grammar;
    }

    private static Grammar GrammarOf(ChatResponseFormatJson json, EmbeddedChatOptions? more)
    {
        // What the caller has begun may have any white space.
        if (more is { ContinueLastMessage: true })
            return Grammar.FromJsonSchema(json.Schema is { } begun ? Closed(begun) : s_objectOrArray, s_anyWhiteSpace);
        return json.Schema is { } schema ? Grammar.FromJsonSchema(Closed(schema), s_spaced) : Grammar.JsonObjectOrArray;

        JsonElement Closed(JsonElement schema)
        {
            schema = WrappedSchema.Of(schema);
            return more is { AllowUnnamedProperties: true } ? schema : ClosedSchema.Of(schema);
        }
    }

    /// <summary>Throws for what the client cannot do.</summary>
    /// <param name="options">The request's options.</param>
    /// <param name="modelId">The model that answers.</param>
    /// <exception cref="NotSupportedException">Names the option.</exception>
    public static void EnsureSupported(ChatOptions? options, string modelId)
    {
        if (options is null)
            return;
        if (options.ModelId is not null && options.ModelId != modelId)
            throw NotSupported(nameof(options.ModelId), $"the client answers with '{modelId}', not with '{options.ModelId}'");
        if (options.ResponseFormat is not (null or ChatResponseFormatText or ChatResponseFormatJson))
            throw NotSupported(nameof(options.ResponseFormat), $"{options.ResponseFormat.GetType().Name} is not known");
#pragma warning disable MEAI001 // Experimental, but to be refused all the same.
        if (options.ContinuationToken is not null)
            throw NotSupported(nameof(options.ContinuationToken), "no answer is computed in the background, and a stream that was left cannot be taken up again");
#pragma warning restore MEAI001
    }

    /// <summary>An option whose value is out of its range, by its name.</summary>
    public static ArgumentOutOfRangeException OutOfRange(string option, int value, string rule) => new(option, value, $"{option} {rule}.");

    /// <summary>An option that is not supported, by its name.</summary>
    public static NotSupportedException NotSupported(string option, string? why = null) =>
        new($"{nameof(ChatOptions)}.{option} is not supported{(why is null ? "" : ": " + why)}.");
}
