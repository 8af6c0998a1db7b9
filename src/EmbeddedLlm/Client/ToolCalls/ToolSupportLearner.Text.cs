using System.Collections.Immutable;
using System.Text.Json;

namespace EmbeddedLlm.Client;

/// <content>What is before, between and after what is found again in a rendered call.</content>
internal sealed partial class ToolSupportLearner
{
    /// <summary>Where a call's arguments are written as a JSON object.</summary>
    private static (int Start, int End)? FindObject(string body, Call call)
    {
        int key = body.IndexOf(call.Key, StringComparison.Ordinal);
        int value = body.IndexOf(call.Value, StringComparison.Ordinal);
        if (key < 0 || value < key)
            return null;
        int start = body.LastIndexOf('{', key);
        int end = body.IndexOf('}', value) + 1;
        if (start < 0 || end == 0)
            return null;
        try
        {
            JsonElement json = JsonElement.Parse(body[start..end]);
            return json.GetProperty(call.Key).GetString() == call.Value ? (start, end) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>What is before, between and after the calls: two calls tell where one ends and what separates them.</summary>
    private static ToolCallFormat? FormatOf(string one, string? two)
    {
        int first = one.AsSpan().IndexOfAny(NamePlace, ArgumentsPlace, IdPlace);
        int last = one.AsSpan().LastIndexOfAny(NamePlace, ArgumentsPlace, IdPlace);
        string head = one[..first];
        string places = one[first..(last + 1)];
        string tail = one[(last + 1)..];
        if (two is null)
            return tail.Length == 0 && !HasMarker(head) ? null : new ToolCallFormat { Call = Parts(head + places + tail) };
        // Where a section ends is taken from two calls: a template may leave it out after one.
        int second = two.LastIndexOf(places, StringComparison.Ordinal);
        if (!two.StartsWith(head + places, StringComparison.Ordinal) || second < head.Length + places.Length)
            return null;

        string between = two[(head.Length + places.Length)..second];
        tail = two[(second + places.Length)..];
        int suffix = CommonStart(between, tail);
        string rest = between[suffix..];
        int prefix = CommonEnd(rest, head);
        if ((suffix == 0 || prefix == 0) && ((suffix == 0 && prefix == 0) || (!HasMarker(head) && head.Any(char.IsLetterOrDigit))))
            return null;
        return new ToolCallFormat
        {
            Begin = head[..^prefix],
            Call = Parts(head[^prefix..] + places + tail[..suffix]),
            Separator = rest[..^prefix],
            End = tail[suffix..],
        };
    }

    /// <summary>The format where a name or the text's header comes right after what ends the prompt, which separates calls, too.</summary>
    private static ToolCallFormat? FormatAfterPrompt(string one, string? two, Surroundings around)
    {
        if (two is null || one[0] != NamePlace || one[^1] != ArgumentsPlace || one.Contains(IdPlace) || !two.StartsWith(one, StringComparison.Ordinal) || !two.EndsWith(one, StringComparison.Ordinal))
            return null;
        string separator = two[one.Length..^one.Length];
        return separator.AsSpan().Trim().Length == 0 || !around.Prompt.EndsWith(separator, StringComparison.Ordinal)
            ? null
            : new ToolCallFormat { Call = Parts(one), Separator = separator, TextHeader = around.TextHeader };
    }

    private static bool HasMarker(string text) => ToolCallFormat.SplitAtMarkers(text).Any(piece => piece.IsMarker);

    /// <summary>The parts of a call: it begins and ends with a literal, be it an empty one.</summary>
    private static ImmutableArray<ToolCallPart> Parts(string call)
    {
        ImmutableArray<ToolCallPart>.Builder parts = ImmutableArray.CreateBuilder<ToolCallPart>();
        if (KindOf(call[0]) != ToolCallPartKind.Literal)
            parts.Add(new ToolCallPart(ToolCallPartKind.Literal));
        int begin = 0;
        for (int i = 0; i <= call.Length; i++)
        {
            ToolCallPartKind kind = i == call.Length ? ToolCallPartKind.Literal : KindOf(call[i]);
            if (i < call.Length && kind == ToolCallPartKind.Literal)
                continue;
            if (i > begin)
                parts.Add(new ToolCallPart(ToolCallPartKind.Literal, call[begin..i]));
            if (i < call.Length)
                parts.Add(new ToolCallPart(kind));
            begin = i + 1;
        }

        if (parts[^1].Kind != ToolCallPartKind.Literal)
            parts.Add(new ToolCallPart(ToolCallPartKind.Literal));
        return parts.ToImmutable();
    }

    private static ToolCallPartKind KindOf(char c) => c switch
    {
        NamePlace => ToolCallPartKind.Name,
        ArgumentsPlace => ToolCallPartKind.Arguments,
        IdPlace => ToolCallPartKind.Id,
        _ => ToolCallPartKind.Literal,
    };

    /// <summary>The length of the longest common beginning that ends within no marker of either text.</summary>
    private static int CommonStart(string text, string other)
    {
        int length = text.AsSpan().CommonPrefixLength(other);
        return Math.Min(Aligned(text), Aligned(other));

        int Aligned(string whole)
        {
            int position = 0;
            foreach ((string piece, bool isMarker) in ToolCallFormat.SplitAtMarkers(whole))
            {
                if (position + piece.Length > length)
                    return isMarker ? position : length;
                position += piece.Length;
            }

            return length;
        }
    }

    /// <summary>The length of the longest common end that begins within no marker of either text.</summary>
    private static int CommonEnd(string text, string other)
    {
        int length = 0;
        while (length < Math.Min(text.Length, other.Length) && text[^(length + 1)] == other[^(length + 1)])
            length++;
        return Math.Min(Aligned(text), Aligned(other));

        int Aligned(string whole)
        {
            int start = whole.Length - length;
            int position = 0;
            foreach ((string piece, bool isMarker) in ToolCallFormat.SplitAtMarkers(whole))
            {
                if (isMarker && position < start && position + piece.Length > start)
                    return whole.Length - position - piece.Length;
                position += piece.Length;
            }

            return length;
        }
    }
}
