using System.Runtime.InteropServices;
using EmbeddedLlm.Tokens;

namespace EmbeddedLlm.Grammars;

/// <summary>Collects tokens as a list while they are few and as a mask from then on. Not thread-safe.</summary>
internal sealed class TokenCollector(int vocabularySize)
{
    /// <summary>From here on a mask, of 19 KB at 152k tokens, is written faster than the list.</summary>
    private const int ListLimit = 2048;

    private readonly List<int> _list = [];
    private ulong[] _mask = [];

    public bool IsEmpty => _list.Count == 0 && _mask.Length == 0;

    public void Add(ReadOnlySpan<int> tokens)
    {
        if (tokens.IsEmpty)
            return;
        if (_mask.Length > 0)
        {
            TokenMask.Add(_mask, tokens);
            return;
        }

        _list.AddRange(tokens);
        if (_list.Count > ListLimit)
        {
            EnsureMask();
            TokenMask.Add(_mask, CollectionsMarshal.AsSpan(_list));
            _list.Clear();
        }
    }

    public void Add(ReadOnlySpan<ulong> mask)
    {
        EnsureMask();
        TokenMask.Union(_mask, mask);
    }

    /// <summary>What was collected, as a mask or as a list; the other one is empty.</summary>
    public (ulong[] Bits, int[] Tokens) Take()
    {
        if (_mask.Length > 0)
            TokenMask.Add(_mask, CollectionsMarshal.AsSpan(_list));
        return _mask.Length > 0 ? (_mask, []) : ([], [.. _list]);
    }

    private void EnsureMask()
    {
        if (_mask.Length == 0)
            _mask = new ulong[TokenMask.WordsFor(vocabularySize)];
    }
}
