using System.Globalization;
using EmbeddedLlm.ModelFuzz;

// Damages model files and loads each in a child process, for as long as one likes:
//   dotnet run --project tests/EmbeddedLlm.ModelFuzz -- fuzz [--seed N] [--seconds S] [--first N] [--files N] [--grown N] [--folder PATH]
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

    case "grow":
        using (FuzzRun run = new(seed: 0, folder, grownShare: 0, AppContext.BaseDirectory))
        {
            foreach ((string name, string answer) in await run.UseBasesAsync().ConfigureAwait(false))
                Console.WriteLine($"base {name}: {answer}");
            foreach ((string architecture, string answer) in await run.GrowAllAsync().ConfigureAwait(false))
                Console.WriteLine($"{architecture}: {answer}");
            return 0;
        }

    case "time":
        Console.WriteLine(await LoadTiming.MeasureAsync(args[1], folder).ConfigureAwait(false));
        return 0;

    default:
        await Console.Error.WriteLineAsync("fuzz, grow, time or host is expected.").ConfigureAwait(false);
        return 2;
}

string? Option(string name) => Array.IndexOf(args, "--" + name) is >= 0 and var index && index + 1 < args.Length ? args[index + 1] : null;

int Number(string name, int otherwise) => Option(name) is { } text ? int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture) : otherwise;
