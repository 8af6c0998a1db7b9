using System.Text;
using EmbeddedLlm.Scheduling;
using EmbeddedLlm.Tokens;

namespace EmbeddedLlm.Tests.Scheduling;

/// <summary>
/// A model of 258 tokens whose next token is a hash of all tokens before it, so that a lost, doubled or foreign token changes the text. It keeps the cells itself and
/// complains where positions have gaps, slots are strange or more cells are used than there are.
/// </summary>
internal sealed class FakeDecoder(int maxSequences = 4, int cells = 4096, int batch = 64) : IDecoder
{
    public const int ControlToken = 256;
    public const int EndToken = 257;

    private readonly List<int>[] _cells = [.. Enumerable.Range(0, maxSequences).Select(_ => new List<int>())];
    private readonly Dictionary<int, float[]> _logits = [];

    /// <summary>The 256 bytes as tokens, a control token and an end of turn.</summary>
    public static Vocabulary Vocabulary { get; } = CreateVocabulary();

    public int VocabularySize => 258;

    public int MaxSequences => maxSequences;

    public int CellCount => cells;

    public DecodeBatch Batch { get; } = new(batch);

    /// <summary>How many decodes there were.</summary>
    public int Steps { get; private set; }

    /// <summary>The token counts of the decodes so far, per slot.</summary>
    public List<Dictionary<int, int>> History { get; } = [];

    /// <summary>Called in each decode with its number, from 1; the decode ends with what it says.</summary>
    public Func<int, DecodeResult> OnDecode { get; set; } = _ => DecodeResult.Done;

    /// <summary>Whether cells can only be forgotten all together, as in recurrent models.</summary>
    public bool IsRecurrent { get; set; }

    /// <summary>Whether logits are all NaN.</summary>
    public bool IsBroken { get; set; }

    public int AbortRequests { get; private set; }

    public bool IsDisposed { get; private set; }

    public int UsedCells => _cells.Sum(list => list.Count);

    /// <summary>What the model says to a prompt, computed without any scheduler.</summary>
    public static string Answer(string prompt, int maxTokens)
    {
        List<int> tokens = [.. Encoding.UTF8.GetBytes(prompt)];
        StringBuilder answer = new();
        for (int i = 0; i < maxTokens; i++)
        {
            int next = Next(tokens);
            if (next == EndToken)
                break;
            answer.Append((char)next);
            tokens.Add(next);
        }

        return answer.ToString();
    }

    public DecodeResult Decode()
    {
        Steps++;
        Dictionary<int, int> step = [];
        for (int i = 0; i < Batch.Count; i++)
            step[Batch.Slots[i]] = step.GetValueOrDefault(Batch.Slots[i]) + 1;
        History.Add(step);

        DecodeResult result = OnDecode(Steps);
        int count = result == DecodeResult.Done ? Batch.Count : Batch.Count / 2;
        _logits.Clear();
        for (int i = 0; i < count; i++)
        {
            List<int> sequence = _cells[Batch.Slots[i]];
            if (Batch.Positions[i] != sequence.Count)
                throw new InvalidOperationException($"Position {Batch.Positions[i]} after {sequence.Count} cells in slot {Batch.Slots[i]}.");
            sequence.Add(Batch.Tokens[i]);
            if (Batch.WantsLogits[i] != 0)
                _logits[i] = LogitsFor(Next(sequence));
        }

        if (UsedCells > cells)
            throw new InvalidOperationException($"{UsedCells} cells used of {cells}.");
        return result;
    }

    public ReadOnlySpan<float> GetLogits(int batchIndex) => _logits[batchIndex];

    public bool RemoveCells(int slot, int fromPosition)
    {
        if (fromPosition > 0 && fromPosition < _cells[slot].Count && IsRecurrent)
            return false;
        if (fromPosition < _cells[slot].Count)
            _cells[slot].RemoveRange(fromPosition, _cells[slot].Count - fromPosition);
        return true;
    }

    public void RequestAbort() => AbortRequests++;

    public void Dispose() => IsDisposed = true;

    private static int Next(List<int> tokens)
    {
        uint hash = 2166136261;
        foreach (int token in tokens)
            hash = (hash ^ (uint)token) * 16777619;
        hash ^= hash >> 15;
        return hash % 61 == 0 ? EndToken : (int)('a' + (hash >> 8) % 26);
    }

    private float[] LogitsFor(int token)
    {
        float[] logits = new float[VocabularySize];
        if (IsBroken)
            Array.Fill(logits, float.NaN);
        else
            logits[token] = 1;
        return logits;
    }

    private static Vocabulary CreateVocabulary()
    {
        byte[] bytes = [.. Enumerable.Range(0, 256).Select(i => (byte)i), .. "<|start|>"u8, .. "<|end|>"u8];
        int[] offsets = [.. Enumerable.Range(0, 257), 256 + 9, 256 + 9 + 7];
        TokenKind[] kinds = [.. Enumerable.Repeat(TokenKind.Text, 256), TokenKind.Control, TokenKind.EndOfGeneration];
        return new Vocabulary(bytes, offsets, kinds);
    }
}
