using Spectre.Console;

namespace EmbeddedLlm.Cli;

/// <summary>Shows on standard error what is being measured, and how much of it is done. It leaves nothing on the screen, and shows nothing where standard error is no terminal.</summary>
internal sealed class BenchBar
{
    private static readonly TimeSpan Frame = TimeSpan.FromMilliseconds(50);

    private volatile string _title = "";
    private double _done;

    /// <summary>Says what is measured next.</summary>
    /// <param name="title">What it is.</param>
    /// <param name="done">How much is done, from 0 to 1.</param>
    public void Show(string title, double done)
    {
        _title = title;
        Volatile.Write(ref _done, done);
    }

    public async Task<T> RunAsync<T>(Terminal terminal, bool isShown, Func<Task<T>> measure)
    {
        Task<T> task = measure();
        if (isShown && terminal.CanAnimate)
        {
            await terminal.ErrorConsole.Progress()
                .AutoClear(true)
                .Columns(new SpinnerColumn(), new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new ElapsedTimeColumn())
                .StartAsync(ShowAsync)
                .ConfigureAwait(false);
        }

        return await task.ConfigureAwait(false);

        async Task ShowAsync(ProgressContext context)
        {
            ProgressTask bar = context.AddTask("Measuring", maxValue: 1);
            while (await Task.WhenAny(task, Task.Delay(Frame)).ConfigureAwait(false) != task)
            {
                bar.Description = Markup.Escape(_title);
                bar.Value = Volatile.Read(ref _done);
            }
        }
    }
}
