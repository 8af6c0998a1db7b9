using System.Runtime.InteropServices;
using System.Text;
using EmbeddedLlm.Scheduling;
using EmbeddedLlm.Tokens;

namespace EmbeddedLlm.Tests.Scheduling;

/// <summary>
/// A model of 258 tokens whose next token is a hash of all tokens before it and of the adapters that each was computed with, so that a lost, doubled or foreign token changes the text. It keeps the cells itself, shared
/// ones once, and complains where positions have gaps, slots are strange, more cells are used than there are or cells are copied that do not suffice to go on.
/// </summary>
internal sealed class FakeDecoder(int maxSequences = 4, int cells = 4096, int batch = 64) : IDecoder
{
    public const int ControlToken = 256;
    public const int EndToken = 257;

    private const int RepeatedTokens = 9;

    private readonly List<Cell>[] _cells = [.. Enumerable.Range(0, maxSequences).Select(_ => new List<Cell>())];
    private readonly int[] _first = new int[maxSequences];
    private readonly Dictionary<int, float[]> _logits = [];
    private readonly bool[] _isLost = new bool[maxSequences];
    private AdapterSet _adapters = AdapterSet.None;
    private bool _isPoisoned;
    private bool _isAbortRequested;

    /// <summary>The 256 bytes as tokens, a control token and an end of turn.</summary>
    public static Vocabulary Vocabulary { get; } = CreateVocabulary();

    public int VocabularySize => 258;

    public int MaxSequences => maxSequences;

    public bool HasCellPerToken => !IsRecurrent;

    public bool NeedsCheckpoints => IsRecurrent || Window > 0;

    public int CellCount => cells;

    public DecodeBatch Batch { get; } = new(batch);

    /// <summary>How many decodes there were.</summary>
    public int Steps { get; private set; }

    /// <summary>How often the adapters were set to others.</summary>
    public int Switches { get; private set; }

    /// <summary>The adapters of each decode so far.</summary>
    public List<AdapterSet> AdapterHistory { get; } = [];

    /// <summary>Whether <see cref="History"/>, <see cref="AdapterHistory"/> and <see cref="Copies"/> are kept.</summary>
    public bool KeepsHistory { get; init; } = true;

    /// <summary>The token counts of the decodes so far, per slot.</summary>
    public List<Dictionary<int, int>> History { get; } = [];

    /// <summary>Called in each decode with its number, from 1; the decode ends with what it says.</summary>
    public Func<int, DecodeResult> OnDecode { get; set; } = _ => DecodeResult.Done;

    /// <summary>Called with the number of each decode as the last thing of it.</summary>
    public Action<int> OnDecoded { get; set; } = _ => { };

    /// <summary>Whether a request to abort ends the decode that runs, or the next one.</summary>
    public bool HeedsAborts { get; init; }

    /// <summary>Called whenever cells are to be forgotten.</summary>
    public Action OnRemove { get; init; } = () => { };

    /// <summary>Whether cells can only be forgotten all together, as in recurrent models.</summary>
    public bool IsRecurrent { get; set; }

    /// <summary>How many of the last tokens are looked at; what lies before is forgotten as soon as it can be. 0 where all are.</summary>
    public int Window { get; init; }

    /// <summary>The copies so far: from, to, count.</summary>
    public List<(int From, int To, int Count)> Copies { get; } = [];

    /// <summary>Whether most tokens are those of a while before.</summary>
    public bool Repeats { get; init; }

    /// <summary>The logit of the next token, where all others have 0.</summary>
    public float Confidence { get; init; } = 1;

    /// <summary>Says a wrong token in the place of each that is divisible by this; 0 for none.</summary>
    public int IsWrongAt { get; init; }

    /// <summary>Whether logits are all NaN.</summary>
    public bool IsBroken { get; set; }

    /// <summary>The token after which all logits are NaN, whosever, until the memory is wiped; null for none.</summary>
    public int? Poison { get; init; }

    public int AbortRequests { get; private set; }

    public bool IsDisposed { get; private set; }

    /// <summary>Cells with a token, however many slots share them.</summary>
    public int UsedCells { get; private set; }

    /// <summary>How many tokens were computed so far.</summary>
    public int ComputedTokens { get; private set; }

    /// <summary>How many cells a slot has, shared ones included.</summary>
    public int CellsOf(int slot) => _cells[slot].Count;

    /// <summary>What the model says to a prompt, computed without any scheduler.</summary>
    public static string Answer(string prompt, int maxTokens, bool repeats = false, AdapterSet? adapters = null)
    {
        adapters ??= AdapterSet.None;
        List<Cell> tokens = [];
        foreach (byte token in Encoding.UTF8.GetBytes(prompt))
            tokens.Add(Cell.After(tokens, token, adapters));
        StringBuilder answer = new();
        for (int i = 0; i < maxTokens; i++)
        {
            int next = Next(tokens, repeats);
            if (next == EndToken)
                break;
            answer.Append((char)next);
            tokens.Add(Cell.After(tokens, next, adapters));
        }

        return answer.ToString();
    }

    /// <summary>Prompts whose answers do not end by themselves before so many tokens.</summary>
    public static string[] PromptsWithAnswersOf(int tokens, int count) =>
        [.. Enumerable.Range(0, 10_000).Select(i => $"prompt {i}").Where(prompt => Answer(prompt, tokens).Length == tokens).Take(count)];

    public void UseAdapters(AdapterSet adapters)
    {
        if (adapters.Equals(_adapters))
            throw new InvalidOperationException($"The adapters are {adapters} already.");
        _adapters = adapters;
        Switches++;
    }

    public DecodeResult Decode()
    {
        Steps++;
        if (KeepsHistory)
            AdapterHistory.Add(_adapters);
        if (KeepsHistory)
            History.Add(Batch.Slots.Take(Batch.Count).CountBy(slot => slot).ToDictionary());

        for (int slot = 0; slot < maxSequences && Window > 0; slot++)
            _first[slot] = Math.Max(_first[slot], _cells[slot].Count - Window + 1);

        _isPoisoned |= Poison is { } poison && Batch.Tokens.AsSpan(0, Batch.Count).Contains(poison);
        DecodeResult result = OnDecode(Steps);
        if (HeedsAborts && _isAbortRequested)
            (result, _isAbortRequested) = (DecodeResult.Aborted, false);
        int count = result == DecodeResult.Done ? Batch.Count : Batch.Count / 2;
        _logits.Clear();
        for (int i = 0; i < count; i++)
        {
            int slot = Batch.Slots[i];
            List<Cell> sequence = _cells[slot];
            if (_isLost[slot])
                throw new InvalidOperationException($"Slot {slot} goes on after a step that was not computed.");
            if (Batch.Positions[i] != sequence.Count)
                throw new InvalidOperationException($"Position {Batch.Positions[i]} after {sequence.Count} cells in slot {slot}.");
            if (Window > 0 && _first[slot] > Math.Max(0, sequence.Count - Window + 1))
                throw new InvalidOperationException($"Position {sequence.Count} of slot {slot} needs cells from {sequence.Count - Window + 1} and has them from {_first[slot]}.");
            sequence.Add(Cell.After(sequence, Batch.Tokens[i], _adapters));
            UsedCells++;
            ComputedTokens++;
            if (Batch.WantsLogits[i] != 0)
                _logits[i] = LogitsFor(Next(sequence, Repeats));
        }

        if (UsedCells > cells)
            throw new InvalidOperationException($"{UsedCells} cells used of {cells}.");
        if (IsRecurrent && result != DecodeResult.Done)
            LoseStates();
        OnDecoded(Steps);
        return result;
    }

    public ReadOnlySpan<float> GetLogits(int batchIndex) => _logits[batchIndex];

    public bool RemoveCells(int slot, int fromPosition)
    {
        OnRemove();
        if (fromPosition > 0 && fromPosition < _cells[slot].Count && IsRecurrent)
            return false;
        while (_cells[slot].Count > fromPosition)
        {
            if (--_cells[slot][^1].Holders == 0)
                UsedCells--;
            _cells[slot].RemoveAt(_cells[slot].Count - 1);
        }

        if (fromPosition == 0)
            (_first[slot], _isLost[slot]) = (0, false);
        return true;
    }

    public void Wipe()
    {
        if (_cells.Any(cells => cells.Count > 0))
            throw new InvalidOperationException("A slot has cells.");
        _isPoisoned = false;
    }

    public bool CanShare(int slot, int count)
    {
        if (count < 1 || count > _cells[slot].Count)
            throw new InvalidOperationException($"{count} cells of {_cells[slot].Count} in slot {slot}.");
        return count == _cells[slot].Count || (!IsRecurrent && _first[slot] <= Math.Max(0, count - Math.Max(Window, 1)));
    }

    public void CopyCells(int from, int to, int count)
    {
        if (_cells[to].Count > 0 || from == to || _isLost[from] || !CanShare(from, count))
            throw new InvalidOperationException($"{count} of {_cells[from].Count} cells in slot {from} cannot be copied to slot {to} with {_cells[to].Count}.");
        foreach (Cell cell in _cells[from].Take(count))
        {
            cell.Holders++;
            _cells[to].Add(cell);
        }

        _first[to] = _first[from];
        if (KeepsHistory)
            Copies.Add((from, to, count));
    }

    public long GetStateSize(int slot) => _cells[slot].Count * sizeof(ulong);

    public bool TryGetState(int slot, Span<byte> state)
    {
        if (_isLost[slot])
            throw new InvalidOperationException($"Slot {slot} is saved after a step that was not computed.");
        MemoryMarshal.AsBytes<ulong>([.. _cells[slot].Select(cell => ((ulong)cell.Hash << 32) | (uint)cell.Token)]).CopyTo(state);
        return true;
    }

    public bool TrySetState(int slot, int count, ReadOnlySpan<byte> state)
    {
        if (_cells[slot].Count > 0)
            throw new InvalidOperationException($"Slot {slot} has {_cells[slot].Count} cells already.");
        if (state.Length != count * sizeof(ulong))
            return false;
        foreach (ulong cell in MemoryMarshal.Cast<byte, ulong>(state))
            _cells[slot].Add(new Cell((int)cell, (uint)(cell >> 32)));
        UsedCells += count;
        _first[slot] = Window > 0 ? Math.Max(0, count - Window + 1) : 0;
        return true;
    }

    public void RequestAbort()
    {
        AbortRequests++;
        _isAbortRequested = true;
    }

    public void ForgetAbort() => _isAbortRequested = false;

    public void Dispose() => IsDisposed = true;

    /// <summary>States of those that rest are moved in the course of a step of several.</summary>
    private void LoseStates()
    {
        HashSet<int> slots = [.. Batch.Slots.Take(Batch.Count)];
        for (int slot = 0; slot < maxSequences && slots.Count > 1; slot++)
            _isLost[slot] |= _cells[slot].Count > 0;
    }

    private static int Next(List<Cell> tokens, bool repeats)
    {
        uint hash = tokens[^1].Hash;
        hash ^= hash >> 15;
        if (repeats && hash % 13 != 0)
            return tokens[Math.Max(0, tokens.Count - RepeatedTokens)].Token;
        return hash % 61 == 0 ? EndToken : (int)('a' + (hash >> 8) % 26);
    }

    private float[] LogitsFor(int token)
    {
        float[] logits = new float[VocabularySize];
        if (IsBroken || _isPoisoned)
            Array.Fill(logits, float.NaN);
        else
            logits[IsWrongAt > 0 && token % IsWrongAt == 0 ? 'A' : token] = Confidence;
        return logits;
    }

    private static Vocabulary CreateVocabulary()
    {
        byte[] bytes = [.. Enumerable.Range(0, 256).Select(i => (byte)i), .. "<|start|>"u8, .. "<|end|>"u8];
        int[] offsets = [.. Enumerable.Range(0, 257), 256 + 9, 256 + 9 + 7];
        TokenKind[] kinds = [.. Enumerable.Repeat(TokenKind.Text, 256), TokenKind.Control, TokenKind.EndOfGeneration];
        return new Vocabulary(bytes, offsets, kinds);
    }

    private sealed class Cell(int token, uint hash)
    {
        public int Token { get; } = token;

        /// <summary>The hash of all tokens up to here and of their adapters, which is also that of every sequence that shares the cell.</summary>
        public uint Hash { get; } = hash;

        public int Holders { get; set; } = 1;

        public static Cell After(List<Cell> before, int token, AdapterSet adapters)
        {
            uint hash = ((before.Count == 0 ? 2166136261 : before[^1].Hash) ^ (uint)token) * 16777619;
            foreach (ScaledAdapter adapter in adapters.Adapters)
                hash = (hash ^ (uint)adapter.Index ^ BitConverter.SingleToUInt32Bits(adapter.Scale)) * 16777619;
            return new Cell(token, hash);
        }
    }
}
