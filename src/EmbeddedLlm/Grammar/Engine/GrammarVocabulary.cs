using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using EmbeddedLlm.Grammars;
using EmbeddedLlm.Tokens;

namespace EmbeddedLlm;

/// <summary>
/// A model's tokens, prepared for grammars: made once per model, some hundred milliseconds and 10 MB for 150,000 tokens. Immutable and thread-safe.
/// </summary>
/// <remarks>
/// Beside the tree of all tokens it holds prepared masks of the tokens that are nothing but literal characters of a JSON string, by how many characters they have: in
/// most states inside a string all of them are allowed, so only the few thousand others need to be tested one by one. The idea of preparing such
/// slices of a vocabulary is llguidance's.
/// </remarks>
public sealed class GrammarVocabulary
{
    /// <summary>Masks are prepared for tokens of up to this many characters; longer ones, which are few, are tested where it matters.</summary>
    private const int PreparedCharacters = 32;

    /// <summary>
    /// How many nodes a trie of suffixes may be made of. Making it costs as much as many walks; beyond, an automaton ends so early in so many tokens that walking
    /// just what can follow is cheaper.
    /// </summary>
    private const int SuffixLimit = 20_000;

    private const int KeptEndings = 512;

    private static int s_lastId;

    private readonly TokenTrie _all;
    private readonly TokenBand _allByLength;

    /// <summary>Those that are not literal characters alone.</summary>
    private readonly TokenBand _othersByLength;

    /// <summary>The literal ones that no mask is prepared for.</summary>
    private readonly TokenBand _long;
    private readonly ulong[][] _literalUpTo;
    private readonly ulong[] _literal;
    private readonly int[] _ends;
    private readonly int[] _controls;

    /// <summary>By what stands between two quotes in them, as Latin-1, the tokens that have something there; few have.</summary>
    private readonly Lazy<Dictionary<string, List<int>>> _quoted;

    /// <inheritdoc cref="TokensWithLaterKeys"/>
    private readonly Lazy<int[]> _withLaterKeys;

    private readonly Lazy<int[]> _withItems;
    private readonly Lazy<int[]> _withComma;
    private readonly Lazy<int[]> _withCommaAfterQuote;

    /// <summary>Automata that end in the same tokens share what is left of these: most strings do.</summary>
    private readonly Dictionary<NodeSet, StateMask.Ending> _endings = [];

    internal GrammarVocabulary(Vocabulary vocabulary)
    {
        Vocabulary = vocabulary;
        Id = NextId();
        int words = TokenMask.WordsFor(vocabulary.Count);
        _literal = new ulong[words];
        _literalUpTo = new ulong[PreparedCharacters + 1][];
        for (int i = 0; i <= PreparedCharacters; i++)
            _literalUpTo[i] = new ulong[words];

        List<int> text = [];
        List<int> others = [];
        List<int> longer = [];
        List<int> ends = [];
        List<int> controls = [];
        for (int token = 0; token < vocabulary.Count; token++)
        {
            if (vocabulary.IsEndOfGeneration(token))
                ends.Add(token);
            if (vocabulary.KindOf(token) == TokenKind.Control)
                controls.Add(token);
            ReadOnlySpan<byte> bytes = vocabulary.TextBytesOf(token);
            if (bytes.IsEmpty)
                continue;
            text.Add(token);
            int characters = LiteralCharacters(bytes);
            if (characters < 0)
            {
                others.Add(token);
                continue;
            }

            TokenMask.Add(_literal, token);
            if (characters > PreparedCharacters)
                longer.Add(token);
            for (int i = characters; i <= PreparedCharacters; i++)
                TokenMask.Add(_literalUpTo[i], token);
        }

        _ends = [.. ends];
        _controls = [.. controls];
        _all = TokenTrie.Create(vocabulary, text);
        _quoted = new Lazy<Dictionary<string, List<int>>>(() => FindQuoted(vocabulary, text));
        _withItems = new Lazy<int[]>(() => [.. text.Where(token => HasInOrder(vocabulary.TextBytesOf(token), "[,"u8))]);
        _withComma = new Lazy<int[]>(() => [.. text.Where(token => vocabulary.TextBytesOf(token).Contains((byte)','))]);
        _withCommaAfterQuote = new Lazy<int[]>(() => [.. _withComma.Value.Where(token => HasInOrder(vocabulary.TextBytesOf(token), "\","u8))]);
        _withLaterKeys = new Lazy<int[]>(() => [.. text.Where(token => MayHoldLaterKey(vocabulary.TextBytesOf(token)))]);
        _allByLength = TokenBand.Create(vocabulary, text, _all, NextId);
        _othersByLength = TokenBand.Create(vocabulary, others, TokenTrie.Create(vocabulary, others), NextId);
        TokenTrie longTrie = TokenTrie.Create(vocabulary, longer);
        _long = new TokenBand(NextId(), longTrie, longTrie.Depth, shorter: null);
    }

    /// <summary>The number of tokens.</summary>
    public int TokenCount => Vocabulary.Count;

    /// <summary>The memory of the prepared tables, in bytes.</summary>
    public long Size => _all.Size + _allByLength.Size + _othersByLength.Size + _long.Trie.Size + sizeof(ulong) * (long)_literal.Length * (PreparedCharacters + 2);

    internal Vocabulary Vocabulary { get; }

    /// <summary>A number of its own in the process.</summary>
    internal int Id { get; }

    /// <summary>The trie of all tokens that have bytes and are no control tokens.</summary>
    internal TokenTrie Trie => _all;

    internal ReadOnlySpan<int> EndTokens => _ends;

    /// <summary>Prepares a vocabulary that comes from elsewhere than a model loaded by this library.</summary>
    /// <param name="tokens">Each token's bytes, by its id; empty for control tokens, which no text matches.</param>
    /// <param name="endOfGeneration">The ids of the tokens that end a generation.</param>
    /// <exception cref="ArgumentOutOfRangeException">An end token's id is outside the vocabulary.</exception>
    public static GrammarVocabulary Create(IReadOnlyList<ReadOnlyMemory<byte>> tokens, IEnumerable<int> endOfGeneration)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        ArgumentNullException.ThrowIfNull(endOfGeneration);
        ArrayBufferWriter<byte> bytes = new();
        int[] offsets = new int[tokens.Count + 1];
        TokenKind[] kinds = new TokenKind[tokens.Count];
        for (int i = 0; i < tokens.Count; i++)
        {
            bytes.Write(tokens[i].Span);
            offsets[i + 1] = bytes.WrittenCount;
            kinds[i] = tokens[i].IsEmpty ? TokenKind.Control : TokenKind.Text;
        }

        foreach (int token in endOfGeneration)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(token, nameof(endOfGeneration));
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(token, kinds.Length, nameof(endOfGeneration));
            kinds[token] = TokenKind.EndOfGeneration;
        }

        return new GrammarVocabulary(new Vocabulary(bytes.WrittenSpan.ToArray(), offsets, kinds));
    }

    /// <summary>A matcher at the beginning of a text.</summary>
    /// <param name="grammar">The language that the text is held to.</param>
    /// <exception cref="GrammarException">No text is in the language, or the grammar is too ambiguous to be begun.</exception>
    public GrammarMatcher CreateMatcher(Grammar grammar)
    {
        ArgumentNullException.ThrowIfNull(grammar);
        Configuration root = grammar.Machine.Root;
        return root.IsDead
            ? throw new GrammarException("No text fits the grammar or schema: what it asks for contradicts itself.")
            : new GrammarMatcher(this, root, grammar.Trail);
    }

    /// <summary>The mask of a configuration, computed the first time.</summary>
    internal ConfigurationMask MaskOf(Configuration configuration)
    {
        if (configuration.Masks.Find(Id) is { } known)
            return known;
        ConfigurationMask mask = Compute(configuration);
        configuration.Masks.Add(Id, mask);
        return mask;
    }

    /// <summary>Whether a reference means a token.</summary>
    internal bool Matches(TokenReference reference, int token) =>
        !Vocabulary.IsEndOfGeneration(token)
        && (reference.Id >= 0 ? reference.Id == token : Vocabulary.BytesOf(token).SequenceEqual(reference.Text)) != reference.IsNegated;

    /// <summary>The tokens in which a text stands between two quotes, nothing but that.</summary>
    internal ReadOnlySpan<int> TokensWithQuoted(string text) => _quoted.Value.TryGetValue(text, out List<int>? tokens) ? CollectionsMarshal.AsSpan(tokens) : [];

    /// <summary>
    /// The tokens that may hold the end of a key which no look at the keys so far finds: a second key of one object, a key of an object further out, or one with an escaped quote.
    /// Vocabularies of models have a few of them or none, since their texts are cut into words first.
    /// </summary>
    internal ReadOnlySpan<int> TokensWithLaterKeys => _withLaterKeys.Value;

    /// <summary>The tokens that may open an array and have more than one item of it.</summary>
    internal ReadOnlySpan<int> TokensWithItems => _withItems.Value;

    /// <summary>The tokens that may begin another item of an array, or have one.</summary>
    /// <param name="isAfterQuote">Whether the text is within a string, which ends first.</param>
    internal ReadOnlySpan<int> TokensWithComma(bool isAfterQuote) => (isAfterQuote ? _withCommaAfterQuote : _withComma).Value;

    /// <summary>The control token with a text, or -1.</summary>
    internal int FindControl(ReadOnlySpan<byte> text)
    {
        foreach (int token in _controls)
        {
            if (Vocabulary.BytesOf(token).SequenceEqual(text))
                return token;
        }

        return -1;
    }

    /// <summary>How many characters a JSON string's inside gets by these bytes, all of them literal; -1 where some are not, or are not whole.</summary>
    private static int LiteralCharacters(ReadOnlySpan<byte> bytes)
    {
        int characters = 0;
        while (!bytes.IsEmpty)
        {
            if (bytes[0] is < 0x20 or (byte)'"' or (byte)'\\' || Rune.DecodeFromUtf8(bytes, out _, out int length) != OperationStatus.Done)
                return -1;
            characters++;
            bytes = bytes[length..];
        }

        return characters;
    }

    private static Dictionary<string, List<int>> FindQuoted(Vocabulary vocabulary, List<int> tokens)
    {
        Dictionary<string, List<int>> quoted = [];
        foreach (int token in tokens)
        {
            ReadOnlySpan<byte> rest = vocabulary.TextBytesOf(token);
            while (rest.IndexOf((byte)'"') is >= 0 and int first && rest[(first + 1)..].IndexOf((byte)'"') is >= 0 and int length)
            {
                string text = Encoding.Latin1.GetString(rest.Slice(first + 1, length));
                if (!quoted.TryGetValue(text, out List<int>? known))
                    quoted[text] = known = [];
                known.Add(token);
                rest = rest[(first + 1)..];
            }
        }

        return quoted;
    }

    private static bool MayHoldLaterKey(ReadOnlySpan<byte> token) =>
        HasInOrder(token, "\":,\"\""u8) || HasInOrder(token, "},\"\""u8) || HasInOrder(token, "],\"\""u8) || HasInOrder(token, "\"\\\"\""u8);

    /// <summary>Whether characters come in a token in this order, whatever is between them.</summary>
    private static bool HasInOrder(ReadOnlySpan<byte> token, ReadOnlySpan<byte> characters)
    {
        foreach (byte character in characters)
        {
            int index = token.IndexOf(character);
            if (index < 0)
                return false;
            token = token[(index + 1)..];
        }

        return true;
    }

    private int[] Meant(TokenReference reference)
    {
        int[] meant = [.. Enumerable.Range(0, Vocabulary.Count).Where(token => Matches(reference, token))];
        if (meant.Length > 0 || reference.IsNegated)
            return meant;
        throw new GrammarException(reference.Id >= 0
            ? $"The grammar names token {reference.Id}, which is none of the vocabulary's {Vocabulary.Count} tokens that text can have."
            : $"The grammar names the token '{Encoding.UTF8.GetString(reference.Text!)}', which the vocabulary does not have.");
    }

    private StateMask MaskOf(LexicalState state)
    {
        state = state.Within(_all.Depth);
        if (state.Masks.Find(Id) is { } known)
            return known;
        int free = state.FreeCharacters;
        StateMask mask = free > 0 ? WithLiterals(MaskOf(state, _othersByLength), state, free) : MaskOf(state, _allByLength);
        state.Masks.Add(Id, mask);
        return mask;
    }

    /// <summary>The mask of the tokens of a band and of the shorter ones, which is shared by all states that these tokens do not tell apart.</summary>
    private StateMask MaskOf(LexicalState state, TokenBand band)
    {
        state = state.Within(band.MaxBytes);
        if (state.Masks.Find(band.Id) is { } known)
            return known;
        StateMask shorter = band.Shorter is null ? StateMask.None : MaskOf(state, band.Shorter);
        TokenCollector inside = new(Vocabulary.Count);
        Dictionary<int, List<int>> endings = [];
        TrieWalk.Run(band, state, inside, endings);
        StateMask mask = shorter.With(inside, endings.Select(pair => Ending(pair.Key, band, pair.Value)));
        state.Masks.Add(band.Id, mask);
        return mask;
    }

    /// <summary>All literal tokens of up to as many characters as are free stay inside, and no longer ones.</summary>
    private StateMask WithLiterals(StateMask others, LexicalState state, int free)
    {
        TokenCollector literal = new(Vocabulary.Count);
        literal.Add(free == int.MaxValue ? _literal : _literalUpTo[Math.Min(free, PreparedCharacters)]);
        Dictionary<int, List<int>> endings = [];
        if (free is > PreparedCharacters and < int.MaxValue)
            TrieWalk.Run(_long, state, literal, endings);
        return others.With(literal, endings.Select(pair => Ending(pair.Key, _long, pair.Value)));
    }

    private StateMask.Ending Ending(int label, TokenBand band, List<int> nodes)
    {
        NodeSet key = new([band.Id, .. nodes]);
        lock (_endings)
        {
            if (_endings.TryGetValue(key, out StateMask.Ending known))
                return known with { Label = label };
        }

        StateMask.Ending ending = ComputeEnding(label, band.Trie, nodes);
        lock (_endings)
        {
            if (_endings.Count >= KeptEndings)
                _endings.Clear();
            _endings[key] = ending;
        }

        return ending;
    }

    private static StateMask.Ending ComputeEnding(int label, TokenTrie trie, List<int> nodes)
    {
        List<int> whole = [];
        long under = 0;
        foreach (int node in nodes)
        {
            whole.AddRange(trie.TokensOf(node));
            under += trie.Ends[node] - node - 1;
        }

        return under <= SuffixLimit
            ? new StateMask.Ending(label, [.. whole], TokenTrie.Suffixes(trie, nodes), trie, [])
            : new StateMask.Ending(label, [.. whole], null, trie, [.. nodes]);
    }

    private ConfigurationMask Compute(Configuration configuration)
    {
        StateMask[] parts = new StateMask[configuration.Items.Length];
        TokenCollector tokens = new(Vocabulary.Count);
        for (int i = 0; i < parts.Length; i++)
        {
            Configuration.Item item = configuration.Items[i];
            parts[i] = MaskOf(item.State);
            foreach (StateMask.Ending ending in parts[i].Endings)
            {
                Configuration after = item.Stack.After(ending.Label, configuration.Machine);
                if (after.IsDead)
                    continue;
                tokens.Add(ending.Whole);
                if (ending.Suffixes is { } suffixes)
                    TrieWalk.Run(suffixes, after, tokens);
                foreach (int node in ending.Nodes)
                    TrieWalk.RunUnder(ending.Trie, node, after, tokens);
            }

            if (item.State.Token is { } reference)
                tokens.Add(Meant(reference));
        }

        if (configuration.IsComplete)
            tokens.Add(_ends);
        (ulong[] bits, int[] list) = tokens.Take();
        return new ConfigurationMask { Parts = parts, Bits = bits, Tokens = list };
    }

    private static int NextId() => Interlocked.Increment(ref s_lastId);

    /// <summary>A band's number and nodes of its trie, compared one by one.</summary>
    private readonly struct NodeSet(int[] nodes) : IEquatable<NodeSet>
    {
        private readonly int[] _nodes = nodes;

        public bool Equals(NodeSet other) => _nodes.AsSpan().SequenceEqual(other._nodes);

        public override bool Equals(object? obj) => obj is NodeSet other && Equals(other);

        public override int GetHashCode()
        {
            HashCode hash = default;
            hash.AddBytes(MemoryMarshal.AsBytes(_nodes.AsSpan()));
            return hash.ToHashCode();
        }
    }
}
