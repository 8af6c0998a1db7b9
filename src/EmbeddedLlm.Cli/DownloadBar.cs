using System.Globalization;
using Spectre.Console;

namespace EmbeddedLlm.Cli;

/// <summary>A progress bar for a download or a check. It leaves nothing on the screen, and shows nothing where standard error is no terminal.</summary>
internal static class DownloadBar
{
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(100);

    /// <param name="terminal">Where the bar appears, if it is a terminal.</param>
    /// <param name="isShown">Whether there may be a bar at all.</param>
    /// <param name="start">Starts the work.</param>
    public static Task<T> RunAsync<T>(Terminal terminal, bool isShown, Func<IProgress<ModelDownloadProgress>, Task<T>> start)
    {
        Latest latest = new();
        return LiveBar.RunAsync(terminal, isShown, start(latest), Patience, Text(latest.Value), Draw, LiveBar.Share);

        void Draw(ProgressTask bar)
        {
            ModelDownloadProgress progress = latest.Value;
            bar.Description = Text(progress);
            bar.IsIndeterminate = progress.TotalBytes is null or 0;
            bar.Value = progress.TotalBytes is > 0 and { } total ? bar.MaxValue * progress.Bytes / total : 0;
        }
    }

    private static string Text(ModelDownloadProgress progress) => Markup.Escape(TerminalText.Clean(Describe(progress)));

    /// <summary>How far it is, in words: <c>model.gguf 1.2 GiB of 4.7 GiB, 35 MiB/s, 1:40 left</c>.</summary>
    internal static string Describe(ModelDownloadProgress progress)
    {
        if (progress.File is not { Length: > 0 } file)
            return "Looking for the model";
        string text = $"{file} {Quantity.OfBytes(progress.Bytes)}";
        if (progress.TotalBytes is { } total)
            text += $" of {Quantity.OfBytes(total)}";
        if (progress.BytesPerSecond >= 1)
            text += $", {Quantity.OfBytes((long)progress.BytesPerSecond)}/s";
        if (progress.TimeLeft is { } left)
        {
            string hours = left.TotalHours >= 1 ? string.Create(CultureInfo.InvariantCulture, $"{(long)left.TotalHours}:") : "";
            text += $", {hours}{left.ToString(hours.Length > 0 ? @"mm\:ss" : @"m\:ss", CultureInfo.InvariantCulture)} left";
        }

        return text;
    }

    /// <summary>The last report. Two reports that meet leave one of them, whole.</summary>
    private sealed class Latest : IProgress<ModelDownloadProgress>
    {
        private readonly Lock _gate = new();
        private ModelDownloadProgress _value;

        public ModelDownloadProgress Value
        {
            get
            {
                lock (_gate)
                    return _value;
            }
        }

        public void Report(ModelDownloadProgress value)
        {
            lock (_gate)
                _value = value;
        }
    }
}
