using System.Collections.Immutable;

namespace EmbeddedLlm.Grammars;

/// <summary>
/// A pattern as instructions for a machine that follows all ways to match at once (Thompson, "Regular Expression Search Algorithm", 1968), with counted
/// repetitions as counters instead of copies. Immutable.
/// </summary>
internal sealed class PatternProgram
{
    /// <summary>A bound on memory; shared parts of a pattern count each time.</summary>
    private const int InstructionLimit = 400_000;

    /// <summary>A bound on memory: sets times the classes that they are told apart by.</summary>
    private const int SetLimit = 4_000_000;

    private readonly Instruction[] _instructions;
    private readonly bool[][] _sets;
    private readonly bool[] _isWord;

    private PatternProgram(
        Instruction[] instructions, ImmutableArray<Loop> loops, ImmutableArray<LookAhead> aheads, ImmutableArray<TextAutomaton> behinds, List<CodePointSet> sets)
    {
        _instructions = instructions;
        Loops = loops;
        Aheads = aheads;
        Behinds = behinds;
        UsesWord = Array.Exists(instructions, static each => each.Op == Op.At && each.X is (int)Pattern.Place.AfterWord or ((int)Pattern.Place.Start | (int)Pattern.Place.AfterOther))
            || aheads.Any(static ahead => ahead.UsesWord);
        UsesContext = Array.Exists(instructions, static each => each.Op is Op.At) || aheads.Any(static ahead => ahead.UsesContext);

        List<CodePointSet> all = [.. sets];
        if (UsesWord)
            all.Add(UnicodeSets.Word);
        foreach (TextAutomaton automaton in aheads.SelectMany(static ahead => ahead.ByContext).Concat(behinds).Distinct())
            all.AddRange(automaton.Table.Partition.Sets());
        Partition = CodePointPartition.Of([.. all.Distinct()]);
        if ((long)sets.Count * Partition.Count > SetLimit)
            throw new PatternNotSupportedException("The pattern has too many different sets of characters.");
        Representatives = Partition.Representatives();
        _sets = [.. sets.Select(set => Representatives.Select(set.Contains).ToArray())];
        _isWord = [.. Representatives.Select(UnicodeSets.Word.Contains)];
    }

    public enum Op
    {
        /// <summary>Reads a character of set X.</summary>
        Set,

        /// <summary>Reads any text that is left.</summary>
        Tail,

        /// <summary>The pattern has matched.</summary>
        Final,

        /// <summary>Goes on at all targets.</summary>
        Split,

        /// <summary>Goes on at X.</summary>
        Jump,

        /// <summary>Begins the first iteration of loop X.</summary>
        LoopBegin,

        /// <summary>Ends an iteration of loop X, whose body is at Y.</summary>
        LoopEnd,

        /// <summary>Goes on where what is before is among X.</summary>
        At,

        /// <summary>Goes on where the text that is left is in the language of <see cref="Aheads"/> X.</summary>
        Ahead,

        /// <summary>Goes on where the text so far is in the language of <see cref="Behinds"/> X, or, with Y, where it is not.</summary>
        Behind,
    }

    public ImmutableArray<Loop> Loops { get; }

    public ImmutableArray<LookAhead> Aheads { get; }

    public ImmutableArray<TextAutomaton> Behinds { get; }

    /// <summary>Whether it makes a difference what is before the text's start.</summary>
    public bool UsesContext { get; }

    /// <summary>Whether it makes a difference if that is a word character.</summary>
    public bool UsesWord { get; }

    public CodePointPartition Partition { get; }

    /// <summary>One code point of each class.</summary>
    public int[] Representatives { get; }

    public int Length => _instructions.Length;

    public Instruction this[int pc] => _instructions[pc];

    public bool SetContains(int set, int @class) => _sets[set][@class];

    public bool IsWord(int @class) => _isWord[@class];

    /// <param name="pattern">The pattern.</param>
    /// <param name="acceptsTail">Whether any text may follow it.</param>
    /// <param name="depth">How many assertions it is inside of.</param>
    /// <exception cref="PatternNotSupportedException">It is too large, or its assertions are no regular language.</exception>
    public static PatternProgram Compile(Pattern pattern, bool acceptsTail, int depth) => new Compiler(depth).Compile(pattern, acceptsTail);

    public readonly record struct Instruction(Op Op, int X = 0, int Y = 0, int[]? Targets = null);

    /// <param name="Min">At least 0; 0 where the body may be empty.</param>
    /// <param name="Max">Null without a bound.</param>
    public readonly record struct Loop(int Min, int? Max);

    /// <summary>The language of the text that has to be left, for each of what can be before it: nothing, no word character, a word character.</summary>
    public sealed record LookAhead(TextAutomaton[] ByContext, bool UsesContext, bool UsesWord);

    /// <summary>Emits instructions; parts that are still to be visited are on a stack of its own.</summary>
    private sealed class Compiler(int depth)
    {
        private const int DepthLimit = 8;
        private const int LookLimit = 64;

        private readonly List<Instruction> _code = [];
        private readonly List<Loop> _loops = [];
        private readonly List<CodePointSet> _sets = [];
        private readonly Dictionary<CodePointSet, int> _setNumbers = [];
        private readonly List<LookAhead> _aheads = [];
        private readonly List<TextAutomaton> _behinds = [];
        private readonly Dictionary<Pattern, int> _looks = [];
        private readonly Stack<Step> _todo = new();

        private enum StepKind
        {
            Visit,
            Alternative,
            EndAlternatives,
            PatchSkip,
            Jump,
            Again,
            LoopEnd,
        }

        public PatternProgram Compile(Pattern pattern, bool acceptsTail)
        {
            if (pattern.IsNothing)
                Emit(new Instruction(Op.Split, Targets: []));
            _todo.Push(new Step(StepKind.Visit, pattern));
            while (_todo.TryPop(out Step step))
                Run(step);
            Emit(new Instruction(acceptsTail ? Op.Tail : Op.Final));
            return new PatternProgram([.. _code], [.. _loops], [.. _aheads], [.. _behinds], _sets);
        }

        private int Emit(Instruction instruction)
        {
            if (_code.Count >= InstructionLimit)
                throw new PatternNotSupportedException($"The pattern has more than {InstructionLimit} parts.");
            _code.Add(instruction);
            return _code.Count - 1;
        }

        private void Run(Step step)
        {
            switch (step.Kind)
            {
                case StepKind.Visit:
                    Visit(step.Pattern!);
                    break;
                case StepKind.Alternative:
                    if (step.Y > 0)
                        Emit(new Instruction(Op.Jump, -1));
                    _code[step.X].Targets![step.Y] = _code.Count;
                    break;
                case StepKind.EndAlternatives:
                    foreach (int target in _code[step.X].Targets!.AsSpan(1))
                        _code[target - 1] = new Instruction(Op.Jump, _code.Count);
                    break;
                case StepKind.PatchSkip:
                    _code[step.X].Targets![1] = _code.Count;
                    break;
                case StepKind.Jump:
                    Emit(new Instruction(Op.Jump, step.X));
                    break;
                case StepKind.Again:
                    Emit(new Instruction(Op.Split, Targets: [step.X, _code.Count + 1]));
                    break;
                case StepKind.LoopEnd:
                    Emit(new Instruction(Op.LoopEnd, step.X, step.Y));
                    break;
            }
        }

        private void Visit(Pattern pattern)
        {
            switch (pattern)
            {
                case Pattern.Set set:
                    if (!_setNumbers.TryGetValue(set.CodePoints, out int number))
                    {
                        _setNumbers[set.CodePoints] = number = _sets.Count;
                        _sets.Add(set.CodePoints);
                    }

                    Emit(new Instruction(Op.Set, number));
                    break;
                case Pattern.Concat concat:
                    for (int i = concat.Parts.Length - 1; i >= 0; i--)
                        _todo.Push(new Step(StepKind.Visit, concat.Parts[i]));
                    break;
                case Pattern.Alternation alternation:
                    int split = Emit(new Instruction(Op.Split, Targets: new int[alternation.Parts.Length]));
                    _todo.Push(new Step(StepKind.EndAlternatives, null, split));
                    for (int i = alternation.Parts.Length - 1; i >= 0; i--)
                    {
                        _todo.Push(new Step(StepKind.Visit, alternation.Parts[i]));
                        _todo.Push(new Step(StepKind.Alternative, null, split, i));
                    }

                    break;
                case Pattern.Repeat repeat:
                    VisitRepeat(repeat);
                    break;
                case Pattern.At at:
                    Emit(new Instruction(Op.At, (int)at.Places));
                    break;
                case Pattern.Look look:
                    VisitLook(look);
                    break;
            }
        }

        private void VisitRepeat(Pattern.Repeat repeat)
        {
            int min = repeat.Part.IsNullable ? 0 : repeat.Min;
            int start = _code.Count;
            switch ((min, repeat.Max))
            {
                case (0, null):
                    Emit(new Instruction(Op.Split, Targets: [start + 1, -1]));
                    _todo.Push(new Step(StepKind.PatchSkip, null, start));
                    _todo.Push(new Step(StepKind.Jump, null, start));
                    break;
                case (1, null):
                    _todo.Push(new Step(StepKind.Again, null, start));
                    break;
                case (0, 1):
                    Emit(new Instruction(Op.Split, Targets: [start + 1, -1]));
                    _todo.Push(new Step(StepKind.PatchSkip, null, start));
                    break;
                default:
                    if (min == 0)
                    {
                        Emit(new Instruction(Op.Split, Targets: [start + 1, -1]));
                        _todo.Push(new Step(StepKind.PatchSkip, null, start));
                    }

                    int loop = _loops.Count;
                    _loops.Add(new Loop(min, repeat.Max));
                    int begin = Emit(new Instruction(Op.LoopBegin, loop));
                    _todo.Push(new Step(StepKind.LoopEnd, null, loop, begin + 1));
                    break;
            }

            _todo.Push(new Step(StepKind.Visit, repeat.Part));
        }

        private void VisitLook(Pattern.Look look)
        {
            if (!_looks.TryGetValue(look, out int number))
            {
                if (depth >= DepthLimit)
                    throw new PatternNotSupportedException($"The pattern has assertions more than {DepthLimit} deep in each other.");
                if (_looks.Count >= LookLimit)
                    throw new PatternNotSupportedException($"The pattern has more than {LookLimit} assertions.");
                if (look.IsBehind)
                {
                    if (depth > 0)
                        throw new PatternNotSupportedException("The pattern has a lookbehind inside of another assertion.");
                    number = _behinds.Count;
                    _behinds.Add(PatternCompiler.CompileBehind(look.Part, depth + 1));
                }
                else
                {
                    number = _aheads.Count;
                    _aheads.Add(PatternCompiler.CompileAhead(look, depth + 1));
                }

                _looks[look] = number;
            }

            Emit(look.IsBehind ? new Instruction(Op.Behind, number, look.IsNegated ? 1 : 0) : new Instruction(Op.Ahead, number));
        }

        private readonly record struct Step(StepKind Kind, Pattern? Pattern, int X = 0, int Y = 0);
    }
}
