using Spectre.Console;

namespace EmbeddedLlm.Cli;

/// <summary>A progress bar for a load that takes long enough to wonder about. It leaves nothing on the screen.</summary>
internal static class LoadBar
{
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan Frame = TimeSpan.FromMilliseconds(50);

    /// <param name="terminal">Where the bar appears, if it is a terminal.</param>
    /// <param name="isShown">Whether there may be a bar at all.</param>
    /// <param name="load">Starts the load.</param>
    /// <param name="title">What goes on.</param>
    public static async Task<T> RunAsync<T>(Terminal terminal, bool isShown, Func<IProgress<float>, Task<T>> load, string title = "Loading")
    {
        Fraction fraction = new();
        Task<T> task = load(fraction);
        if (isShown && terminal.CanAnimate && !await EndsWithinAsync(task, Patience).ConfigureAwait(false))
        {
            await terminal.ErrorConsole.Progress()
                .AutoClear(true)
                .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn())
                .StartAsync(ShowAsync)
                .ConfigureAwait(false);
        }

        return await task.ConfigureAwait(false);

        async Task ShowAsync(ProgressContext context)
        {
            ProgressTask bar = context.AddTask(title);
            while (!await EndsWithinAsync(task, Frame).ConfigureAwait(false))
            {
                // The header and the vocabulary come before the weights, and nobody counts them.
                bar.IsIndeterminate = fraction.Value == 0;
                bar.Value = fraction.Value * bar.MaxValue;
            }
        }
    }

    private static async Task<bool> EndsWithinAsync(Task task, TimeSpan time) => await Task.WhenAny(task, Task.Delay(time)).ConfigureAwait(false) == task;

    /// <summary>The last reported fraction; a load reports far more often than a bar is drawn.</summary>
    private sealed class Fraction : IProgress<float>
    {
        private volatile float _value;

        public float Value => _value;

        public void Report(float value) => _value = value;
    }
}
