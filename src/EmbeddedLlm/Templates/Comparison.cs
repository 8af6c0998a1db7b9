using System.Numerics;

namespace EmbeddedLlm.Templates;

/// <summary>Python's comparisons, membership and sorting.</summary>
internal static class Comparison
{
    public static bool AreEqual(Rendering rendering, TemplateValue left, TemplateValue right)
    {
        rendering.Charge(Math.Min(left.Size, right.Size) / 16);
        return ValueComparer.Instance.Equals(left, right) && !IsNotANumber(left, right);
    }

    public static bool IsLess(Rendering rendering, TemplateValue left, TemplateValue right) => Order(rendering, "<", left, right) < 0;

    public static bool IsLessOrEqual(Rendering rendering, TemplateValue left, TemplateValue right) => Order(rendering, "<=", left, right) <= 0;

    public static bool IsGreater(Rendering rendering, TemplateValue left, TemplateValue right) => Order(rendering, ">", left, right) > 0;

    public static bool IsGreaterOrEqual(Rendering rendering, TemplateValue left, TemplateValue right) => Order(rendering, ">=", left, right) >= 0;

    /// <summary>Python's <c>item in container</c>.</summary>
    public static bool Contains(Rendering rendering, TemplateValue container, TemplateValue item)
    {
        rendering.Step();
        switch (container)
        {
            case TemplateString text:
                rendering.Charge(text.Length / 16);
                if (item is not TemplateString part)
                    throw new TemplateFault($"'in <string>' requires string as left operand, not {item.TypeName}");
                part.ChargeFlattening(rendering);
                return TextSearch.IndexOf(rendering, text.AsSpan(), part.AsSpan()) >= 0;
            case TemplateDictionary dictionary:
                rendering.Charge(item.Size / 16);
                return dictionary.Contains(item);
            case TemplateRange range when Numbers.TryGetInteger(item, out BigInteger integer):
                return range.Contains(integer);
        }

        using IEnumerator<TemplateValue> items = container.Enumerate(rendering)
            ?? throw new TemplateFault($"argument of type '{container.TypeName}' is not iterable");
        while (items.MoveNext())
        {
            rendering.Step();
            if (ReferenceEquals(items.Current, item) || AreEqual(rendering, items.Current, item))
                return true;
        }

        return false;
    }

    /// <summary>Sorts as Python does: stable, by <c>&lt;</c> alone, stable also in reverse.</summary>
    /// <param name="rendering">Whose limits hold.</param>
    /// <param name="items">What is sorted, in place.</param>
    /// <param name="keyOf">By what each item is sorted.</param>
    /// <param name="reverse">Whether the largest comes first.</param>
    public static void Sort(Rendering rendering, TemplateValue[] items, Func<TemplateValue, TemplateValue> keyOf, bool reverse)
    {
        (TemplateValue Key, TemplateValue Item)[] pairs = new (TemplateValue, TemplateValue)[items.Length];
        for (int i = 0; i < items.Length; i++)
            pairs[i] = (keyOf(items[i]), items[i]);
        if (reverse)
            Array.Reverse(pairs);

        MergeSort(rendering, pairs);
        if (reverse)
            Array.Reverse(pairs);
        for (int i = 0; i < items.Length; i++)
            items[i] = pairs[i].Item;
    }

    // Array.Sort is not stable, and hides what a comparer throws inside another exception.
    private static void MergeSort(Rendering rendering, (TemplateValue Key, TemplateValue Item)[] pairs)
    {
        (TemplateValue Key, TemplateValue Item)[] from = pairs, to = new (TemplateValue, TemplateValue)[pairs.Length];
        for (int width = 1; width < pairs.Length; width *= 2)
        {
            for (int start = 0; start < pairs.Length; start += 2 * width)
            {
                int left = start, middle = Math.Min(start + width, pairs.Length), right = middle, end = Math.Min(start + 2 * width, pairs.Length);
                for (int i = start; i < end; i++)
                {
                    bool takesRight = left == middle || (right < end && IsLess(rendering, from[right].Key, from[left].Key));
                    to[i] = takesRight ? from[right++] : from[left++];
                }
            }

            (from, to) = (to, from);
        }

        if (!ReferenceEquals(from, pairs))
            from.CopyTo(pairs, 0);
    }

    /// <summary>The order of two values; null where they are unordered, as NaN is, so that every comparison is false.</summary>
    private static int? Order(Rendering rendering, string operation, TemplateValue left, TemplateValue right)
    {
        rendering.Charge(1 + Math.Min(left.Size, right.Size) / 16);
        if (Numbers.IsNumber(left) && Numbers.IsNumber(right))
            return Numbers.Compare(left, right);
        if (left is TemplateString a && right is TemplateString b)
        {
            a.ChargeFlattening(rendering);
            b.ChargeFlattening(rendering);
            return CodePoints.Compare(a.AsSpan(), b.AsSpan());
        }

        if (left is TemplateSequence first && right is TemplateSequence second && first is TemplateList == second is TemplateList)
            return OrderItems(rendering, operation, first.Items, second.Items);

        Operators.EnsureDefined(left, right);
        throw new TemplateFault($"'{operation}' not supported between instances of '{left.TypeName}' and '{right.TypeName}'");
    }

    private static int? OrderItems(Rendering rendering, string operation, ReadOnlySpan<TemplateValue> left, ReadOnlySpan<TemplateValue> right)
    {
        for (int i = 0; i < left.Length && i < right.Length; i++)
        {
            if (!ReferenceEquals(left[i], right[i]) && !AreEqual(rendering, left[i], right[i]))
                return Order(rendering, operation, left[i], right[i]);
        }

        return left.Length.CompareTo(right.Length);
    }

    // A container compares its items by identity first, but NaN on its own is not equal to itself.
    private static bool IsNotANumber(TemplateValue left, TemplateValue right) =>
        left is TemplateFloat { Value: double x } && right is TemplateFloat { Value: double y } && (double.IsNaN(x) || double.IsNaN(y));
}
