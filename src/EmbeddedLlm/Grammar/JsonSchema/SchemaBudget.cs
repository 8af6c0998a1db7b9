using System.Diagnostics;

namespace EmbeddedLlm.Grammars;

/// <summary>What one compilation may cost. Counts steps, and looks at the clock now and then.</summary>
internal sealed class SchemaBudget
{
    private const int StepLimit = 5_000_000;

    private static readonly TimeSpan s_timeLimit = TimeSpan.FromSeconds(10);

    private readonly long _start = Stopwatch.GetTimestamp();
    private long _steps;
    private long _nextLook;

    /// <summary>How many kinds of one type of value may be told apart.</summary>
    public static int AlternativeLimit => 1_000;

    /// <exception cref="GrammarException">The compilation costs too much.</exception>
    public void Spend(int steps = 1)
    {
        _steps += steps;
        if (_steps > StepLimit)
            throw new GrammarException($"The JSON schema takes more than {StepLimit:N0} steps to compile.");
        if (_steps < _nextLook)
            return;
        _nextLook = _steps + 256;
        if (Stopwatch.GetElapsedTime(_start) > s_timeLimit)
            throw new GrammarException($"The JSON schema takes longer than {s_timeLimit.TotalSeconds:N0} seconds to compile.");
    }
}
