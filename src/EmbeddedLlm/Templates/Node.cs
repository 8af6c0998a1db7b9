namespace EmbeddedLlm.Templates;

/// <summary>A piece of a parsed template. Nodes are not changed once the template is parsed, so any number of renderings may use them.</summary>
/// <param name="position">The offset in the source that a failure is reported at.</param>
internal abstract class Node(int position)
{
    public int Position => position;

    /// <summary>The number of levels from here down, which bounds how deeply the interpreter recurses.</summary>
    public int Height { get; set; }

    /// <summary>The nodes that this one is made of, in the order in which names in them are looked up.</summary>
    public abstract IEnumerable<Node> Children { get; }
}

internal abstract class Expression(int position) : Node(position)
{
    public abstract TemplateValue Evaluate(Rendering rendering, Frame frame);
}

/// <summary>How a statement ended.</summary>
internal enum Flow : byte
{
    Next,
    Break,
    Continue,
}

internal abstract class Statement(int position) : Node(position)
{
    public abstract Flow Execute(Rendering rendering, Frame frame);
}

/// <summary>Statements in sequence.</summary>
internal sealed class Body(Statement[] statements, int position) : Node(position)
{
    public static Body Empty { get; } = new([], 0);

    public override IEnumerable<Node> Children => statements;

    public Flow Execute(Rendering rendering, Frame frame)
    {
        foreach (Statement statement in statements)
        {
            Flow flow = statement.Execute(rendering, frame);
            if (flow != Flow.Next)
                return flow;
        }

        return Flow.Next;
    }
}

/// <summary>
/// The variables of one call: of the template itself, of a macro, or of one level of a recursive loop. A null slot is
/// a variable without a value. Inner calls reach outer variables through <see cref="Outer"/>.
/// </summary>
internal sealed class Frame(int slots, Frame? outer)
{
    public TemplateValue?[] Slots { get; } = new TemplateValue?[slots];

    public Frame? Outer => outer;

    public Frame Ascend(int levels)
    {
        Frame frame = this;
        for (; levels > 0; levels--)
            frame = frame.Outer!;
        return frame;
    }
}

/// <summary>Where a variable lives: so many calls further out, in that slot.</summary>
internal readonly record struct VariablePlace(int Levels, int Slot)
{
    public TemplateValue? Read(Frame frame) => frame.Ascend(Levels).Slots[Slot];

    public void Write(Frame frame, TemplateValue? value) => frame.Ascend(Levels).Slots[Slot] = value;
}
