using System.Collections.Immutable;
using System.Text.Json;

namespace EmbeddedLlm.Client;

/// <content>Arguments that are written one by one.</content>
internal sealed partial class ToolSupportLearner
{
    private const string Number = "7731";

    private ArgumentTags? LearnTags(ToolSupport support, Surroundings around)
    {
        Call call = s_calls[0];
        Call other = s_calls[1];
        if (support.TakesArgumentsAsText || Both(call, other) is not { } rendered)
            return null;
        string body = Inside(rendered, around);
        if (FindObject(body, call) is not null || Around(body, call.Name, call.Key, call.Value, other.Key, other.Value) is not [_, var afterName, var afterKey, var between, var afterOtherKey, var tail])
            return null;
        if (afterKey.Length == 0 || afterKey != afterOtherKey)
            return null;
        string beforeKey = between[^CommonEnd(between, afterName)..];
        // A dictionary as Python shows it is not what the model writes: the template is to be given JSON text.
        if (beforeKey is "'" or "\"" && afterName.Contains('{', StringComparison.Ordinal))
            return null;
        between = between[..^beforeKey.Length];
        int close = CommonStart(between, tail);
        // What ends an argument's tag may end that ahead of the arguments, too: it goes to the argument before, as the arguments' end could be taken for it otherwise.
        string shared = beforeKey.Length > 0 && ToolCallFormat.SplitAtMarkers(beforeKey).First() is (var marker, true) && close == between.Length && tail[close..].StartsWith(marker, StringComparison.Ordinal) ? marker : "";
        ArgumentTags tags = new()
        {
            BeforeKey = beforeKey[shared.Length..],
            AfterKey = afterKey,
            AfterKeyOfOthers = afterKey,
            AfterValue = between[..close] + shared,
            Separator = between[close..],
            HasRawStrings = true,
            SortsKeys = Both(other, call) == rendered,
        };
        if (Written(Number)?.IndexOf(Number, StringComparison.Ordinal) is not (> 0 and int at))
            return null;
        tags = tags with { AfterKeyOfOthers = Written(Number)![..at] };
        tags = tags with { AfterKeysByKind = AfterKeysByKind(tags.AfterKeyOfOthers, Written) };
        if (QuoteIn(tags) is { } quote)
        {
            tags = tags with
            {
                AfterKey = tags.AfterKeyOfOthers,
                AfterValue = tags.AfterValue[quote.Length..],
                HasRawStrings = false,
                Quote = quote,
                HasPythonWords = Written("true")?.StartsWith(tags.AfterKeyOfOthers + "True", StringComparison.Ordinal) ?? false,
            };
        }

        return tags.IsReadable && Written("""{"zqin": [1, "zqs"]}""") is { } nested && nested.StartsWith(tags.AfterKeyOf(JsonValueKind.Object), StringComparison.Ordinal)
            && PythonLiteral.TryRead(nested.AsSpan(tags.AfterKeyOf(JsonValueKind.Object).Length), isWhole: false, out _, tags.Marker) is { } json
            && JsonElement.DeepEquals(JsonElement.Parse(json), JsonElement.Parse("""{"zqin": [1, "zqs"]}""")) ? tags : null;

        string? Both(Call first, Call second) => RenderCalls(support, [call with { Json = $$"""{"{{first.Key}}": "{{first.Value}}", "{{second.Key}}": "{{second.Value}}"}""" }]);

        // What is written after the key of a value.
        string? Written(string value) =>
            RenderCalls(support, [call with { Json = $$"""{"{{call.Key}}": {{value}}}""" }]) is { } text && text.IndexOf(call.Key, StringComparison.Ordinal) is >= 0 and int key ? text[(key + call.Key.Length)..] : null;
    }

    /// <summary>What is after a key where it names the type of the value, which is known from what is written for a number; empty where it does not.</summary>
    /// <param name="afterNumbersKey">What is between the key and a number.</param>
    /// <param name="written">What is written after the key of a value.</param>
    private static ImmutableDictionary<JsonValueKind, string> AfterKeysByKind(string afterNumbersKey, Func<string, string?> written)
    {
        const string NumberType = "\"number\"";
        if (!afterNumbersKey.Contains(NumberType, StringComparison.Ordinal))
            return ImmutableDictionary<JsonValueKind, string>.Empty;
        Dictionary<JsonValueKind, string> known = new() { [JsonValueKind.Number] = afterNumbersKey };
        foreach ((JsonValueKind kind, string type, string value) in new[] { (JsonValueKind.True, "boolean", "true"), (JsonValueKind.Null, "null", "null"), (JsonValueKind.Array, "array", "[1]"), (JsonValueKind.Object, "object", "{}") })
        {
            string after = afterNumbersKey.Replace(NumberType, $"\"{type}\"", StringComparison.Ordinal);
            if (written(value)?.StartsWith(after, StringComparison.Ordinal) ?? false)
                known[kind] = after;
        }

        return known.Count == 1 ? ImmutableDictionary<JsonValueKind, string>.Empty : known.ToImmutableDictionary();
    }

    /// <summary>What is around strings only, and the same on both sides: a quote or a marker; null where there is none.</summary>
    private static string? QuoteIn(ArgumentTags tags)
    {
        if (!tags.AfterKey.StartsWith(tags.AfterKeyOfOthers, StringComparison.Ordinal))
            return null;
        string quote = tags.AfterKey[tags.AfterKeyOfOthers.Length..];
        bool isQuote = quote is "\"" or "'" || ToolCallFormat.SplitAtMarkers(quote).SequenceEqual([(quote, true)]);
        return isQuote && tags.AfterValue.StartsWith(quote, StringComparison.Ordinal) ? quote : null;
    }

    private static (int Start, int End)? FindTagged(string body, ArgumentTags tags, Call call)
    {
        string written = tags.Write(call.Arguments);
        int start = body.IndexOf(written, StringComparison.Ordinal);
        return start < 0 ? null : (start, start + written.Length);
    }

    /// <summary>What is before, between and after texts that come once each, in this order; null where they do not.</summary>
    private static List<string>? Around(string text, params ReadOnlySpan<string> parts)
    {
        List<string> pieces = [];
        int end = 0;
        foreach (string part in parts)
        {
            int at = text.IndexOf(part, StringComparison.Ordinal);
            if (at < end || text.LastIndexOf(part, StringComparison.Ordinal) != at)
                return null;
            pieces.Add(text[end..at]);
            end = at + part.Length;
        }

        pieces.Add(text[end..]);
        return pieces;
    }
}
