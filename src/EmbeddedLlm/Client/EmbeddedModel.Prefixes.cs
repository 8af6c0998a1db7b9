using EmbeddedLlm.Client;
using EmbeddedLlm.Runtime;
using EmbeddedLlm.Scheduling;
using EmbeddedLlm.Templates;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm;

/// <content>Prefixes that are computed ahead.</content>
public sealed partial class EmbeddedModel
{
    private StateIdentity? _stateIdentity;

    /// <summary>
    /// Computes ahead what later requests begin with, such as instructions, tools and examples, so that the first of them is answered as quickly as all others. It waits for requests that are there,
    /// unless the options give it a priority.
    /// </summary>
    /// <param name="messages">The messages that the requests begin with, perhaps none; a user's message is to follow.</param>
    /// <param name="options">The requests' options, of which instructions and tools are part of the prompt, and the adapters what it is computed with.</param>
    /// <param name="cancellationToken">Stops the computation.</param>
    /// <returns>The prefix, which stays in the KV cache until it is disposed.</returns>
    /// <exception cref="PrefixCacheFullException">The part of the KV cache that prefixes may have does not hold it beside those that are there.</exception>
    /// <exception cref="ContextOverflowException">The prefix leaves no room in the context.</exception>
    /// <exception cref="ArgumentException">Prompts that begin with these messages have no token in common, or an adapter was not loaded.</exception>
    /// <exception cref="ChatTemplateException">The template refuses the messages with a user's after them.</exception>
    /// <exception cref="NotSupportedException">An option or content is not supported.</exception>
    /// <exception cref="QueueFullException">Too many requests wait.</exception>
    /// <exception cref="DecodeException">llama.cpp failed, or the model gave no numbers for the prefix.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The model is disposed.</exception>
    public async Task<PreloadedPrefix> PreloadAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        EmbeddedChatClient client = new(this, CreatePromptBuilder(), _sampling);
        (PinnedPrefix prefix, int priority) = await client.FindPrefixAsync(messages, options, cancellationToken).ConfigureAwait(false);
        if (prefix.Tokens.Length == 0)
            throw new ArgumentException("Prompts that begin with these messages have no token in common.", nameof(messages));
        return await PreloadAsync(prefix, priority, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Computes tokens ahead that later prompts begin with. It waits for requests that are there.</summary>
    /// <param name="tokens">The tokens, as <see cref="Tokenize"/> gives them; a begin-of-sequence token included where prompts have one.</param>
    /// <param name="adapters">The adapters, as <see cref="GenerationOptions.Adapters"/> of the requests has them.</param>
    /// <param name="cancellationToken">Stops the computation.</param>
    /// <exception cref="ArgumentException">There is no token, or an adapter was not loaded.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A token is not in the vocabulary.</exception>
    /// <inheritdoc cref="PreloadAsync(IEnumerable{ChatMessage}, ChatOptions?, CancellationToken)"/>
    public Task<PreloadedPrefix> PreloadTokensAsync(ReadOnlyMemory<int> tokens, IReadOnlyList<AdapterScale>? adapters = null, CancellationToken cancellationToken = default)
    {
        if (tokens.IsEmpty)
            throw new ArgumentException("There is no token.", nameof(tokens));
        return PreloadAsync(new PinnedPrefix(tokens.ToArray(), AdaptersFor(adapters)), EmbeddedChatClient.PreloadPriority, cancellationToken);
    }

    /// <summary>Brings back a prefix that <see cref="PreloadedPrefix.SaveAsync"/> has saved, at the cost of reading its file.</summary>
    /// <remarks>
    /// The file must come from the same model file, loaded with the same KV cache types by the same llama.cpp, and from the same adapters at the same scales. Its checksum tells damage and not forgery, and llama.cpp believes what the file says: restore files only
    /// from where you would run a program from.
    /// </remarks>
    /// <param name="path">The file's path.</param>
    /// <param name="adapters">The adapters that it was computed with, as <see cref="GenerationOptions.Adapters"/> of the requests has them.</param>
    /// <param name="cancellationToken">Stops the reading, and the wait for the step that runs.</param>
    /// <returns>The prefix, which stays in the KV cache until it is disposed.</returns>
    /// <exception cref="PrefixFileException">The file is damaged, or was saved by another model, with other options or adapters, or by another llama.cpp.</exception>
    /// <exception cref="ArgumentException">An adapter was not loaded.</exception>
    /// <exception cref="PrefixCacheFullException">The part of the KV cache that prefixes may have does not hold it beside those that are there and the requests that run.</exception>
    /// <exception cref="IOException">The file cannot be read; <see cref="FileNotFoundException"/> where it is missing.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The model is disposed.</exception>
    public async Task<PreloadedPrefix> RestoreAsync(string path, IReadOnlyList<AdapterScale>? adapters = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        AdapterSet set = AdaptersFor(adapters);
        StateIdentity identity = await Task.Run(() => StateIdentityOf(set), cancellationToken).ConfigureAwait(false);
        (int[] tokens, byte[] state) = await PrefixFile.ReadAsync(path, identity, ContextLength - 1, cancellationToken).ConfigureAwait(false);
        if (tokens.AsSpan().ContainsAnyExceptInRange(0, VocabularySize - 1))
            throw new PrefixFileException($"'{path}' has tokens that are not in the vocabulary.");
        PinnedPrefix prefix = new(tokens, set);
        await _model.Engine.InvokeAsync(scheduler =>
        {
            scheduler.Restore(prefix, state);
            return true;
        }, cancellationToken).ConfigureAwait(false);
        return new PreloadedPrefix(_model.Engine, prefix, () => StateIdentityOf(set));
    }

    private async Task<PreloadedPrefix> PreloadAsync(PinnedPrefix prefix, int priority, CancellationToken cancellationToken)
    {
        GenerationStream stream = Submit(new GenerationRequest { Prompt = prefix.Tokens, Adapters = prefix.Adapters, Prefix = prefix, Priority = priority }, cancellationToken);
        await stream.WaitForAllAsync().ConfigureAwait(false);
        return new PreloadedPrefix(_model.Engine, prefix, () => StateIdentityOf(prefix.Adapters));
    }

    /// <summary>The model's own is computed the first time a prefix is saved or restored; twice where two come at once, with the same result.</summary>
    private StateIdentity StateIdentityOf(AdapterSet adapters) => (_stateIdentity ??= StateIdentity.Create(Path, CacheLength, _options, _model.Facts.Memory.GpuLayers)).With(_model.Adapters.Identify(adapters));
}
