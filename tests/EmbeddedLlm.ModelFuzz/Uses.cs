using System.Globalization;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.ModelFuzz;

/// <summary>Ways to load and use a model at length, one option or habit after the other: what a short answer with the usual options does not reach.</summary>
internal static class Uses
{
    private const int ContextLength = 192;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static readonly (string Name, Action<EmbeddedModelOptions, string> Set)[] Ways =
    [
        ("usual", (_, _) => { }),
        ("quantised cache", (options, _) => (options.KeyCacheType, options.ValueCacheType) = (KvCacheType.Q8_0, KvCacheType.Q8_0)),
        ("quantised keys", (options, _) => (options.KeyCacheType, options.FlashAttention) = (KvCacheType.Q4_0, false)),
        ("cache of 32 bits", (options, _) => (options.KeyCacheType, options.ValueCacheType, options.FlashAttention) = (KvCacheType.F32, KvCacheType.BF16, true)),
        ("small batches", (options, _) => (options.BatchSize, options.FlashAttention) = (7, false)),
        ("whole prompts", (options, _) => options.PrefillChunk = ContextLength),
        ("prompt lookup", (options, _) => options.PromptLookupTokens = 6),
        ("no prefixes", (options, _) => (options.PrefixCacheLength, options.MaxSequences) = (0, 1)),
        ("tiny context", (options, _) => options.ContextLength = 60),
        ("tight cache", (options, _) => options.CacheLength = ContextLength),
        ("its own draft", (options, path) => options.DraftModel = path),
    ];

    /// <summary>How many there are.</summary>
    public static int Count => Ways.Length;

    /// <summary>What a way is called.</summary>
    public static string NameOf(int way) => Ways[way].Name;

    /// <summary>The options of a way.</summary>
    public static EmbeddedModelOptions OptionsOf(int way, string path)
    {
        EmbeddedModelOptions options = new() { ContextLength = ContextLength, MaxSequences = 3, Threads = 1, ChatTemplateFallback = ChatTemplateFallback.ChatMl };
        Ways[way].Set(options, path);
        return options;
    }

    /// <summary>Several callers at once, answers that fill the context, common beginnings, a cancelled answer, a prefix saved and brought back, constrained answers, vectors of all kinds.</summary>
    public static async Task<string> UseAsync(EmbeddedModel model, string path)
    {
        int done = 0;
        List<string> faults = [];
        string beginning = string.Concat(Enumerable.Repeat("Hello wörld, 12 ", 3));
        await AllAsync(Enumerable.Range(0, 4).Select(i => CompleteAsync(beginning + new string((char)('a' + i), 1 + (i * 9)), i == 0 ? null : i * 10))).ConfigureAwait(false);
        await AllAsync(Enumerable.Range(0, 3).Select(i => CompleteAsync(beginning + beginning + i.ToString(CultureInfo.InvariantCulture), 8))).ConfigureAwait(false);
        using (CancellationTokenSource stop = new())
        {
            Task<bool> cancelled = CompleteAsync(beginning + "?", null, stop.Token);
            Task<bool> other = CompleteAsync(beginning, 12);
            await Task.Delay(10, CancellationToken.None).ConfigureAwait(false);
            await stop.CancelAsync().ConfigureAwait(false);
            await AllAsync([cancelled, other]).ConfigureAwait(false);
        }

        await AllAsync([TryAsync(PrefixAsync), TryAsync(ChatAsync), TryAsync(ListAsync)]).ConfigureAwait(false);
        foreach (EmbeddingPooling? pooling in (EmbeddingPooling?[])[null, .. Enum.GetValues<EmbeddingPooling>().Select(value => (EmbeddingPooling?)value)])
            await AllAsync([TryAsync(() => EmbedAsync(pooling, ["Hello!", beginning, "a", beginning + beginning + beginning])), TryAsync(() => EmbedAsync(pooling, ["a", ""]))]).ConfigureAwait(false);
        await AllAsync([TryAsync(async () => await model.RerankAsync("Hello", [beginning, "a", "", beginning + beginning]).ConfigureAwait(false))]).ConfigureAwait(false);
        return string.Create(CultureInfo.InvariantCulture, $"{done} times{string.Concat(faults.GroupBy(fault => fault).Select(same => $", {same.Count()} × {same.Key}"))}");

        async Task AllAsync(IEnumerable<Task<bool>> uses) => done += (await Task.WhenAll(uses).WaitAsync(Patience).ConfigureAwait(false)).Count(use => use);

        // What members say of themselves that they throw.
        async Task<bool> TryAsync(Func<Task> use)
        {
            try
            {
                await use().ConfigureAwait(false);
                return true;
            }
            catch (Exception exception) when (exception is EmbeddedLlmException or NotSupportedException or ArgumentException or OperationCanceledException or GivenUpException)
            {
                lock (faults)
                    faults.Add($"{exception.GetType().Name}: {(exception.Message.Length > 150 ? exception.Message[..150] : exception.Message)}");
                return false;
            }
        }

        Task<bool> CompleteAsync(string prompt, int? length, CancellationToken cancellationToken = default) =>
            TryAsync(async () => await model.CompleteAsync(prompt, new CompletionOptions { MaxOutputTokens = length ?? ContextLength, Seed = 1, Temperature = 1.5f }, cancellationToken).ConfigureAwait(false));

        async Task PrefixAsync()
        {
            int[] tokens = model.Tokenize(beginning);
            string saved = path + ".prefix";
            PreloadedPrefix prefix = await model.PreloadTokensAsync(tokens).ConfigureAwait(false);
            await using (prefix.ConfigureAwait(false))
            {
                try
                {
                    await prefix.SaveAsync(saved).ConfigureAwait(false);
                }
                catch (InvalidOperationException) when (!prefix.IsLoaded)
                {
                    throw new GivenUpException();
                }
            }

            PreloadedPrefix restored = await model.RestoreAsync(saved).ConfigureAwait(false);
            await using (restored.ConfigureAwait(false))
                await CompleteAsync(beginning + "!", 5).ConfigureAwait(false);
        }

        async Task ChatAsync() => await model.AsChatClient().GetResponseAsync(
            [new ChatMessage(ChatRole.System, "a"), new ChatMessage(ChatRole.User, "b")], new ChatOptions { MaxOutputTokens = 30, Seed = 1 }).ConfigureAwait(false);

        async Task ListAsync() => await model.AsChatClient().GetResponseAsync(
            "Numbers!", new ChatOptions { MaxOutputTokens = 30, Seed = 1, ResponseFormat = ChatResponseFormat.ForJsonSchema<int[]>() }).ConfigureAwait(false);

        async Task EmbedAsync(EmbeddingPooling? pooling, string[] texts) =>
            await model.AsEmbeddingGenerator(new EmbeddingOptions { Pooling = pooling, TruncatesInputs = true }).GenerateAsync(texts).ConfigureAwait(false);
    }

    /// <summary>The prefix had to go, as all do where a model's numbers are none.</summary>
    private sealed class GivenUpException() : Exception("A prefix was given up.");
}
