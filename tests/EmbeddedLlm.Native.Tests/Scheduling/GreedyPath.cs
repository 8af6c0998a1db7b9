using EmbeddedLlm.Client;
using EmbeddedLlm.Interop;
using EmbeddedLlm.Native.Tests.Interop;
using EmbeddedLlm.Templates;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Native.Tests.Scheduling;

/// <summary>Computes an answer once more, token by token and alone, by nothing but the externs, to see how far it is from the most likely one.</summary>
internal sealed class GreedyPath(EmbeddedModel model) : IDisposable
{
    private readonly StarterModel _native = new();
    private readonly PromptBuilder _prompts = new(ChatTemplate.Parse(model.Info.ChatTemplate!), "", "");

    /// <summary>By how much the most likely token's logit is above that of the one the answer goes on with, where that is most.</summary>
    /// <param name="messages">What was asked.</param>
    /// <param name="answer">The answer's text.</param>
    /// <param name="promptTokens">How many tokens the prompt is known to have.</param>
    /// <param name="isCut">Whether the answer ended at its limit and not by itself.</param>
    public unsafe float WidestGap(IReadOnlyList<ChatMessage> messages, string answer, int promptTokens, bool isCut)
    {
        int[] prompt = model.Tokenizer.TokenizePrompt(_prompts.Build(messages, instructions: null, tools: null, CancellationToken.None), CancellationToken.None);
        Assert.Equal(promptTokens, prompt.Length);
        NativeMethods.llama_memory_seq_rm(_native.Memory, 0, 0, -1);
        Assert.Equal(0, _native.Decode(0, 0, prompt));
        int position = prompt.Length;
        float widest = 0;
        while (answer.Length > 0 || !isCut)
        {
            ReadOnlySpan<float> logits = _native.Logits(-1);
            int likely = StarterModel.ArgMax(logits);
            int next = Follows(likely, answer) ? likely : BestThatFollows(logits, answer);
            widest = Math.Max(widest, logits[likely] - logits[next]);
            if (answer.Length == 0)
                break;
            answer = answer[_native.Piece(next).Length..];
            Assert.Equal(0, _native.Decode(0, position++, next));
        }

        return widest;
    }

    public void Dispose() => _native.Dispose();

    private unsafe bool Follows(int token, string rest)
    {
        if (NativeMethods.llama_vocab_is_eog(_native.Vocab, token))
            return rest.Length == 0;
        string piece = _native.Piece(token);
        return piece.Length > 0 && rest.StartsWith(piece, StringComparison.Ordinal);
    }

    private int BestThatFollows(ReadOnlySpan<float> logits, string rest)
    {
        int best = -1;
        for (int token = 0; token < logits.Length; token++)
        {
            if (Follows(token, rest) && (best < 0 || logits[token] > logits[best]))
                best = token;
        }

        Assert.True(best >= 0, $"No token begins '{rest}'.");
        return best;
    }
}
