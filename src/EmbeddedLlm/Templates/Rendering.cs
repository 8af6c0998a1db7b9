using System.Runtime.CompilerServices;

namespace EmbeddedLlm.Templates;

/// <summary>
/// One rendering under way: its variables, its output, and what it has used of its limits. Belongs to one thread.
/// </summary>
internal sealed class Rendering : IDisposable
{
    private const int StepsBetweenCancellationChecks = 4096;
    private readonly IReadOnlyDictionary<string, TemplateValue> _variables;
    private readonly CancellationToken _cancellationToken;
    private readonly MarkedTextBuilder _prompt;

    // What evaluates takes from the steps only, what produces values takes from both.
    private readonly long _steps;
    private long _stepsLeft;
    private long _producingLeft;
    private long _nextCheck;
    private int _callDepth;

    public Rendering(TemplateLimits limits, IReadOnlyDictionary<string, TemplateValue> variables, TimeProvider clock, CancellationToken cancellationToken)
    {
        Limits = limits;
        Clock = clock;
        Output = _prompt = MarkedTextBuilder.Rent(limits.OutputLength, "the length of the prompt");
        _variables = variables;
        _cancellationToken = cancellationToken;
        long further = limits.StepsPerPairOfMessages * PairsOfMessages(limits, variables);
        _steps = Math.Min(limits.Steps, long.MaxValue - further) + further;
        _stepsLeft = _steps;
        _producingLeft = limits.Steps;
        _nextCheck = Math.Max(_steps - StepsBetweenCancellationChecks, 0);
    }

    /// <summary>A rendering of nothing, for showing a value in a debugger or error message.</summary>
    public static Rendering ForDebugging => new(
        TemplateLimits.Default with { ValueSize = 10_000, Steps = 10_000 }, new Dictionary<string, TemplateValue>(), TimeProvider.System, CancellationToken.None);

    public TemplateLimits Limits { get; }

    public TimeProvider Clock { get; }

    /// <summary>Where printed text goes: the prompt, or the capture of a macro or block.</summary>
    public MarkedTextBuilder Output { get; private set; }

    /// <summary>The source offset of what is being evaluated; where a failure is reported.</summary>
    public int Position { get; set; }

    /// <summary>The captured text that a filter block or a filtered assignment is about to filter.</summary>
    public TemplateValue Captured { get; set; } = TemplateValue.Empty;

    /// <summary>A variable or global by name; null where there is none.</summary>
    public TemplateValue? Resolve(string name) => _variables.TryGetValue(name, out TemplateValue? value) ? value : Globals.Find(name);

    /// <summary>Counts work against the limit that may produce what stays in memory.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Charge(long steps)
    {
        _stepsLeft -= steps;
        _producingLeft -= steps;
        if (_stepsLeft < _nextCheck || _producingLeft < 0)
            CheckSteps();
    }

    /// <summary>Counts an evaluated operation or a loop's turn against the limit. It may make no more than one small value, since whatever keeps that is charged for it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Step()
    {
        if (--_stepsLeft < _nextCheck)
            CheckSteps();
    }

    public void EnsureSize(long size)
    {
        if (size > Limits.ValueSize)
            throw TemplateFault.LimitExceeded("the size of a value", Limits.ValueSize);
    }

    /// <summary>Checks a value that a template composed from others, and counts its making.</summary>
    public T Made<T>(T value)
        where T : TemplateValue
    {
        EnsureSize(value.Size);
        if (value.Depth > Limits.ValueDepth)
            throw TemplateFault.LimitExceeded("the nesting of values", Limits.ValueDepth);
        Charge(4 + (value.Count ?? 0));
        return value;
    }

    /// <summary>Refuses to recurse where the thread's stack runs short: a .NET stack overflow ends the process.</summary>
    public void EnsureStack()
    {
        Step();
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack())
            throw new TemplateFault("the template nests calls more deeply than this thread's stack allows");
    }

    public void EnterCall()
    {
        EnsureStack();
        if (++_callDepth > Limits.CallDepth)
            throw TemplateFault.LimitExceeded("nested calls", Limits.CallDepth);
    }

    public void LeaveCall() => _callDepth--;

    /// <summary>Redirects output into a new text until <see cref="EndCapture"/>.</summary>
    public MarkedTextBuilder BeginCapture()
    {
        MarkedTextBuilder outer = Output;
        Output = new MarkedTextBuilder(Limits.ValueSize);
        return outer;
    }

    public TemplateString EndCapture(MarkedTextBuilder outer)
    {
        TemplateString text = Output.ToTemplateString();
        Output = outer;
        Charge(text.Length / 16);
        return text;
    }

    public void DropCapture(MarkedTextBuilder outer) => Output = outer;

    /// <summary>Starts an iteration over a value, which must be iterable.</summary>
    public IEnumerator<TemplateValue> Enumerate(TemplateValue value) => value.Enumerate(this) ?? throw TemplateFault.NotIterable(value);

    /// <summary>All items of an iterable.</summary>
    public TemplateValue[] ToArray(TemplateValue value)
    {
        if (value is TemplateSequence sequence)
        {
            Charge(sequence.Items.Length);
            return sequence.Items.ToArray();
        }

        List<TemplateValue> items = [];
        using IEnumerator<TemplateValue> source = Enumerate(value);
        while (source.MoveNext())
        {
            Charge(1);
            items.Add(source.Current);
            EnsureSize(items.Count);
        }

        return [.. items];
    }

    /// <summary>Gives back the memory of the prompt.</summary>
    public void Dispose() => _prompt.Return();

    private static long PairsOfMessages(TemplateLimits limits, IReadOnlyDictionary<string, TemplateValue> variables)
    {
        long messages = variables.TryGetValue("messages", out TemplateValue? list) ? list.Count ?? 0 : 0;
        return Math.Min(messages * messages, limits.PairsOfMessages);
    }

    private void CheckSteps()
    {
        if (_producingLeft < 0)
            throw TemplateFault.LimitExceeded("steps", Limits.Steps);
        if (_stepsLeft < 0)
            throw TemplateFault.LimitExceeded("steps", _steps);
        _nextCheck = Math.Max(_stepsLeft - StepsBetweenCancellationChecks, 0);
        _cancellationToken.ThrowIfCancellationRequested();
    }
}
