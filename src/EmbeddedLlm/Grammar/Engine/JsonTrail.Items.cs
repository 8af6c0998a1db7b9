using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using EmbeddedLlm.Tokens;

namespace EmbeddedLlm.Grammars;

/// <content>Arrays whose items are distinct. The items are strings, numbers and words, each with one spelling but where <see cref="Kind.AnySpelling"/> says otherwise.</content>
internal sealed partial class JsonTrail
{
    private static ImmutableHashSet<string> NoItems { get; } = ImmutableHashSet.Create<string>(StringComparer.Ordinal);

    /// <summary>How many bytes may come after an item that does not end by itself: <see cref="IsAfterItem"/>.</summary>
    private const int AfterItemCount = 6;

    private bool IsWriting => (_kind & Kind.AnySpelling) == 0;

    /// <summary>Whether the items of an array must be distinct, which depends on how the text is read.</summary>
    private enum Distinctness : byte
    {
        None,
        BySomeWays,
        ByAllWays,
    }

    /// <summary>What is said of the array that a bracket begins, or a comma goes on with.</summary>
    private static Distinctness DistinctnessOf(Configuration before, byte next)
    {
        bool hasDistinct = false;
        bool hasOthers = false;
        foreach (Configuration.Item item in before.Items)
        {
            if (item.State.Next(next) is not { } after)
                continue;
            bool isDistinct = (next == '[' ? after : item.State) is PunctuationState { IsAmongDistinctItems: true };
            hasDistinct |= isDistinct;
            hasOthers |= !isDistinct;
        }

        return !hasDistinct ? Distinctness.None : hasOthers ? Distinctness.BySomeWays : Distinctness.ByAllWays;
    }

    /// <summary>Leaves of a configuration after an item that is repeated the ways to read the text by which that may be; false where there are none.</summary>
    private static bool TryWithoutDistinct(ref Configuration configuration)
    {
        Configuration.Item[] others = [.. configuration.Items.Where(item => item.State is not PunctuationState { IsAmongDistinctItems: true })];
        lock (configuration.Machine.Gate)
            configuration = configuration.Machine.Configuration(others, configuration.IsComplete);
        return !configuration.IsDead;
    }

    private static (Container? Top, Place Place) AfterComma(Container? top, Distinctness distinctness)
    {
        if (top is null or { IsObject: true })
            return (top, top is null ? Place.Between : Place.BeforeKey);
        if (top.Distinctness == Distinctness.None)
            return (top, Place.Between);
        return (top.Distinctness == distinctness ? top : top.With(distinctness, top.Items), distinctness == Distinctness.None ? Place.Between : Place.BeforeItem);
    }

    private static bool IsWhiteSpace(byte value) => value is (byte)' ' or (byte)'\t' or (byte)'\n' or (byte)'\r';

    private static bool IsAfterItem(byte value) => value is (byte)',' or (byte)']' || IsWhiteSpace(value);

    /// <summary>What an item is compared by.</summary>
    private string Item(byte[] text)
    {
        if (!IsWriting)
        {
            try
            {
                if (text[0] == '"')
                    return "\"" + JsonElement.Parse(text).GetString();
                if (text[0] == '-' || char.IsAsciiDigit((char)text[0]))
                    return ExactDecimal.Parse(text).ToString();
            }
            catch (Exception e) when (e is JsonException or InvalidOperationException or GrammarException)
            {
                // Half a surrogate pair, or a number that cannot be computed with: told apart by its spelling.
            }
        }

        return Encoding.Latin1.GetString(text);
    }

    /// <summary>Whether the item that is begun, or may begin, can become another one than those that are there.</summary>
    private bool HasDistinctItem(Configuration configuration)
    {
        if (!IsWriting || _top is not { Distinctness: Distinctness.ByAllWays, Items: { IsEmpty: false } items } || _place is not (Place.BeforeItem or Place.InItem or Place.EscapeInItem or Place.InPlainItem))
            return true;
        // Each item stands in the way of one byte at most: so long arrays of free texts need no look at their items. The bytes after an item are not counted.
        return configuration.Bytes.Count - AfterItemCount > items.Count
            || (_place == Place.BeforeItem && BehindQuote(configuration) is { } inText && inText.Bytes.Count - AfterItemCount > items.Count)
            || HasDistinctItem(configuration, items);
    }

    /// <summary>Where an item's text begins, if nothing but a space and a quote can come ahead of it; else null.</summary>
    private static Configuration? BehindQuote(Configuration configuration)
    {
        if (configuration.Bytes is { Count: 1 } space && space.Contains((byte)' '))
            configuration = configuration.Next((byte)' ')!;
        return configuration.Bytes is { Count: 1 } quote && quote.Contains((byte)'"') ? configuration.Next((byte)'"') : null;
    }

    // Apart, so that the tokens of other JSON, which is nearly all, make no closure.
    private bool HasDistinctItem(Configuration configuration, ImmutableHashSet<string> items)
    {
        string begun = Encoding.Latin1.GetString(_begun);
        List<string> alike = [.. items.Where(item => item.StartsWith(begun, StringComparison.Ordinal))];
        if (alike.Count == 0)
            return true;

        // Only along the items that are there can there be nothing else: every other byte leads to another item.
        Stack<(Configuration Configuration, List<string> Items, int Length)> todo = new([(configuration, alike, begun.Length)]);
        while (todo.TryPop(out (Configuration Configuration, List<string> Items, int Length) at))
        {
            ByteSet bytes = at.Configuration.Bytes;
            bool mayBeItem = at.Items.Exists(item => item.Length == at.Length);
            List<(byte Next, List<string> Items)> ways = [];
            bool hasBytes = false;
            while (!bytes.IsEmpty)
            {
                byte next = bytes.TakeFirst();
                if (at.Length == 0 ? IsWhiteSpace(next) || next == ']' : mayBeItem && IsAfterItem(next))
                    continue;
                hasBytes = true;
                List<string> further = at.Items.FindAll(item => item.Length > at.Length && item[at.Length] == next);
                if (further.Count == 0)
                    return true;
                ways.Add((next, further));
            }

            // The space that comes before every item but the first.
            if (!hasBytes && at.Length == 0 && at.Configuration.Next((byte)' ') is { } spaced)
                todo.Push((spaced, at.Items, 0));
            foreach ((byte next, List<string> further) in ways)
            {
                List<string> open = further.FindAll(item => item.Length > at.Length + 1 || item[0] != '"');
                if (open.Count > 0 && at.Configuration.Next(next) is { } after)
                    todo.Push((after, open, at.Length + 1));
            }
        }

        return false;
    }

    private static bool BeginsAs(string item, byte[] begun)
    {
        for (int i = 0; i < begun.Length; i++)
        {
            if (item[i] != begun[i])
                return false;
        }

        return true;
    }

    private void FilterItems(Span<ulong> mask, Configuration configuration, GrammarVocabulary vocabulary)
    {
        // Tokens that have a whole array of several items, or its beginning.
        RemoveRefused(mask, configuration, vocabulary, vocabulary.TokensWithItems);
        if (_top is not { Distinctness: not Distinctness.None, Items: var items })
            return;
        bool isInText = _place is Place.InItem or Place.EscapeInItem;
        if (!items.IsEmpty && (isInText ? !IsWriting : _place != Place.Between))
        {
            RemoveRefused(mask, configuration, vocabulary);
            return;
        }

        RemoveRefused(mask, configuration, vocabulary, vocabulary.TokensWithComma(isAfterQuote: isInText));
        if (!isInText || !IsWriting)
            return;
        foreach (string item in items)
        {
            if (item.Length <= _begun.Length || !BeginsAs(item, _begun))
                continue;
            byte[] rest = Encoding.Latin1.GetBytes(item[_begun.Length..]);
            for (int length = 1; length <= rest.Length; length++)
            {
                int node = vocabulary.Trie.Find(rest.AsSpan(0, length));
                if (node < 0)
                    break;
                for (int under = node; under < (length == rest.Length ? vocabulary.Trie.Ends[node] : node + 1); under++)
                    RemoveRefused(mask, configuration, vocabulary, vocabulary.Trie.TokensOf(under));
            }
        }
    }

    private void RemoveRefused(Span<ulong> mask, Configuration configuration, GrammarVocabulary vocabulary)
    {
        for (int word = 0; word < mask.Length; word++)
        {
            for (ulong left = mask[word]; left != 0; left &= left - 1)
            {
                int token = word * 64 + System.Numerics.BitOperations.TrailingZeroCount(left);
                Configuration after = configuration;
                ReadOnlySpan<byte> bytes = vocabulary.Vocabulary.TextBytesOf(token);
                if (!bytes.IsEmpty && After(ref after, bytes) is null)
                    TokenMask.Remove(mask, token);
            }
        }
    }
}
