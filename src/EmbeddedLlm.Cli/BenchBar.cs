using Spectre.Console;

namespace EmbeddedLlm.Cli;

/// <summary>Shows on standard error what is being measured, and how much of it is done. It leaves nothing on the screen, and shows nothing where standard error is no terminal.</summary>
internal sealed class BenchBar
{
    private volatile string _title = "Measuring";
    private double _done;

    /// <summary>Says what is measured next.</summary>
    /// <param name="title">What it is.</param>
    /// <param name="done">How much is done, from 0 to 1.</param>
    public void Show(string title, double done)
    {
        _title = title;
        Volatile.Write(ref _done, done);
    }

    public Task<T> RunAsync<T>(Terminal terminal, bool isShown, Func<Task<T>> measure) => LiveBar.RunAsync(
        terminal, isShown, measure(), TimeSpan.Zero, "Measuring", Draw, new SpinnerColumn(), new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new ElapsedTimeColumn());

    private void Draw(ProgressTask bar)
    {
        bar.Description = Markup.Escape(_title);
        bar.Value = Volatile.Read(ref _done) * bar.MaxValue;
    }
}
