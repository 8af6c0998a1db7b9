using System.CommandLine;
using System.CommandLine.Parsing;
using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Text.Json;
using EmbeddedLlm.Benchmarks;
using EmbeddedLlm.Benchmarks.Results;

namespace EmbeddedLlm.Cli;

/// <summary><c>bench</c>: how fast a model is on this machine, what memory it takes, and what its tokens cost.</summary>
internal sealed class BenchCommand(Terminal terminal)
{
    /// <summary>Enough for every prompt and answer that is measured.</summary>
    private const int DefaultContext = 1024;

    private const int MostLoads = 3;

    private readonly ModelArguments _model = new(chats: false, isNamedByArgument: true);

    private readonly Argument<string> _name = new("MODEL")
    {
        Description = "A name in the catalogue, or the path of a .gguf file.",
        HelpName = "MODEL",
        DefaultValueFactory = _ => "starter",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<double?> _seconds = Numbers.Option("--seconds", "The time for each measurement; one that needs more to be done three times may take up to four times as long. 5 where left out.", minimum: 0.0, isAboveMinimum: true, maximum: 3600.0);
    private readonly Option<double?> _hourlyCost = Numbers.Option("--hourly-cost", "What the machine costs an hour: shows the price of a million tokens.", minimum: 0.0, isAboveMinimum: true);

    private readonly Option<ApiPrice?> _apiPrice = new("--api-price")
    {
        Description = "What a million tokens of input and of output cost at an API, to be compared; needs --hourly-cost.",
        HelpName = "IN,OUT",
        CustomParser = ParseApiPrice,
    };

    private readonly Option<bool> _json = new("--json") { Description = "Write the figures in JSON, as this project's benchmarks do." };

    public static Command Create(Terminal terminal)
    {
        BenchCommand bench = new(terminal);
        Texts.RefuseEmpty(bench._name);
        Command command = new("bench", "Measure how fast a model is on this machine: load, prompts, answers, several callers, JSON. Takes up to a minute or so.") { bench._name };
        bench._model.AddTo(command);
        command.Add(bench._seconds);
        command.Add(bench._hourlyCost);
        command.Add(bench._apiPrice);
        command.Add(bench._json);
        command.Validators.Add(result =>
        {
            if (result.GetResult(bench._apiPrice) is not null && result.GetResult(bench._hourlyCost) is null)
                result.AddError("--api-price needs --hourly-cost, to have something to be compared with.");
        });
        command.SetAction((result, _) => bench.RunAsync(result));
        return command;
    }

    private async Task<int> RunAsync(ParseResult result)
    {
        using Interrupts interrupts = new();
        string name = result.GetRequiredValue(_name);
        bool isVerbose = result.GetValue(Program.Verbose);
        TimeSpan budget = TimeSpan.FromSeconds(result.GetValue(_seconds) ?? 5);
        BenchPrice? price = result.GetValue(_hourlyCost) is { } cost ? new BenchPrice(cost, result.GetValue(_apiPrice)) : null;

        EmbeddedModelOptions options = _model.CreateOptions(result, terminal);
        options.MaxSequences = BenchFigures.ManyCallers;
        // What is kept of earlier prompts would save whole prompts, and cost the answers a little.
        options.PrefixCacheLength = 0;
        options.ContextLength ??= Math.Min(DefaultContext, (await EmbeddedModel.PlanAsync(name, options, interrupts.Token).ConfigureAwait(false)).ContextLength);
        MemoryPlan plan = await EmbeddedModel.PlanAsync(name, options, interrupts.Token).ConfigureAwait(false);

        (EmbeddedModel model, Spread loads) = await LoadAsync(name, options, budget, !isVerbose, interrupts.Token).ConfigureAwait(false);
        await using (model.ConfigureAwait(false))
        {
            if (!isVerbose)
                DeviceArguments.WarnOfUnusable(options, terminal);
            RuntimeDescription runtime = EmbeddedRuntime.Describe(options.NativeLibraryFolder);
            FigureTemplate template = new(File.Exists(name) ? Path.GetFileName(name) : name, MachineFacts.DeviceOf(plan, runtime), model.Threads);
            BenchBar bar = new();
            BenchRun run = new(new BenchSubject(model), template, budget, bar, interrupts.Token);
            IReadOnlyList<Figure> speeds = await bar.RunAsync(terminal, !isVerbose, run.MeasureAsync).ConfigureAwait(false);
            Figure[] figures = [template.Of(BenchFigures.Load, "from the file", FigureUnit.Milliseconds, loads), .. speeds, .. MemoryOf(template, plan)];
            ResultFile results = new()
            {
                Date = DateTimeOffset.UtcNow,
                Machine = MachineFacts.Of(runtime),
                Versions = new Dictionary<string, string> { ["EmbeddedLlm"] = LibraryVersion(), ["llama.cpp"] = runtime.Version, [".NET"] = Environment.Version.ToString() },
                Command = ResultFile.CommandOf([Usage.ProgramName, .. result.Tokens.Select(token => token.Value)]),
                Remarks = run.Remarks,
                Figures = [.. figures, .. PricesOf(template, price, figures)],
            };
            if (result.GetValue(_json))
                terminal.Output.WriteLine(JsonSerializer.Serialize(results, ResultFileJson.Default.ResultFile));
            else
                new BenchReport(terminal).Write(model, plan, results, price);
        }

        return ExitCode.Success;
    }

    /// <summary>Loads the model some times, if there is time for it.</summary>
    private async Task<(EmbeddedModel Model, Spread Milliseconds)> LoadAsync(string name, EmbeddedModelOptions options, TimeSpan budget, bool isShown, CancellationToken cancellationToken)
    {
        List<double> times = [];
        while (true)
        {
            EmbeddedModel model = await LoadBar.RunAsync(terminal, isShown, LoadOnceAsync).ConfigureAwait(false);
            if (times.Count == MostLoads || times.Sum() + times.Max() > budget.TotalMilliseconds)
                return (model, Spread.Of(times));
            await model.DisposeAsync().ConfigureAwait(false);
        }

        async Task<EmbeddedModel> LoadOnceAsync(IProgress<float> progress)
        {
            long start = Stopwatch.GetTimestamp();
            EmbeddedModel model = await EmbeddedModel.LoadAsync(name, options, progress, cancellationToken).ConfigureAwait(false);
            times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            return model;
        }
    }

    private static IEnumerable<Figure> MemoryOf(FigureTemplate template, MemoryPlan plan)
    {
        foreach (DeviceMemoryPlan device in plan.Devices)
            yield return template.Of(BenchFigures.Memory, $"planned, {device.Device}", FigureUnit.Mebibytes, Mebibytes(device.Total));
        using Process process = Process.GetCurrentProcess();
        // Not every system tells it.
        if (process.PeakWorkingSet64 is > 0 and var peak)
            yield return template.Of(BenchFigures.Memory, "peak", FigureUnit.Mebibytes, Mebibytes(peak));
    }

    private static IEnumerable<Figure> PricesOf(FigureTemplate template, BenchPrice? price, IReadOnlyList<Figure> figures)
    {
        foreach (PriceRow row in price?.RowsOf(figures) ?? [])
        {
            Figure figure = template.Of(BenchFigures.Price, row.Case, FigureUnit.PricePerMillionTokens, row.PerMillion);
            if (row.ApiPerMillion is { } api)
            {
                figure = figure with { Remark = $"Cheaper than the API from: {BenchReport.BreakEven(price!, row, api)}" };
                yield return figure with { Contender = "API", Value = api, Remark = null };
            }

            yield return figure;
        }
    }

    private static double Mebibytes(long bytes) => bytes / (double)(1 << 20);

    private static string LibraryVersion() =>
        typeof(EmbeddedModel).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";

    private static ApiPrice? ParseApiPrice(ArgumentResult result)
    {
        string text = result.Tokens[0].Value;
        string[] parts = text.Split(',');
        if (parts.Length == 2 && TryParse(parts[0], out double input) && TryParse(parts[1], out double output))
            return new ApiPrice(input, output);
        result.AddError($"--api-price takes two numbers of at least 0 with a comma between them, such as 0.15,0.60, not '{text}'.");
        return null;
    }

    private static bool TryParse(string text, out double value) =>
        double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out value) && double.IsFinite(value);
}
