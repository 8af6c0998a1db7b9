namespace EmbeddedLlm.Grammars;

/// <summary>
/// What waits for the running part to be complete: a set of continuations, each with what waits below it. A set, since a part may have been begun at
/// the same place for several reasons; sharing it keeps ambiguous grammars from having a stack for each way of reading the text (a graph-structured stack).
/// </summary>
internal class ParserStack
{
    private Dictionary<int, Configuration>? _returns;

    protected ParserStack(int id, Frame[] frames)
    {
        Id = id;
        Frames = frames;
    }

    /// <summary>A number of its own among the machine's stacks.</summary>
    public int Id { get; }

    /// <summary>The continuations, ordered by their ids and their stacks' ids.</summary>
    public Frame[] Frames { get; }

    /// <summary>The stack under all others of a machine: the text ends.</summary>
    public static ParserStack CreateBottom() => new(0, [new Frame(EndOfText.Instance, null!)]);

    public static ParserStack Create(int id, Frame[] frames) => new(id, frames);

    /// <summary>What comes after the running part where it ends with a label. Thread-safe.</summary>
    public Configuration After(int label, GrammarMachine machine)
    {
        lock (machine.Gate)
        {
            if (_returns is null || !_returns.TryGetValue(label, out Configuration? configuration))
                (_returns ??= [])[label] = configuration = machine.AfterReturn(this, label);
            return configuration;
        }
    }

    /// <summary>A continuation and what waits below it.</summary>
    public readonly record struct Frame(Continuation Then, ParserStack Below);

    private sealed class EndOfText : Continuation
    {
        public static readonly EndOfText Instance = new();

        public override void Resume(Closure closure, ParserStack below, int label) => closure.Complete();
    }
}
