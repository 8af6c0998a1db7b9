namespace EmbeddedLlm.Grammars;

/// <summary>
/// A part of a grammar above the lexical automata: sequences, choices, repetitions, rules, and whatever else a language needs, such as JSON objects.
/// Immutable once the grammar is built, and shared between threads.
/// </summary>
internal abstract class GrammarNode
{
    /// <summary>
    /// Says what can come where this part begins, by calling <see cref="Closure.Add"/>, <see cref="Closure.Enter"/>, <see cref="Closure.Call(GrammarNode, Continuation, ParserStack)"/> or,
    /// where the part may be empty, <see cref="Closure.Return"/>; any number of them, each a possibility of its own. These calls only take note, so nothing recurses.
    /// </summary>
    /// <param name="closure">Collects the possibilities.</param>
    /// <param name="below">What follows this part; to be handed on as it is.</param>
    public abstract void Enter(Closure closure, ParserStack below);
}

/// <summary>
/// What waits on the parser's stack for a part to be complete. Two equal ones must be the same object: their makers keep them, since states of the parser are told
/// apart by them. Counters and sets of things seen live in here. Immutable, shared between threads.
/// </summary>
internal abstract class Continuation
{
    private static int s_lastId;

    /// <summary>A number of its own among all continuations.</summary>
    public int Id { get; } = Interlocked.Increment(ref s_lastId);

    /// <summary>Says what can come next, now that the part it waited for is complete; by the same calls as <see cref="GrammarNode.Enter"/>.</summary>
    /// <param name="closure">Collects the possibilities.</param>
    /// <param name="below">What waits below.</param>
    /// <param name="label">The <see cref="LexicalState.Label"/> of the automaton whose end completed the part, or 0.</param>
    public abstract void Resume(Closure closure, ParserStack below, int label);
}
