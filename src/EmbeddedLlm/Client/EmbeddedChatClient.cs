using System.Runtime.CompilerServices;
using System.Text;
using EmbeddedLlm.Scheduling;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Client;

/// <summary>
/// A model as <see cref="IChatClient"/>. Thread-safe and stateless: each request carries its whole conversation. Disposal does nothing, since the model belongs to whoever loaded it.
/// </summary>
internal sealed class EmbeddedChatClient(EmbeddedModel model, PromptBuilder prompts, SamplingDefaults sampling) : IChatClient
{
    private readonly ChatClientMetadata _metadata = new("embeddedllm", providerUri: null, model.Id);

    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        ResponseMapper mapper = ResponseMapper.Create(model.Id);
        GenerationStream stream = await SubmitAsync(messages, options, cancellationToken).ConfigureAwait(false);
        StringBuilder text = new();
        while (await stream.WaitToReadAsync().ConfigureAwait(false))
            text.Append(stream.ReadText());
        return mapper.Response(text.ToString(), stream.Summary);
    }

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        ResponseMapper mapper = ResponseMapper.Create(model.Id);
        GenerationStream stream = await SubmitAsync(messages, options, cancellationToken).ConfigureAwait(false);
        try
        {
            while (await stream.WaitToReadAsync().ConfigureAwait(false))
                yield return mapper.TextUpdate(stream.ReadText());
            yield return mapper.LastUpdate(stream.Summary);
        }
        finally
        {
            // A caller who stops reading early wants no more tokens; after the end this does nothing.
            stream.TryFail(new OperationCanceledException());
        }
    }

    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        if (serviceKey is not null)
            return null;
        return serviceType == typeof(ChatClientMetadata) ? _metadata
            : serviceType.IsInstanceOfType(this) ? this
            : serviceType.IsInstanceOfType(model) ? model
            : null;
    }

    public void Dispose()
    {
    }

    /// <summary>Renders and tokenizes on the thread pool, so that a long prompt does not hold up a caller's user interface.</summary>
    private Task<GenerationStream> SubmitAsync(IEnumerable<ChatMessage> messages, ChatOptions? options, CancellationToken cancellationToken) =>
        Task.Run(() => model.Submit(CreateRequest(messages, options, cancellationToken), cancellationToken), cancellationToken);

    private GenerationRequest CreateRequest(IEnumerable<ChatMessage> messages, ChatOptions? options, CancellationToken cancellationToken)
    {
        RequestMapper.EnsureSupported(options, model.Id);
        EmbeddedChatOptions? more = RequestMapper.RawRepresentation(options, this);
        return new GenerationRequest
        {
            Prompt = model.Tokenizer.TokenizePrompt(prompts.Build(messages, options?.Instructions, cancellationToken)),
            MaxOutputTokens = RequestMapper.MaxOutputTokens(options),
            StopStrings = RequestMapper.StopStrings(options),
            Sampling = RequestMapper.Sampling(options, more, sampling),
        };
    }
}
