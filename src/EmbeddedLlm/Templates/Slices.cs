namespace EmbeddedLlm.Templates;

/// <summary>Python's slices: negative positions count from the end, and positions beyond an end stop at it.</summary>
internal static class Slices
{
    public static TemplateValue Take(Rendering rendering, TemplateValue owner, TemplateValue? start, TemplateValue? stop, TemplateValue? step)
    {
        Operators.EnsureDefined(owner, owner);
        if (owner is TemplateDictionary)
            throw new TemplateFault("unhashable type: 'slice'");
        if (owner is not (TemplateString or TemplateSequence or TemplateRange))
            throw new TemplateFault($"'{owner.TypeName}' object is not subscriptable");

        (owner as TemplateString)?.ChargeAccess(rendering);
        long count = owner.Count!.Value;
        long by = Position(step) ?? 1;
        if (by == 0)
            throw new TemplateFault("slice step cannot be zero");

        long lowest = by > 0 ? 0 : -1, highest = by > 0 ? count : count - 1;
        long from = Position(start) is { } s ? Clamp(s, count, lowest, highest) : by > 0 ? lowest : highest;
        long to = Position(stop) is { } e ? Clamp(e, count, lowest, highest) : by > 0 ? highest : lowest;
        long length = TemplateRange.CountItems(from, to, by);
        rendering.Charge(1 + length / 16);
        return owner switch
        {
            TemplateString text => Take(text, from, by, length),
            TemplateSequence sequence => Take(rendering, sequence, from, by, length),
            TemplateRange range => new TemplateRange(range.Start + from * range.Step, range.Start + to * range.Step, range.Step * by),
            _ => throw new InvalidOperationException(),
        };
    }

    public static int ToSlicePosition(TemplateValue? value, int count, int otherwise) =>
        Position(value) is { } position ? (int)Clamp(position, count, 0, count) : otherwise;

    private static long? Position(TemplateValue? value)
    {
        if (value is null or TemplateNone)
            return null;
        if (Numbers.TryGetIndex(value, out long index))
            return index;
        throw new TemplateFault("slice indices must be integers or None or have an __index__ method");
    }

    private static long Clamp(long position, long count, long lowest, long highest) =>
        Math.Clamp(position < 0 ? position + count : position, lowest, highest);

    private static TemplateString Take(TemplateString text, long from, long by, long length)
    {
        if (by == 1 || length == 0)
        {
            int start = text.PositionOf((int)(length == 0 ? 0 : from));
            int end = length == 0 ? start : text.HasOnlyUnits ? start + (int)length : start + CodePoints.PositionOf(text.AsSpan()[start..], (int)length);
            return text.Substring(start, end - start);
        }

        ReadOnlySpan<char> chars = text.AsSpan();
        int[]? positions = null;
        if (!text.HasOnlyUnits)
        {
            positions = new int[text.CodePointCount];
            for (int i = 0, position = 0; i < positions.Length; position += CodePoints.LengthAt(chars, position))
                positions[i++] = position;
        }

        MarkedTextBuilder builder = new(long.MaxValue, capacity: (int)length);
        for (long i = 0, at = from; i < length; i++, at += by)
        {
            int position = positions is null ? (int)at : positions[at];
            builder.Append(chars.Slice(position, CodePoints.LengthAt(chars, position)), text.KindAt(position));
        }

        TemplateString result = builder.ToTemplateString();
        return text.IsMarkup ? result.AsMarkup() : result;
    }

    private static TemplateSequence Take(Rendering rendering, TemplateSequence sequence, long from, long by, long length)
    {
        TemplateValue[] items = new TemplateValue[length];
        if (by == 1)
        {
            sequence.Items.Slice((int)from, (int)length).CopyTo(items);
        }
        else
        {
            for (long i = 0, at = from; i < length; i++, at += by)
                items[i] = sequence.Items[(int)at];
        }

        return rendering.Made(sequence.Create(items));
    }
}
