using System.Globalization;
using EmbeddedLlm.ModelFuzz;

// Damages model files and loads each in a child process, for as long as one likes; ends with 1 where a file ended the child, or kept it waiting. "fuzz" damages at random. "sweep" leaves out no key and
// no tensor of any architecture and gives each its boundary values, one at a time, with --add 1 also the keys and tensors that a model does not have (many hours; without it one or two). "use" damages nothing: it uses a model
// of each architecture at length, with one option after the other.
//   dotnet run --project tests/EmbeddedLlm.ModelFuzz -- fuzz [--seed N] [--seconds S] [--first N] [--files N] [--grown N] [--folder PATH]
//   dotnet run --project tests/EmbeddedLlm.ModelFuzz -- sweep [--only NAME,NAME] [--add 1] [--quantize 1] [--jobs N] [--limit S] [--seconds S] [--folder PATH]
//   dotnet run --project tests/EmbeddedLlm.ModelFuzz -- use [--only NAME,NAME] [--heads N] [--jobs N] [--limit S] [--seconds S] [--folder PATH]
//   dotnet run --project tests/EmbeddedLlm.ModelFuzz -- grow [--folder PATH]
//   dotnet run --project tests/EmbeddedLlm.ModelFuzz -- time FILE [--folder PATH]
string folder = Option("folder") ?? Path.Combine(Path.GetTempPath(), $"embeddedllm-fuzz-{Environment.ProcessId}");
switch (args.FirstOrDefault())
{
    case "host":
        return await ModelHost.RunAsync().ConfigureAwait(false);

    case "fuzz":
        using (FuzzRun run = new(Number("seed", 1), folder, Number("grown", 4), AppContext.BaseDirectory))
        {
            FuzzReport report = await run.RunAsync(TimeSpan.FromSeconds(Number("seconds", 60)), Number("first", 0), Number("files", int.MaxValue), Console.WriteLine).ConfigureAwait(false);
            Console.WriteLine($"{report.Files} files: {report.Used} used, {report.Refused} refused, {report.Failures.Count} failures.");
            return report.Failures.Count == 0 ? 0 : 1;
        }

    case "sweep":
        string[] only = Option("only")?.Split(',') ?? [];
        using (CancellationTokenSource time = new(TimeSpan.FromSeconds(Number("seconds", 7 * 24 * 3600))))
        {
            SweepRun sweep = new(folder, AppContext.BaseDirectory, TimeSpan.FromSeconds(Number("limit", 60)));
            FuzzReport report = await sweep.RunAsync(only, Number("add", 0) != 0, Number("jobs", 1), Console.WriteLine, Number("quantize", 0) != 0, time.Token).ConfigureAwait(false);
            Console.WriteLine($"{report.Files} files: {report.Used} used, {report.Refused} refused, {report.Failures.Count} failures.");
            return report.Failures.Count == 0 ? 0 : 1;
        }

    case "grow":
        using (FuzzRun run = new(seed: 0, folder, grownShare: 0, AppContext.BaseDirectory))
        {
            foreach ((string name, string answer) in await run.UseBasesAsync().ConfigureAwait(false))
                Console.WriteLine($"base {name}: {answer}");
            foreach ((string architecture, string answer) in await run.GrowAllAsync().ConfigureAwait(false))
                Console.WriteLine($"{architecture}: {answer}");
            return 0;
        }

    case "use":
        using (CancellationTokenSource time = new(TimeSpan.FromSeconds(Number("seconds", 7 * 24 * 3600))))
        {
            UseRun use = new(folder, AppContext.BaseDirectory, TimeSpan.FromSeconds(Number("limit", 120)), Number("heads", 16));
            FuzzReport report = await use.RunAsync(Option("only")?.Split(',') ?? [], Number("jobs", 1), Console.WriteLine, time.Token).ConfigureAwait(false);
            Console.WriteLine($"{report.Files} uses: {report.Used} used, {report.Refused} refused, {report.Failures.Count} failures.");
            return report.Failures.Count == 0 ? 0 : 1;
        }

    case "time":
        Console.WriteLine(await LoadTiming.MeasureAsync(args[1], folder).ConfigureAwait(false));
        return 0;

    default:
        await Console.Error.WriteLineAsync("fuzz, sweep, use, grow, time or host is expected.").ConfigureAwait(false);
        return 2;
}

string? Option(string name) => Array.IndexOf(args, "--" + name) is >= 0 and var index && index + 1 < args.Length ? args[index + 1] : null;

int Number(string name, int otherwise) => Option(name) is { } text ? int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture) : otherwise;
