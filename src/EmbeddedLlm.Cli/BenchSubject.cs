using System.Diagnostics;

namespace EmbeddedLlm.Cli;

/// <summary>A loaded model that is asked for answers of exact lengths.</summary>
internal sealed class BenchSubject(EmbeddedModel model)
{
    private readonly Dictionary<int, float> _endless = model.EndOfGenerationTokens.ToDictionary(token => token, _ => float.NegativeInfinity);
    private int _prompts;

    public EmbeddedModel Model => model;

    /// <summary>A prompt of at most so many tokens and hardly fewer, new from its first word on, so that nothing of an earlier one is of use.</summary>
    public string CreatePrompt(int tokens)
    {
        Random random = new(++_prompts);
        string text = Word(random);
        while (true)
        {
            string longer = $"{text} {Word(random)}";
            if (model.Tokenize(longer).Length > tokens)
                return text;
            text = longer;
        }
    }

    /// <summary>Sends a prompt and reads the whole answer, update by update.</summary>
    /// <param name="prompt">The prompt.</param>
    /// <param name="tokens">How many tokens to answer.</param>
    /// <param name="grammar">What the answer is held to; it must go on for longer than that.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="InvalidOperationException">The answer has another number of tokens than asked for.</exception>
    public async Task<BenchAnswer> AskAsync(string prompt, int tokens, Grammar? grammar, CancellationToken cancellationToken)
    {
        CompletionOptions options = new() { Temperature = 0, MaxOutputTokens = tokens, LogitBias = _endless, Grammar = grammar };
        long start = Stopwatch.GetTimestamp();
        TimeSpan? first = null;
        CompletionUpdate? last = null;
        await foreach (CompletionUpdate update in model.CompleteStreamingAsync(prompt, options, cancellationToken).ConfigureAwait(false))
        {
            first ??= Stopwatch.GetElapsedTime(start);
            last = update;
        }

        TimeSpan time = Stopwatch.GetElapsedTime(start);
        if (last?.Usage?.OutputTokenCount != tokens)
            throw new InvalidOperationException($"'{model.Id}' answered {last?.Usage?.OutputTokenCount} tokens of {tokens}.");
        return new BenchAnswer((int)(last.Usage.InputTokenCount ?? 0), tokens, last.Timings!, time, first!.Value);
    }

    private static string Word(Random random)
    {
        Span<char> letters = stackalloc char[random.Next(1, 6)];
        foreach (ref char letter in letters)
            letter = (char)('a' + random.Next(26));
        return letters.ToString();
    }
}

/// <summary>An answer's figures.</summary>
/// <param name="InputTokens">The prompt's tokens.</param>
/// <param name="OutputTokens">The answer's tokens.</param>
/// <param name="Timings">The engine's own figures.</param>
/// <param name="Time">From the call to the end of the answer.</param>
/// <param name="FirstUpdate">From the call to the first update.</param>
internal sealed record BenchAnswer(int InputTokens, int OutputTokens, GenerationTimings Timings, TimeSpan Time, TimeSpan FirstUpdate);
