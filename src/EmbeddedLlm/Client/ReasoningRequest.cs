using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Client;

/// <summary>What a request says about reasoning.</summary>
/// <param name="Effort">How much the model is to think; null where its template decides.</param>
/// <param name="Budget">How many tokens it may think; null for as many as it likes.</param>
/// <param name="IsShown">Whether the caller gets the reasoning; it is counted either way.</param>
internal readonly record struct ReasoningRequest(ReasoningEffort? Effort, int? Budget, bool IsShown)
{
    /// <param name="options">The request's options.</param>
    /// <param name="more">The request's own options.</param>
    /// <param name="support">What the model can do.</param>
    /// <exception cref="ArgumentOutOfRangeException">The effort or the output is none that is known, or the budget is negative.</exception>
    /// <exception cref="NotSupportedException">An effort is asked of a model that does not reason.</exception>
    public static ReasoningRequest Of(ChatOptions? options, EmbeddedChatOptions? more, ReasoningSupport support)
    {
        ReasoningEffort? effort = options?.Reasoning?.Effort;
        ReasoningOutput? output = options?.Reasoning?.Output;
        if (effort is { } someEffort && !Enum.IsDefined(someEffort))
            throw new ArgumentOutOfRangeException(nameof(options), someEffort, "ChatOptions.Reasoning.Effort is none that is known.");
        if (output is { } someOutput && !Enum.IsDefined(someOutput))
            throw new ArgumentOutOfRangeException(nameof(options), someOutput, "ChatOptions.Reasoning.Output is none that is known.");
        if (more?.ReasoningBudget is { } budget)
            ArgumentOutOfRangeException.ThrowIfNegative(budget, nameof(more.ReasoningBudget));
        if (effort is not (null or ReasoningEffort.None) && support.Format is null && !support.HasSwitches)
            throw RequestMapper.NotSupported($"{nameof(options.Reasoning)}.{nameof(ReasoningOptions.Effort)}", "the model's chat template knows of no reasoning");
        return new ReasoningRequest(effort, more?.ReasoningBudget ?? BudgetOf(effort), output != ReasoningOutput.None);
    }

    private static int? BudgetOf(ReasoningEffort? effort) => effort switch
    {
        ReasoningEffort.None => 0,
        ReasoningEffort.Low => 1024,
        ReasoningEffort.Medium => 4096,
        ReasoningEffort.High => 16384,
        _ => null,
    };
}
