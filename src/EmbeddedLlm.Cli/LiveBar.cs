using Spectre.Console;

namespace EmbeddedLlm.Cli;

/// <summary>Shows on standard error how far something is while it runs. It leaves nothing on the screen, and shows nothing where standard error is no terminal.</summary>
internal static class LiveBar
{
    private static readonly TimeSpan Frame = TimeSpan.FromMilliseconds(50);

    /// <summary>What a share of the whole is known of: a name, a bar, a percentage.</summary>
    public static ProgressColumn[] Share => [new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn()];

    /// <param name="terminal">Where the bar appears, if it is a terminal.</param>
    /// <param name="isShown">Whether there may be a bar at all.</param>
    /// <param name="task">What goes on.</param>
    /// <param name="patience">How long it may take before there is a bar.</param>
    /// <param name="title">What it is, as long as <paramref name="draw"/> says nothing else.</param>
    /// <param name="draw">Sets the bar to what there is by now.</param>
    /// <param name="columns">What is drawn.</param>
    /// <returns>What the task gives, or its exception.</returns>
    public static async Task<T> RunAsync<T>(Terminal terminal, bool isShown, Task<T> task, TimeSpan patience, string title, Action<ProgressTask> draw, params ProgressColumn[] columns)
    {
        if (isShown && terminal.CanAnimate && !await EndsWithinAsync(task, patience).ConfigureAwait(false))
            await terminal.ErrorConsole.Progress().AutoClear(true).Columns(columns).StartAsync(DrawAsync).ConfigureAwait(false);
        return await task.ConfigureAwait(false);

        async Task DrawAsync(ProgressContext context)
        {
            ProgressTask bar = context.AddTask(title);
            do
                draw(bar);
            while (!await EndsWithinAsync(task, Frame).ConfigureAwait(false));
        }
    }

    private static async Task<bool> EndsWithinAsync(Task task, TimeSpan time) => await Task.WhenAny(task, Task.Delay(time)).ConfigureAwait(false) == task;
}
