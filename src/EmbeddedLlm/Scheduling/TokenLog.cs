using EmbeddedLlm.Sampling;
using EmbeddedLlm.Tokens;

namespace EmbeddedLlm.Scheduling;

/// <summary>What a request wants to know of its tokens.</summary>
/// <param name="HasProbabilities">Whether it wants their log probabilities.</param>
/// <param name="TopCount">How many of the most probable tokens it wants for each.</param>
internal sealed record TokenReport(bool HasProbabilities, int TopCount);

/// <summary>The tokens of one answer for a caller who asked for them, each held back as long as its text is. Belongs to the engine thread.</summary>
internal sealed class TokenLog(TokenReport report)
{
    private readonly Queue<(GeneratedToken Token, long Start, long End)> _held = new();
    private readonly List<GeneratedToken> _ready = [];
    private GeneratedToken? _sampled;
    private long _length;

    /// <summary>The tokens whose text is out and that were not taken yet.</summary>
    public List<GeneratedToken> Ready => _ready;

    /// <summary>Notes what the model thought of the token that was sampled just now.</summary>
    public void Observe(int token, ReadOnlySpan<float> logits, Vocabulary vocabulary, SamplerScratch scratch)
    {
        if (!report.HasProbabilities)
        {
            _sampled = new GeneratedToken(token, vocabulary.MemoryOf(token));
            return;
        }

        LogProbabilities probabilities = new(logits, report.TopCount, scratch);
        TokenAlternative[] top = new TokenAlternative[probabilities.Top.Length];
        for (int i = 0; i < top.Length; i++)
        {
            int other = Candidate.Token(probabilities.Top[i]);
            top[i] = new TokenAlternative(other, vocabulary.MemoryOf(other), probabilities.Of(logits[other]));
        }

        _sampled = new GeneratedToken(token, vocabulary.MemoryOf(token), isForced: false, probabilities.Of(logits[token]), top);
    }

    /// <summary>Takes the next token of the answer. One that was not observed has not been sampled.</summary>
    /// <param name="token">The token.</param>
    /// <param name="textLength">The bytes it adds to the text.</param>
    /// <param name="vocabulary">All tokens.</param>
    public void Add(int token, int textLength, Vocabulary vocabulary)
    {
        _held.Enqueue((_sampled ?? new GeneratedToken(token, vocabulary.MemoryOf(token), isForced: true), _length, _length += textLength));
        _sampled = null;
    }

    /// <summary>Lets the tokens out whose text is.</summary>
    /// <param name="textLength">The bytes of the text that are out.</param>
    /// <param name="isFinal">Whether no more come; what begins behind them is dropped.</param>
    public void Release(long textLength, bool isFinal)
    {
        while (_held.TryPeek(out (GeneratedToken Token, long Start, long End) next) && (next.End <= textLength || (isFinal && next.Start < textLength)))
            _ready.Add(_held.Dequeue().Token);
    }
}
