using EmbeddedLlm.Tokens;

namespace EmbeddedLlm.Grammars;

/// <summary>
/// Which keys the open objects of a JSON text have, so that none comes twice. An automaton cannot know keys that its schema does not name, and readers differ about
/// repeated ones: some take the last, some throw. Immutable.
/// </summary>
/// <remarks>
/// A key is not repeated where the grammar leaves another choice at its end; where only the closing quote may follow, it stands, so no text is led into a dead end. Keys are compared as they
/// are spelled, which is enough where each has one spelling.
/// </remarks>
internal sealed class JsonKeyTrail
{
    private readonly Container? _top;
    private readonly Place _place;
    private readonly byte[] _key;

    private JsonKeyTrail(Container? top, Place place, byte[] key)
    {
        _top = top;
        _place = place;
        _key = key;
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
    }

    /// <summary>The beginning of a text.</summary>
    public static JsonKeyTrail Start { get; } = new(null, Place.Between, []);

    /// <summary>The beginning of a text that goes on within a string.</summary>
    public static JsonKeyTrail StartInString { get; } = new(null, Place.InString, []);

    /// <summary>Follows bytes through the grammar.</summary>
    /// <param name="configuration">Where the text is; where it is after the bytes.</param>
    /// <param name="bytes">The bytes.</param>
    /// <returns>The trail after the bytes, or null where they may not come, for the grammar or for a key that would be repeated.</returns>
    public JsonKeyTrail? After(ref Configuration configuration, ReadOnlySpan<byte> bytes)
    {
        Configuration at = configuration;
        Container? top = _top;
        Place place = _place;
        // A key's bytes are what is kept of it and the bytes from some place on.
        byte[] begun = _key;
        int start = 0;
        for (int i = 0; i < bytes.Length; i++)
        {
            byte next = bytes[i];
            if (place == Place.InKey && next == '"')
            {
                byte[] key = [.. begun, .. bytes[start..i]];
                if (top!.Has(key) && HasOtherChoice(at))
                    return null;
                top = top.With(key);
            }

            if (at.Next(next) is not { } after)
                return null;
            at = after;
            switch (place)
            {
                case Place.InKey or Place.InString when next == '\\':
                    place++;
                    break;
                case Place.InKey or Place.InString when next == '"':
                    place = Place.Between;
                    break;
                case Place.InKey or Place.InString:
                    break;
                case Place.EscapeInKey or Place.EscapeInString:
                    place--;
                    break;
                case Place.BeforeKey when next == '"':
                    (place, begun, start) = (Place.InKey, [], i + 1);
                    break;
                default:
                    if (next == '"')
                        place = Place.InString;
                    else if (next is (byte)'{' or (byte)'[')
                        (top, place) = (new Container(top, next == '{', null), next == '{' ? Place.BeforeKey : Place.Between);
                    else if (next is (byte)'}' or (byte)']')
                        (top, place) = (top?.Below, Place.Between);
                    else if (next == ',' && top is { IsObject: true })
                        place = Place.BeforeKey;
                    break;
            }
        }

        configuration = at;
        if (place is not (Place.InKey or Place.EscapeInKey))
            return top == _top && place == _place ? this : new JsonKeyTrail(top, place, []);
        return new JsonKeyTrail(top, place, [.. begun, .. bytes[start..]]);
    }

    /// <summary>Takes the tokens out of a mask that <see cref="After"/> would refuse for a repeated key.</summary>
    public void Filter(Span<ulong> mask, Configuration configuration, GrammarVocabulary vocabulary)
    {
        RemoveRefused(mask, configuration, vocabulary, vocabulary.TokensWithLaterKeys);
        if (_top is not { IsObject: true })
            return;
        for (KeyList? seen = _top.Keys; seen is not null; seen = seen.Next)
        {
            if (_place is Place.InKey or Place.EscapeInKey && seen.Key.AsSpan().StartsWith(_key))
                RemoveEndings(mask, configuration, vocabulary.Trie, seen.Key.AsSpan(_key.Length));
            RemoveRefused(mask, configuration, vocabulary, vocabulary.TokensWithQuoted(seen.Key));
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

    private static void RemoveEndings(Span<ulong> mask, Configuration configuration, TokenTrie trie, ReadOnlySpan<byte> rest)
    {
        int node = trie.Find([.. rest, (byte)'"']);
        if (node < 0)
            return;
        Configuration? before = configuration;
        foreach (byte next in rest)
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

    private static bool HasOtherChoice(Configuration beforeQuote)
    {
        ByteSet bytes = beforeQuote.Bytes;
        return bytes.Count > (bytes.Contains((byte)'"') ? 1 : 0);
    }

    /// <summary>An open object or array.</summary>
    private sealed class Container(Container? below, bool isObject, KeyList? keys)
    {
        public Container? Below => below;

        public bool IsObject => isObject;

        public KeyList? Keys => keys;

        public bool Has(ReadOnlySpan<byte> key)
        {
            for (KeyList? seen = keys; seen is not null; seen = seen.Next)
            {
                if (key.SequenceEqual(seen.Key))
                    return true;
            }

            return false;
        }

        public Container With(byte[] key) => new(below, isObject, new KeyList(key, keys));
    }

    private sealed record KeyList(byte[] Key, KeyList? Next);
}
