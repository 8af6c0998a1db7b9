using Spectre.Console;

namespace EmbeddedLlm.Cli;

/// <summary>A progress bar for a load that takes long enough to wonder about. It leaves nothing on the screen.</summary>
internal static class LoadBar
{
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(200);

    /// <param name="terminal">Where the bar appears, if it is a terminal.</param>
    /// <param name="isShown">Whether there may be a bar at all.</param>
    /// <param name="load">Starts the load.</param>
    /// <param name="title">What goes on.</param>
    public static Task<T> RunAsync<T>(Terminal terminal, bool isShown, Func<IProgress<float>, Task<T>> load, string title = "Loading")
    {
        Fraction fraction = new();
        return LiveBar.RunAsync(terminal, isShown, load(fraction), Patience, title, Draw, LiveBar.Share);

        void Draw(ProgressTask bar)
        {
            // The header and the vocabulary come before the weights, and nobody counts them.
            bar.IsIndeterminate = fraction.Value == 0;
            bar.Value = fraction.Value * bar.MaxValue;
        }
    }

    /// <summary>The last reported fraction; a load reports far more often than a bar is drawn.</summary>
    private sealed class Fraction : IProgress<float>
    {
        private volatile float _value;

        public float Value => _value;

        public void Report(float value) => _value = value;
    }
}
