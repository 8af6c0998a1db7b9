namespace EmbeddedLlm.Grammars;

/// <summary>
/// The code points divided into classes that some sets, or some automaton's transitions, do not tell apart. Classes are numbered from 0; every code point is in one.
/// Surrogates, which no text has, are in the class of what is before them. Immutable.
/// </summary>
internal sealed class CodePointPartition
{
    /// <summary>A bound on memory and on the time to find the classes.</summary>
    private const int WorkLimit = 2_000_000;

    private readonly int[] _starts;
    private readonly int[] _classes;
    private readonly int[] _sizes;

    /// <param name="starts">Where each piece begins, ascending, the first at 0.</param>
    /// <param name="classes">The class of each piece.</param>
    /// <param name="count">The number of classes.</param>
    private CodePointPartition(int[] starts, int[] classes, int count)
    {
        _starts = starts;
        _classes = classes;
        _sizes = new int[count];
        for (int i = 0; i < starts.Length; i++)
        {
            int last = LastOf(i);
            _sizes[classes[i]] += CodePointSet.Of(starts[i], last).Count;
        }
    }

    /// <summary>All code points in one class.</summary>
    public static CodePointPartition Whole { get; } = new([0], [0], 1);

    /// <summary>The number of classes.</summary>
    public int Count => _sizes.Length;

    /// <summary>The classes that a number of sets does not tell apart.</summary>
    /// <exception cref="PatternNotSupportedException">There are too many.</exception>
    public static CodePointPartition Of(IReadOnlyCollection<CodePointSet> sets)
    {
        SortedSet<int> boundaries = [0];
        foreach (CodePointSet set in sets)
        {
            foreach (CodePointSet.Range range in set.Ranges)
            {
                boundaries.Add(range.First);
                if (range.Last < CodePointSet.MaxCodePoint)
                    boundaries.Add(range.Last + 1);
            }
        }

        int[] starts = [.. boundaries];
        int[] classes = new int[starts.Length];
        int count = 1;
        long work = 0;
        Dictionary<int, int> renamed = [];
        foreach (CodePointSet set in sets)
        {
            renamed.Clear();
            foreach (CodePointSet.Range range in set.Ranges)
            {
                int first = Array.BinarySearch(starts, range.First);
                for (int i = first; i < starts.Length && starts[i] <= range.Last; i++)
                {
                    if (++work > WorkLimit)
                        throw new PatternNotSupportedException("The pattern tells too many sets of characters apart.");
                    if (!renamed.TryGetValue(classes[i], out int name))
                        renamed[classes[i]] = name = count++;
                    classes[i] = name;
                }
            }
        }

        return Normalized(starts, classes);
    }

    /// <summary>The classes of both partitions' intersections, with the class of each in either.</summary>
    public static CodePointPartition Merge(CodePointPartition left, CodePointPartition right, out int[] toLeft, out int[] toRight)
    {
        List<int> starts = new(left._starts.Length + right._starts.Length);
        List<int> classes = new(starts.Capacity);
        List<(int Left, int Right)> pairs = [];
        Dictionary<(int, int), int> known = [];
        int next = 0;
        while (next <= CodePointSet.MaxCodePoint)
        {
            int leftClass = left.ClassOf(next, out int leftLast);
            int rightClass = right.ClassOf(next, out int rightLast);
            if (!known.TryGetValue((leftClass, rightClass), out int pair))
            {
                known[(leftClass, rightClass)] = pair = pairs.Count;
                pairs.Add((leftClass, rightClass));
            }

            starts.Add(next);
            classes.Add(pair);
            next = Math.Min(leftLast, rightLast) + 1;
        }

        toLeft = [.. pairs.Select(static pair => pair.Left)];
        toRight = [.. pairs.Select(static pair => pair.Right)];
        return new CodePointPartition([.. starts], [.. classes], pairs.Count);
    }

    /// <summary>The partition where some classes are one.</summary>
    /// <param name="names">The new class of each class.</param>
    /// <param name="count">The number of new classes.</param>
    public CodePointPartition Collapse(int[] names, int count)
    {
        List<int> starts = [];
        List<int> classes = [];
        for (int i = 0; i < _starts.Length; i++)
        {
            int name = names[_classes[i]];
            if (i > 0 && classes[^1] == name)
                continue;
            starts.Add(_starts[i]);
            classes.Add(name);
        }

        return new CodePointPartition([.. starts], [.. classes], count);
    }

    /// <summary>How many code points, surrogates not counted, are in a class.</summary>
    public int SizeOf(int @class) => _sizes[@class];

    public int ClassOf(int codePoint) => _classes[PieceOf(codePoint)];

    /// <summary>The class of a code point, and the last code point up to which all are in it.</summary>
    public int ClassOf(int codePoint, out int last)
    {
        int piece = PieceOf(codePoint);
        last = LastOf(piece);
        return _classes[piece];
    }

    /// <summary>For every class one of its code points.</summary>
    public int[] Representatives()
    {
        int[] representatives = new int[Count];
        Array.Fill(representatives, -1);
        for (int i = 0; i < _starts.Length; i++)
        {
            if (representatives[_classes[i]] < 0)
                representatives[_classes[i]] = _starts[i];
        }

        return representatives;
    }

    /// <summary>For every class its code points.</summary>
    public CodePointSet[] Sets()
    {
        List<CodePointSet.Range>[] ranges = new List<CodePointSet.Range>[Count];
        for (int i = 0; i < _starts.Length; i++)
            (ranges[_classes[i]] ??= []).Add(new CodePointSet.Range(_starts[i], LastOf(i)));
        return [.. ranges.Select(static each => CodePointSet.Of([.. each]))];
    }

    /// <summary>Gives the surrogates the class of what is before them, and numbers the classes by their first code points.</summary>
    private static CodePointPartition Normalized(int[] starts, int[] classes)
    {
        Dictionary<int, int> names = [];
        List<int> keptStarts = new(starts.Length);
        List<int> keptClasses = new(starts.Length);
        for (int i = 0; i < starts.Length; i++)
        {
            if (starts[i] == 0xD800)
                continue;
            if (!names.TryGetValue(classes[i], out int name))
                names[classes[i]] = name = names.Count;
            if (i > 0 && keptClasses[^1] == name)
                continue;
            keptStarts.Add(starts[i]);
            keptClasses.Add(name);
        }

        return new CodePointPartition([.. keptStarts], [.. keptClasses], names.Count);
    }

    private int PieceOf(int codePoint)
    {
        int found = Array.BinarySearch(_starts, codePoint);
        return found >= 0 ? found : ~found - 1;
    }

    private int LastOf(int piece) => piece + 1 < _starts.Length ? _starts[piece + 1] - 1 : CodePointSet.MaxCodePoint;
}
