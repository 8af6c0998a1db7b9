using System.Diagnostics;
using EmbeddedLlm.Client;
using EmbeddedLlm.Interop;
using EmbeddedLlm.Runtime;
using EmbeddedLlm.SyntheticModels;
using EmbeddedLlm.Templates;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Benchmarks;

/// <summary>A model loaded twice: once by the library, behind its chat client, and once bare, with the same sizes. The file is mapped, so both read the same weights.</summary>
internal sealed class Subject : IAsyncDisposable
{
    private static readonly string[] EndTexts =
        ["<|im_end|>", "<|endoftext|>", "<|im_start|>", "<|eot_id|>", "<|eom_id|>", "<|end_of_text|>", "<end_of_turn>", "<|end|>", "<|return|>", "<|call|>", "<eos>", "</s>"];

    private readonly PromptBuilder _prompts;
    private readonly ChatOptions _options;

    private Subject(EmbeddedModel model, BareLoop bare, PromptBuilder prompts, int[] excluded)
    {
        Model = model;
        Bare = bare;
        Chat = model.AsChatClient();
        _prompts = prompts;
        EmbeddedChatOptions more = new() { LogitBias = excluded.ToDictionary(token => token, _ => float.NegativeInfinity) };
        _options = new ChatOptions { Temperature = 0, RawRepresentationFactory = _ => more };
    }

    public EmbeddedModel Model { get; }

    public IChatClient Chat { get; }

    public BareLoop Bare { get; }

    /// <summary>Whether an answer takes so little time that a measurement needs more tokens.</summary>
    public bool IsSmall => IsSmallModel(Model);

    /// <inheritdoc cref="IsSmall"/>
    public static bool IsSmallModel(EmbeddedModel model) => model.WeightBytes < 100_000_000;

    /// <summary>Loads a model with the settings of the run.</summary>
    /// <param name="name">A name that <see cref="BenchmarkFiles"/> or the catalogue knows, or a path.</param>
    /// <param name="settings">The run's.</param>
    /// <param name="adjust">
    /// What this measurement needs besides. Without it, the library keeps nothing of earlier prompts, as the bare loop does not either: kept cells save whole prompts, and cost the others a little attention.
    /// </param>
    public static async Task<Subject> LoadAsync(string name, RunSettings settings, Action<EmbeddedModelOptions>? adjust = null)
    {
        EmbeddedModelOptions options = settings.CreateOptions();
        options.PrefixCacheLength = 0;
        options.ChatTemplate = SyntheticVocabulary.ChatMlTemplate;
        adjust?.Invoke(options);
        EmbeddedModel model = await EmbeddedModel.LoadAsync(BenchmarkFiles.Resolve(name), options);
        try
        {
            int[] excluded = EndTokens(model);
            IReadOnlyList<BackendDevice> gpus = settings.FindDevices();
            int gpuLayers = gpus.Count == 0 ? 0 : int.MaxValue;
            // llama.cpp's attention at its best for this model: what is compared is the library with a loop over llama.cpp as it is.
            options.FlashAttention = AttentionKernel.IsFusedByLlama(model.Info, options, gpuLayers);
            int batchSize = ContextSizes.Choose(model.Info, options, usesGpu: gpus.Count > 0).BatchSize;
            BareSettings bare = new(model.CacheLength, batchSize, options.MaxSequences, model.Threads, settings.Poll)
            {
                Gpus = gpus,
                KvType = settings.KvType,
                FlashAttention = AttentionKernel.Choose(model.Info, options, gpuLayers),
            };
            return new Subject(model, new BareLoop(model.Path, bare, excluded), CreatePromptBuilder(model, options.ChatTemplate), excluded);
        }
        catch
        {
            await model.DisposeAsync();
            throw;
        }
    }

    /// <summary>A prompt of exactly the given number of tokens, template included. No two seeds give the same beginning, so that no cached prefix helps.</summary>
    public BenchmarkPrompt CreatePrompt(int tokens, int seed)
    {
        Random random = new(seed);
        List<string> words = [Word(random)];
        int[] best = Tokens(words);
        if (best.Length > tokens)
            throw new ArgumentOutOfRangeException(nameof(tokens), tokens, $"The template alone has {best.Length} tokens.");
        for (int failures = 0; best.Length < tokens;)
        {
            // Hardly a word has more than three tokens: many at once while there is room, one at a time at the end.
            int added = failures > 0 ? 1 : Math.Max(1, (tokens - best.Length) / 4);
            words.AddRange(Enumerable.Range(0, added).Select(_ => Word(random)));
            int[] longer = Tokens(words);
            if (longer.Length <= tokens)
                best = longer;
            else if (++failures < 1_000)
                words.RemoveRange(words.Count - added, added);
            else
                throw new InvalidOperationException($"No prompt of {tokens} tokens was found.");
        }

        return new BenchmarkPrompt(Messages(words), best);
    }

    /// <summary>The tokens that the client makes of a conversation.</summary>
    public int[] TokensOf(ChatMessage[] messages) =>
        Model.Tokenizer.TokenizePrompt(_prompts.Build(messages, instructions: null, tools: null, CancellationToken.None), CancellationToken.None);

    /// <summary>Sends a prompt through the client and reads the whole answer, update by update.</summary>
    /// <param name="prompt">The prompt.</param>
    /// <param name="outputTokens">How many tokens to answer.</param>
    /// <param name="keepText">Whether the answer's text is wanted.</param>
    /// <param name="updates">Gets the time of each update that has text, as <see cref="Stopwatch.GetTimestamp"/> has it.</param>
    /// <exception cref="InvalidOperationException">The answer has another number of tokens than asked for.</exception>
    public async Task<ClientAnswer> AskAsync(BenchmarkPrompt prompt, int outputTokens, bool keepText = false, List<long>? updates = null)
    {
        ClientAnswer answer = await AskAsync(prompt.Messages, outputTokens, keepText, updates);
        return answer.InputTokens == prompt.Tokens.Length
            ? answer
            : throw new InvalidOperationException($"The client made {answer.InputTokens} tokens of a prompt of {prompt.Tokens.Length}.");
    }

    /// <inheritdoc cref="AskAsync(BenchmarkPrompt, int, bool, List{long}?)"/>
    public async Task<ClientAnswer> AskAsync(ChatMessage[] messages, int outputTokens, bool keepText = false, List<long>? updates = null)
    {
        ChatOptions options = _options.Clone();
        options.MaxOutputTokens = outputTokens;
        UsageDetails? usage = null;
        GenerationTimings? timings = null;
        string text = "";
        await foreach (ChatResponseUpdate update in Chat.GetStreamingResponseAsync(messages, options))
        {
            if (updates is not null && update.Text.Length > 0)
                updates.Add(Stopwatch.GetTimestamp());
            foreach (AIContent content in update.Contents)
            {
                if (content is UsageContent end)
                    usage = end.Details;
            }

            if (keepText)
                text += update.Text;
            timings = update.RawRepresentation as GenerationTimings ?? timings;
        }

        if (usage?.OutputTokenCount != outputTokens)
            throw new InvalidOperationException($"The client answered {usage?.OutputTokenCount} tokens of {outputTokens}.");
        return new ClientAnswer((int)(usage.InputTokenCount ?? 0), (int)(usage.CachedInputTokenCount ?? 0), timings!, text);
    }

    public async ValueTask DisposeAsync()
    {
        Bare.Dispose();
        await Model.DisposeAsync();
    }

    private static int[] EndTokens(EmbeddedModel model) =>
        [.. EndTexts.Select(text => model.Tokenize(text, parseSpecial: true)).Where(tokens => tokens.Length == 1).Select(tokens => tokens[0]).Distinct()];

    private static PromptBuilder CreatePromptBuilder(EmbeddedModel model, string? template)
    {
        if (template is null && !model.Metadata.TryGetString("tokenizer.chat_template", out template))
            throw new InvalidOperationException($"'{model.Path}' has no chat template.");
        return new PromptBuilder(ChatTemplate.Parse(template), TextOf("tokenizer.ggml.bos_token_id"), TextOf("tokenizer.ggml.eos_token_id"));

        string TextOf(string key) => model.Metadata.TryGetInt32(key, out int token) ? model.Detokenize([token], includeSpecial: true) : "";
    }

    private static string Word(Random random)
    {
        Span<char> letters = stackalloc char[random.Next(1, 6)];
        foreach (ref char letter in letters)
            letter = (char)('a' + random.Next(26));
        return letters.ToString();
    }

    private static ChatMessage[] Messages(List<string> words) => [new ChatMessage(ChatRole.User, string.Join(' ', words))];

    private int[] Tokens(List<string> words) => TokensOf(Messages(words));
}

/// <summary>A conversation, and the tokens that the client makes of it.</summary>
internal sealed record BenchmarkPrompt(ChatMessage[] Messages, int[] Tokens);

/// <summary>What came of a request.</summary>
/// <param name="InputTokens">The prompt's tokens.</param>
/// <param name="CachedTokens">The prompt's tokens that needed no computing.</param>
/// <param name="Timings">The engine's own figures.</param>
/// <param name="Text">The answer, where it was to be kept.</param>
internal sealed record ClientAnswer(int InputTokens, int CachedTokens, GenerationTimings Timings, string Text);
