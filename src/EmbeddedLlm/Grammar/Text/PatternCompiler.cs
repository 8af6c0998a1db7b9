namespace EmbeddedLlm.Grammars;

/// <summary>Makes automata of patterns by following all that a pattern's machine can do.</summary>
internal static class PatternCompiler
{
    /// <summary>A bound on time: the ways to match that are followed, for all states together.</summary>
    private const long WorkLimit = 1_200_000;

    /// <param name="pattern">The pattern, from the start of the text on.</param>
    /// <param name="acceptsTail">Whether any text may follow it.</param>
    /// <exception cref="PatternNotSupportedException">It is no regular language, or needs too many states.</exception>
    public static TextAutomaton Compile(Pattern pattern, bool acceptsTail) =>
        Explore(PatternProgram.Compile(pattern, acceptsTail, depth: 0), context: 0);

    /// <summary>The language of the texts up to a place where a pattern matches before it.</summary>
    public static TextAutomaton CompileBehind(Pattern part, int depth)
    {
        PatternProgram program = PatternProgram.Compile(part.StartsAtStart ? part : Pattern.Sequence(Pattern.Anything, part), acceptsTail: false, depth);
        if (program.Aheads.Length > 0)
            throw new PatternNotSupportedException("The pattern has a lookahead, or an end of text or word, inside of a lookbehind.");
        return Explore(program, context: 0);
    }

    /// <summary>The language of the texts from a place on where a pattern matches after it, or does not.</summary>
    public static PatternProgram.LookAhead CompileAhead(Pattern.Look look, int depth)
    {
        if (look is { IsNegated: true, Part: Pattern.Set { CodePoints: var points } } && points.Equals(CodePointSet.All))
            return new PatternProgram.LookAhead([TextAutomaton.EmptyText, TextAutomaton.EmptyText, TextAutomaton.EmptyText], false, false);
        PatternProgram program = PatternProgram.Compile(look.Part, acceptsTail: true, depth);
        TextAutomaton atStart = Language(0);
        TextAutomaton afterOther = program.UsesContext ? Language(1) : atStart;
        TextAutomaton afterWord = program.UsesWord ? Language(2) : afterOther;
        return new PatternProgram.LookAhead([atStart, afterOther, afterWord], program.UsesContext, program.UsesWord);

        TextAutomaton Language(int context)
        {
            TextAutomaton automaton = Explore(program, context);
            return look.IsNegated ? automaton.Not() : automaton;
        }
    }

    private static TextAutomaton Explore(PatternProgram program, int context)
    {
        PatternMachine machine = new(program, context, WorkLimit);
        int classes = program.Partition.Count;
        Dictionary<PatternState, int> numbers = new() { [machine.Start] = 0 };
        List<PatternState> states = [machine.Start];
        List<int> next = [];
        List<int> outcomes = [];
        for (int i = 0; i < states.Count; i++)
        {
            outcomes.Add(states[i].IsAccepting ? 0 : -1);
            for (int c = 0; c < classes; c++)
            {
                if (machine.Next(states[i], c) is not { } target)
                {
                    next.Add(-1);
                    continue;
                }

                if (!numbers.TryGetValue(target, out int number))
                {
                    numbers[target] = number = states.Count;
                    states.Add(target);
                }

                next.Add(number);
            }

            if (states.Count > TextAutomaton.StateLimit || (long)states.Count * classes > TextAutomaton.TableLimit)
                throw new PatternNotSupportedException($"The pattern needs more than {TextAutomaton.StateLimit} states or too many transitions.");
        }

        return TextAutomaton.FromTransitions(program.Partition, next, outcomes);
    }
}
