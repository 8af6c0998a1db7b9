using System.Collections.Immutable;
using System.Text;
using EmbeddedLlm.Tokens;

namespace EmbeddedLlm.Grammars;

/// <summary>
/// Which keys the open objects of a JSON text have, and which items its arrays of distinct items, so that none comes twice. An automaton cannot know keys and items that its schema does
/// not name. Readers differ about repeated keys: some take the last, some throw. Immutable.
/// </summary>
/// <remarks>
/// A key is not repeated where the grammar leaves another choice at its end; where only the closing quote may follow, it stands, so no text is led into a dead end. Keys are compared as they
/// are spelled, which is enough where each has one spelling.
/// </remarks>
internal sealed partial class JsonTrail
{
    private readonly Kind _kind;
    private readonly Container? _top;
    private readonly Place _place;

    /// <summary>What is there of a key without its opening quote, or of an item with it.</summary>
    private readonly byte[] _begun;

    private JsonTrail(Kind kind, Container? top, Place place, byte[] begun)
    {
        _kind = kind;
        _top = top;
        _place = place;
        _begun = begun;
    }

    /// <summary>What is told apart.</summary>
    [Flags]
    private enum Kind : byte
    {
        Keys = 1,
        Items = 2,

        /// <summary>The text is there already, in any spelling: values are compared by what they mean, and nobody needs another choice.</summary>
        AnySpelling = 4,
    }

    private enum Place : byte
    {
        /// <summary>Between values, or within one that is no string.</summary>
        Between,

        /// <summary>Where a key may begin.</summary>
        BeforeKey,
        InKey,
        EscapeInKey,
        InString,
        EscapeInString,

        /// <summary>Where an item of an array of distinct ones may begin.</summary>
        BeforeItem,
        InItem,
        EscapeInItem,

        /// <summary>In an item that is a number or a word, and so ends with what comes after it.</summary>
        InPlainItem,
    }

    /// <summary>The beginning of a text.</summary>
    public static JsonTrail Start { get; } = new(Kind.Keys, null, Place.Between, []);

    /// <summary>The beginning of a text with arrays of distinct items.</summary>
    public static JsonTrail StartWithItems { get; } = new(Kind.Keys | Kind.Items, null, Place.Between, []);

    /// <summary>The beginning of a text to be judged that is spelled as texts are written, and whose keys may be repeated.</summary>
    public static JsonTrail StartJudging { get; } = new(Kind.Items, null, Place.Between, []);

    /// <summary>The beginning of a text that somebody else has written, and whose keys may be repeated.</summary>
    public static JsonTrail StartReading { get; } = new(Kind.Items | Kind.AnySpelling, null, Place.Between, []);

    /// <summary>The beginning of a text that goes on within a string.</summary>
    public static JsonTrail StartInString { get; } = new(Kind.Keys, null, Place.InString, []);

    /// <summary>Follows bytes through the grammar.</summary>
    /// <param name="configuration">Where the text is; where it is after the bytes.</param>
    /// <param name="bytes">The bytes.</param>
    /// <returns>The trail after the bytes, or null where they may not come, for the grammar or for a key or item that would be repeated.</returns>
    public JsonTrail? After(ref Configuration configuration, ReadOnlySpan<byte> bytes)
    {
        Configuration at = configuration;
        Container? top = _top;
        Place place = _place;
        // A key's or item's bytes are what is kept of it and the bytes from some place on.
        byte[] begun = _begun;
        int start = 0;
        for (int i = 0; i < bytes.Length; i++)
        {
            byte next = bytes[i];
            if (place == Place.InKey && next == '"' && (_kind & Kind.Keys) != 0)
            {
                byte[] key = [.. begun, .. bytes[start..i]];
                if (top!.Has(key) && HasOtherChoice(at))
                    return null;
                top = top.With(key);
            }

            bool isItemOver = place == Place.InPlainItem ? IsAfterItem(next) : place == Place.InItem && next == '"';
            bool isRepeated = false;
            if (isItemOver)
            {
                Container more = top!.WithItem(Item([.. begun, .. bytes[start..(place == Place.InItem ? i + 1 : i)]]));
                isRepeated = more == top;
                top = more;
            }

            // A plain item is over ahead of this byte, a string with it.
            if (isRepeated && place == Place.InPlainItem && !TryWithoutDistinct(ref at))
                return null;
            Distinctness distinctness = (_kind & Kind.Items) != 0 && next is (byte)'[' or (byte)',' ? DistinctnessOf(at, next) : default;
            if (at.Next(next) is not { } after)
                return null;
            if (isRepeated && place == Place.InItem && !TryWithoutDistinct(ref after))
                return null;
            at = after;
            switch (place)
            {
                case Place.InKey or Place.InString or Place.InItem when next == '\\':
                    place++;
                    break;
                case Place.InKey or Place.InString or Place.InItem when next == '"':
                    place = Place.Between;
                    break;
                case Place.InKey or Place.InString or Place.InItem:
                    break;
                case Place.EscapeInKey or Place.EscapeInString or Place.EscapeInItem:
                    place--;
                    break;
                case Place.BeforeItem when IsWhiteSpace(next):
                case Place.InPlainItem when !IsAfterItem(next):
                    break;
                case Place.BeforeItem when next is not ((byte)'{' or (byte)'[' or (byte)']'):
                    (place, begun, start) = (next == '"' ? Place.InItem : Place.InPlainItem, [], i);
                    break;
                case Place.BeforeKey when next == '"':
                    (place, begun, start) = (Place.InKey, [], i + 1);
                    break;
                default:
                    if (next == '"')
                        place = Place.InString;
                    else if (next == '{')
                        (top, place) = (new Container(top, isObject: true), Place.BeforeKey);
                    else if (next == '[')
                        (top, place) = (new Container(top, isObject: false) { Distinctness = distinctness }, distinctness != Distinctness.None ? Place.BeforeItem : Place.Between);
                    else if (next is (byte)'}' or (byte)']')
                        (top, place) = (top?.Below, Place.Between);
                    else if (next == ',')
                        (top, place) = AfterComma(top, distinctness);
                    else if (place == Place.InPlainItem)
                        place = Place.Between;
                    break;
            }
        }

        JsonTrail trail = place is Place.InKey or Place.EscapeInKey or Place.InItem or Place.EscapeInItem or Place.InPlainItem
            ? new JsonTrail(_kind, top, place, Join(begun, bytes[start..]))
            : top == _top && place == _place ? this : new JsonTrail(_kind, top, place, []);
        if (!trail.HasDistinctItem(at))
            return null;
        configuration = at;
        return trail;
    }

    /// <summary>Takes the tokens out of a mask that <see cref="After"/> would refuse for a repeated key or item.</summary>
    public void Filter(Span<ulong> mask, Configuration configuration, GrammarVocabulary vocabulary)
    {
        if ((_kind & Kind.Items) != 0)
            FilterItems(mask, configuration, vocabulary);
        if ((_kind & Kind.Keys) != 0)
            FilterKeys(mask, configuration, vocabulary);
    }

    private void FilterKeys(Span<ulong> mask, Configuration configuration, GrammarVocabulary vocabulary)
    {
        RemoveRefused(mask, configuration, vocabulary, vocabulary.TokensWithLaterKeys);
        if (_top is not { IsObject: true })
            return;
        for (KeyList? seen = _top.Keys; seen is not null; seen = seen.Next)
        {
            if (_place is Place.InKey or Place.EscapeInKey && seen.Key.StartsWith(_begun))
                RemoveEndings(mask, configuration, vocabulary.Trie, seen.KeyAndQuote[_begun.Length..]);
            RemoveRefused(mask, configuration, vocabulary, vocabulary.TokensWithQuoted(seen.Text));
        }
    }

    private void RemoveRefused(Span<ulong> mask, Configuration configuration, GrammarVocabulary vocabulary, ReadOnlySpan<int> tokens)
    {
        foreach (int token in tokens)
        {
            Configuration after = configuration;
            if (TokenMask.Contains(mask, token) && After(ref after, vocabulary.Vocabulary.TextBytesOf(token)) is null)
                TokenMask.Remove(mask, token);
        }
    }

    /// <param name="rest">What is missing of a key, and the quote after it.</param>
    private static void RemoveEndings(Span<ulong> mask, Configuration configuration, TokenTrie trie, ReadOnlySpan<byte> rest)
    {
        int node = trie.Find(rest);
        if (node < 0)
            return;
        Configuration? before = configuration;
        foreach (byte next in rest[..^1])
        {
            before = before.Next(next);
            if (before is null)
                return;
        }

        if (!HasOtherChoice(before))
            return;
        for (int under = node; under < trie.Ends[node]; under++)
        {
            foreach (int token in trie.TokensOf(under))
                TokenMask.Remove(mask, token);
        }
    }

    // An expression would make an empty array each time.
    private static byte[] Join(byte[] begun, ReadOnlySpan<byte> more) => more.IsEmpty ? begun : [.. begun, .. more];

    private static bool HasOtherChoice(Configuration beforeQuote)
    {
        ByteSet bytes = beforeQuote.Bytes;
        return bytes.Count > (bytes.Contains((byte)'"') ? 1 : 0);
    }

    /// <summary>An open object or array.</summary>
    private sealed class Container(Container? below, bool isObject)
    {
        public Container? Below => below;

        public bool IsObject => isObject;

        public KeyList? Keys { get; init; }

        /// <summary>Whether the items of an array must be distinct.</summary>
        public Distinctness Distinctness { get; init; }

        /// <summary>The items so far of an array that may have to have distinct ones, as they are spelled, as Latin-1.</summary>
        public ImmutableHashSet<string> Items { get; init; } = NoItems;

        public bool Has(ReadOnlySpan<byte> key)
        {
            for (KeyList? seen = Keys; seen is not null; seen = seen.Next)
            {
                if (key.SequenceEqual(seen.Key))
                    return true;
            }

            return false;
        }

        public Container With(byte[] key) => new(below, isObject) { Keys = new KeyList(key, Keys) };

        /// <summary>The same object where the item is there already.</summary>
        public Container WithItem(string item) => Items.Add(item) is var more && more != Items ? With(Distinctness, more) : this;

        public Container With(Distinctness distinctness, ImmutableHashSet<string> items) => new(below, isObject) { Distinctness = distinctness, Items = items };
    }

    /// <summary>The keys of an object, the last first. What each token's mask asks for is made once.</summary>
    private sealed class KeyList(byte[] key, KeyList? next)
    {
        private readonly byte[] _keyAndQuote = [.. key, (byte)'"'];

        public KeyList? Next => next;

        public ReadOnlySpan<byte> KeyAndQuote => _keyAndQuote;

        public ReadOnlySpan<byte> Key => KeyAndQuote[..^1];

        /// <summary>The key as Latin-1.</summary>
        public string Text { get; } = Encoding.Latin1.GetString(key);
    }
}
