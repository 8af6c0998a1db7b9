using System.Runtime.CompilerServices;
using EmbeddedLlm.Client;
using EmbeddedLlm.Scheduling;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm;

/// <content>Completion: prompts without a chat template, and gaps to be filled.</content>
public sealed partial class EmbeddedModel
{
    /// <summary>Whether the model was trained to fill gaps, see <see cref="InfillAsync"/>.</summary>
    public bool CanInfill => _model.Facts.Infill.CanInfill;

    /// <summary>Goes on with a text. No chat template is applied; a token that begins a text is put in front where the model's tokenizer wants one.</summary>
    /// <param name="prompt">The text. What looks like a control token in it is mere characters.</param>
    /// <param name="options">How to go on; the defaults are the model's.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>What comes after the text.</returns>
    /// <exception cref="ArgumentException">An option is out of its range, or contradicts another, or an adapter was not loaded; or the prompt is empty, and the model has no token that begins a text.</exception>
    /// <exception cref="NotSupportedException">A grammar comes together with stop sequences.</exception>
    /// <exception cref="ContextOverflowException">The prompt leaves no room for an answer.</exception>
    /// <exception cref="QueueFullException">Too many requests wait.</exception>
    /// <exception cref="TimeoutException">The request took longer than it may.</exception>
    /// <exception cref="ObjectDisposedException">The model is disposed.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellationToken"/> was cancelled.</exception>
    public Task<CompletionResponse> CompleteAsync(string prompt, CompletionOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        options = (CompletionOptions?)options?.Copy();
        return RunAsync(() => CompletionPrompts.Plain(Tokenizer, prompt, cancellationToken), options, cancellationToken);
    }

    /// <summary>Goes on with a text, and gives what comes after it piece by piece. To stop reading stops the computation.</summary>
    /// <inheritdoc cref="CompleteAsync"/>
    public IAsyncEnumerable<CompletionUpdate> CompleteStreamingAsync(string prompt, CompletionOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        options = (CompletionOptions?)options?.Copy();
        return StreamAsync(() => CompletionPrompts.Plain(Tokenizer, prompt, cancellationToken), options, cancellationToken);
    }

    /// <summary>Fills the gap in a text (fill in the middle), with a model that was trained to do so.</summary>
    /// <param name="prefix">What is before the gap; may be empty. What looks like a control token in it is mere characters, as in all other texts.</param>
    /// <param name="suffix">What is behind the gap; may be empty.</param>
    /// <param name="options">How to fill it; the defaults are the model's.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>What is in the gap. The model ends it by itself, where no limit does.</returns>
    /// <exception cref="NotSupportedException">The model cannot fill gaps, see <see cref="CanInfill"/>, or not with these options.</exception>
    /// <inheritdoc cref="CompleteAsync"/>
    public Task<CompletionResponse> InfillAsync(string prefix, string suffix, InfillOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prefix);
        ArgumentNullException.ThrowIfNull(suffix);
        options = (InfillOptions?)options?.Copy();
        return RunAsync(() => CompletionPrompts.Infill(Tokenizer, _model.Facts.Infill, prefix, suffix, options), options, cancellationToken);
    }

    /// <summary>Fills the gap in a text, and gives what is in it piece by piece. To stop reading stops the computation.</summary>
    /// <inheritdoc cref="InfillAsync"/>
    public IAsyncEnumerable<CompletionUpdate> InfillStreamingAsync(string prefix, string suffix, InfillOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prefix);
        ArgumentNullException.ThrowIfNull(suffix);
        options = (InfillOptions?)options?.Copy();
        return StreamAsync(() => CompletionPrompts.Infill(Tokenizer, _model.Facts.Infill, prefix, suffix, options), options, cancellationToken);
    }

    private async Task<CompletionResponse> RunAsync(Func<int[]> prompt, CompletionOptions? options, CancellationToken cancellationToken)
    {
        GenerationStream stream = await SubmitAsync(prompt, options, cancellationToken).ConfigureAwait(false);
        await stream.WaitForAllAsync().ConfigureAwait(false);
        string text = stream.ReadText(out IReadOnlyList<GeneratedToken> tokens);
        GenerationSummary summary = stream.Summary;
        return new CompletionResponse(text, tokens, ResponseMapper.FinishReasonOf(summary.End, hasCalls: false), ResponseMapper.UsageOf(summary), ResponseMapper.TimingsOf(summary));
    }

    private async IAsyncEnumerable<CompletionUpdate> StreamAsync(Func<int[]> prompt, CompletionOptions? options, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        GenerationStream stream = await SubmitAsync(prompt, options, cancellationToken).ConfigureAwait(false);
        try
        {
            while (await stream.WaitToReadAsync().ConfigureAwait(false))
            {
                string text = stream.ReadText(out IReadOnlyList<GeneratedToken> tokens);
                yield return new CompletionUpdate(text, tokens);
            }

            string rest = stream.ReadText(out IReadOnlyList<GeneratedToken> lastTokens);
            yield return new CompletionUpdate(rest, lastTokens)
            {
                FinishReason = ResponseMapper.FinishReasonOf(stream.Summary.End, hasCalls: false),
                Usage = ResponseMapper.UsageOf(stream.Summary),
                Timings = ResponseMapper.TimingsOf(stream.Summary),
            };
        }
        finally
        {
            // A caller who stops reading early wants no more tokens; after the end this does nothing.
            stream.Abandon();
        }
    }

    /// <summary>A long prompt is tokenized on the thread pool, so that it does not hold up a caller's user interface.</summary>
    private Task<GenerationStream> SubmitAsync(Func<int[]> prompt, CompletionOptions? options, CancellationToken cancellationToken) =>
        Task.Run(() => Submit(RequestOf(prompt(), options), cancellationToken), cancellationToken);

    private GenerationRequest RequestOf(int[] prompt, CompletionOptions? options)
    {
        if (options is { Grammar: not null, StopSequences.Count: > 0 })
            throw new NotSupportedException($"{nameof(CompletionOptions)}.{nameof(options.StopSequences)} is not supported beside {nameof(options.Grammar)}: a stop sequence would cut a text that is held to a grammar.");
        ChatOptions common = new()
        {
            Temperature = options?.Temperature,
            TopK = options?.TopK,
            TopP = options?.TopP,
            FrequencyPenalty = options?.FrequencyPenalty,
            PresencePenalty = options?.PresencePenalty,
            Seed = options?.Seed,
            MaxOutputTokens = options?.MaxOutputTokens,
            StopSequences = options?.StopSequences is null ? null : [.. options.StopSequences],
        };
        (TimeSpan? firstToken, TimeSpan? whole) = RequestMapper.Timeouts(options, Timeouts);
        return new GenerationRequest
        {
            Prompt = prompt,
            MaxOutputTokens = RequestMapper.MaxOutputTokens(common),
            StopStrings = RequestMapper.StopStrings(common),
            Adapters = AdaptersFor(options?.Adapters),
            Sampling = RequestMapper.Sampling(common, options, _sampling),
            TokenReport = RequestMapper.TokenReport(options),
            Priority = options?.Priority ?? 0,
            FirstTokenTimeout = firstToken,
            RequestTimeout = whole,
            Constraint = options?.Grammar is { } grammar ? Constrain(grammar, reasoning: null) : null,
        };
    }
}
