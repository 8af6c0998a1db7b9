namespace EmbeddedLlm.Grammars;

/// <summary>Finds the states that any literal characters of JSON strings, in any number, do not lead away from.</summary>
internal static class FreeStates
{
    /// <param name="table">The automaton.</param>
    /// <param name="isCandidate">Which states come into question.</param>
    /// <returns>For each state whether all literal characters lead to states for which the same is true.</returns>
    public static bool[] Find(TransitionTable table, Func<int, bool> isCandidate)
    {
        int[] literal = [.. table.Partition.Sets().Index().Where(static each => !each.Item.Intersect(JsonCharacters.Literal).IsEmpty).Select(static each => each.Index)];
        bool[] isFree = new bool[table.StateCount];
        List<int>?[] sources = new List<int>?[table.StateCount];
        Stack<int> todo = new();
        for (int state = 0; state < isFree.Length; state++)
        {
            isFree[state] = isCandidate(state);
            foreach (int @class in literal)
            {
                int next = table.Next(state, @class);
                if (next < 0)
                    isFree[state] = false;
                else if (sources[next] is not { } known || known[^1] != state)
                    (sources[next] ??= []).Add(state);
            }

            if (!isFree[state])
                todo.Push(state);
        }

        while (todo.TryPop(out int state))
        {
            foreach (int source in sources[state] ?? [])
            {
                if (isFree[source])
                {
                    isFree[source] = false;
                    todo.Push(source);
                }
            }
        }

        return isFree;
    }
}
