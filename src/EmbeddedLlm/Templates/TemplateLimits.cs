namespace EmbeddedLlm.Templates;

/// <summary>
/// What a template may use before it is stopped with a <see cref="ChatTemplateException"/>. Templates come out of
/// model files, so they are as little trusted as any other download.
/// </summary>
internal sealed record TemplateLimits
{
    public static TemplateLimits Default { get; } = new();

    /// <summary>The longest template source, in UTF-16 units.</summary>
    public int SourceLength { get; init; } = 1 << 20;

    /// <summary>The longest rendered prompt, in UTF-16 units.</summary>
    public int OutputLength { get; init; } = 1 << 26;

    /// <summary>The largest value made on the way: characters of a string, or values and characters in a list or mapping together.</summary>
    public int ValueSize { get; init; } = 1 << 24;

    /// <summary>
    /// Work: about one step for each evaluated operation, each produced element and each 16 characters copied or
    /// scanned. Bounds time, and memory with it, since whatever is alive was once produced.
    /// </summary>
    public long Steps { get; init; } = 10_000_000;

    /// <summary>
    /// Further steps for each pair of messages, as many a template looks for each message at all others, say for the function that a result's id belongs to. They are for evaluating only: what is produced
    /// counts against <see cref="Steps"/> all the same, so that memory does not grow with them.
    /// </summary>
    public long StepsPerPairOfMessages { get; init; } = 16;

    /// <summary>How many pairs add to the steps: those of 5,000 messages.</summary>
    public long PairsOfMessages { get; init; } = 25_000_000;

    /// <summary>
    /// How deeply expressions and blocks may nest in the source. Parser and interpreter recurse once per level, so
    /// this is what keeps them on the stack; on a thread whose stack is short, fewer levels are taken.
    /// </summary>
    public int NestingDepth { get; init; } = 100;

    /// <summary>How deeply macros and recursive loops may call each other; a call is refused earlier where the thread's stack is short.</summary>
    public int CallDepth { get; init; } = 250;

    /// <summary>How deeply lists and mappings may nest.</summary>
    public int ValueDepth { get; init; } = 100;
}
