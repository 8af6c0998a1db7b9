using EmbeddedLlm.Templates;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Client;

/// <summary>What a chat template has to do with reasoning. Immutable and thread-safe.</summary>
internal sealed record ReasoningSupport
{
    /// <summary>From the least to the most: what templates call how much a model is to think.</summary>
    private static readonly string[] s_levels = ["minimal", "low", "medium", "high", "xhigh", "max"];
    private static readonly string[] s_off = ["none", "no_think", "disabled"];
    private static readonly string[] s_efforts = ["reasoning_effort", "thinking_effort"];

    private static readonly string[] s_softSwitches = ["/no_think", "/nothink"];

    /// <summary>What templates call whether a model is to think.</summary>
    public static IReadOnlyList<string> Flags { get; } = ["enable_thinking", "thinking"];

    private readonly ChatTemplate _template;

    private ReasoningSupport(ChatTemplate template) => _template = template;

    /// <summary>What encloses the model's reasoning; null where it does not reason.</summary>
    public ReasoningFormat? Format { get; private init; }

    /// <summary>By which name the template reads the reasoning of an earlier message, beside <c>reasoning_content</c>; null where by none.</summary>
    public string? MessageKey { get; private init; }

    /// <summary>Whether the template writes reasoning ahead of a text that no calls come with; otherwise only ahead of calls, or not at all.</summary>
    public bool IsAheadOfText { get; private init; }

    /// <summary>Whether the template takes <see cref="MessageKey"/> in a message that has both a text and calls: one may refuse it there.</summary>
    public bool TakesKeyBesideTextAndCalls { get; private init; }

    /// <summary>Whether something tells the template how much the model is to think.</summary>
    public bool HasSwitches => Flags.Concat(s_efforts).Append("thinking_mode").Append("thinking_budget").Any(_template.Reads) || SoftSwitch is not null;

    /// <summary>What in a system message turns the reasoning off, where the template has no variable for it.</summary>
    private string? SoftSwitch => Flags.Any(_template.Reads) ? null : s_softSwitches.FirstOrDefault(text => _template.Source.Contains(text, StringComparison.Ordinal));

    /// <param name="template">The template; it is rendered some seven times.</param>
    /// <param name="beginOfSequence">What it calls <c>bos_token</c>.</param>
    /// <param name="endOfSequence">What it calls <c>eos_token</c>.</param>
    public static ReasoningSupport Learn(ChatTemplate template, string beginOfSequence, string endOfSequence)
    {
        ReasoningFormatLearner learner = new(template, beginOfSequence, endOfSequence);
        (ReasoningFormat? format, string? key, bool isAheadOfText) = learner.Learn();
        return new ReasoningSupport(template)
        {
            Format = format,
            MessageKey = key,
            IsAheadOfText = isAheadOfText,
            TakesKeyBesideTextAndCalls = key is not null && learner.TakesBesideTextAndCall(key),
        };
    }

    /// <summary>What the template is told, and what the system message is to say besides.</summary>
    /// <param name="effort">How much the model is to think; null where the template is to decide.</param>
    /// <param name="budget">How many tokens it may think; null for as many as it likes.</param>
    public (Dictionary<string, TemplateValue> Arguments, string? System) Switch(ReasoningEffort? effort, int? budget)
    {
        Dictionary<string, TemplateValue> arguments = [];
        if (budget is { } tokens && _template.Reads("thinking_budget"))
            arguments["thinking_budget"] = TemplateValue.From((long)tokens);
        if (effort is not { } wanted)
            return (arguments, null);
        bool isOn = wanted != ReasoningEffort.None;
        foreach (string flag in Flags.Where(_template.Reads))
            arguments[flag] = TemplateValue.From(isOn);
        if (_template.Reads("thinking_mode"))
            arguments["thinking_mode"] = TemplateValue.FromTemplate(isOn ? "enabled" : "disabled");
        foreach (string name in s_efforts.Where(_template.Reads))
        {
            if (LevelOf(wanted) is { } level)
                arguments[name] = TemplateValue.FromTemplate(level);
        }

        return (arguments, isOn ? null : SoftSwitch);
    }

    /// <summary>The template's word for an effort: of those that it compares with, the nearest; where it takes any, the plain one. Null where none says that it is not to think.</summary>
    private string? LevelOf(ReasoningEffort effort)
    {
        if (effort == ReasoningEffort.None)
            return s_off.FirstOrDefault(Names) ?? (Flags.Any(_template.Reads) ? null : "low");
        int wanted = effort switch
        {
            ReasoningEffort.Low => 1,
            ReasoningEffort.Medium => 2,
            ReasoningEffort.High => 3,
            _ => s_levels.Length - 1,
        };
        string[] named = [.. s_levels.Where(Names)];
        if (named.Length < 2 && !(effort == ReasoningEffort.ExtraHigh && named.Length == 1 && Array.IndexOf(s_levels, named[0]) > 3))
            return s_levels[Math.Min(wanted, 3)];
        return named.MinBy(level => (Math.Abs(Array.IndexOf(s_levels, level) - wanted), -Array.IndexOf(s_levels, level)));
    }

    private bool Names(string level) => _template.Source.Contains($"'{level}'", StringComparison.Ordinal) || _template.Source.Contains($"\"{level}\"", StringComparison.Ordinal);
}
