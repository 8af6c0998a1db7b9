using System.CommandLine;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using System.Globalization;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using EmbeddedLlm.Benchmarks.Peers;
using EmbeddedLlm.Benchmarks.Report;
using EmbeddedLlm.Benchmarks.Results;
using EmbeddedLlm.Benchmarks.Subjects;
using EmbeddedLlm.Cli;
using EmbeddedLlm.SyntheticModels;

namespace EmbeddedLlm.Benchmarks;

/// <summary>The commands and their options.</summary>
internal static class Commands
{
    /// <summary>The exit code where a command cannot be run.</summary>
    public const int UsageError = 2;

    /// <summary>The exit code after Ctrl-C: 128 + SIGINT, as shells count.</summary>
    private const int Cancelled = 130;

    private const int MostCallers = 256;

    private static readonly Option<string[]> Models = CreateModels();
    private static readonly Option<string> Job = CreateJob();
    private static readonly Option<int?> Threads = Numbers.Option("--threads", "The CPU threads of all. Default: what the library chooses.", minimum: 1);
    private static readonly Option<KvCacheType> KvType = CreateKvType();
    private static readonly Option<bool?> FlashAttention = new("--flash-attention") { Description = "Whether attention is computed by the fused kernel. Default: where the device can." };
    private static readonly Option<int?> Poll = Numbers.Option(
        "--bare-poll", "Lets the bare loop keep its threads, spinning for the next decode from 0 (not at all) to 100. Default: new threads for every decode.", minimum: 0, maximum: 100);

    private static readonly Option<int?> Pairs = Numbers.Option(
        "--pairs", "How many samples, or pairs of them, of each measurement. Default: as many as fit into 8 seconds, from 5 to 301.", minimum: 1);

    private static readonly Option<int[]> Callers = CreateCallerCounts();

    /// <summary>The options that say what is measured with.</summary>
    private static Option[] Run => [Models, Job, Threads, KvType, FlashAttention, Poll];

    /// <summary>Runs what a command line asks for.</summary>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments)
    {
        // Long enough for a measurement to come to its end, and for what was measured to be written.
        InvocationConfiguration configuration = new() { ProcessTerminationTimeout = TimeSpan.FromMinutes(2), EnableDefaultExceptionHandler = false };
        try
        {
            ParseResult parsed = Create().Parse(arguments);
            if (ErrorsOf(parsed) is { Count: > 0 } errors)
            {
                foreach (string error in errors)
                    await Console.Error.WriteLineAsync(error);
                await Console.Error.WriteLineAsync("--help names the options.");
                return UsageError;
            }

            return await parsed.InvokeAsync(configuration);
        }
        catch (OperationCanceledException)
        {
            return Cancelled;
        }
        catch (Exception exception)
        {
            await Console.Error.WriteLineAsync(exception.ToString());
            return UsageError;
        }
    }

    /// <summary>What is wrong with a command line; nothing where help is asked for.</summary>
    private static IReadOnlyList<string> ErrorsOf(ParseResult parsed)
    {
        if (parsed.Action is not ParseErrorAction && parsed.Action != parsed.CommandResult.Command.Action)
            return [];
        IEnumerable<string> errors = parsed.Errors.Select(error => error.Message);
        // What the root does not know goes to BenchmarkDotNet; a command has nobody to pass on to, and a mistyped option would be as if it were not there.
        if (parsed.CommandResult.Command is not RootCommand)
            errors = errors.Concat(parsed.UnmatchedTokens.Select(token => $"'{token}' is not an option of '{parsed.CommandResult.Command.Name}'."));
        return [.. errors.Distinct()];
    }

    private static RootCommand Create()
    {
        RootCommand root = new("""
            The benchmarks of EmbeddedLlm. One command measures this machine: report --quick

            Whatever is not one of the commands below goes to BenchmarkDotNet:
              --list flat             names the suites
              --filter '*Decode*'     runs those that match
            """)
        {
            CreateReport(),
            CreateCompare(),
            CreateRender(),
            CreateFigures("ratio", "Measures the client and the bare loop in turns, and prints how they compare.", ReportSubjects.Prefill, ReportSubjects.Decode),
            CreateCallers(),
            CreateFigures("grammar-ratio", "Measures answers held to a schema and free ones in turns, and prints how they compare.", ReportSubjects.StructuredOutput),
            CreateGrammarMasks(),
            CreateSchemas(),
            ShapesCommand.Create(),
            CreatePeers(),
        };
        foreach (Option option in Run)
            root.Add(option);
        root.TreatUnmatchedTokensAsErrors = false;
        root.SetAction(arguments =>
        {
            string[] rest = [.. arguments.UnmatchedTokens];
            if (rest.Length == 0)
                return root.Parse("--help").Invoke();
            if (rest[0] is not ['-', ..])
            {
                Console.Error.WriteLine($"There is no command '{rest[0]}'. --help names them.");
                return UsageError;
            }

            RunSettings.Current = ReadSettings(arguments, isQuick: false);
            if (!rest.Contains("--list"))
                RunSettings.Current.FindDevices();
            Summary[] summaries = [.. BenchmarkSwitcher.FromAssembly(typeof(Commands).Assembly).Run(rest)];
            if (summaries.Length == 0)
                return rest.Contains("--list") || rest.Contains("--info") ? 0 : UsageError;
            return summaries.Any(summary => summary.HasCriticalValidationErrors || summary.Reports.Any(report => !report.Success)) ? 1 : 0;
        });
        return root;
    }

    private static Command CreateReport()
    {
        Option<bool> quick = new("--quick") { Description = "A first look in under three minutes: few cases, few samples." };
        Option<string> folder = new("--output") { Description = "The folder for the report, its charts and results.json. Default: a new one below benchmark-results.", DefaultValueFactory = _ => DefaultFolder() };
        Option<string[]> subjects = CreateSubjects();
        Command report = new("report", "Measures this machine, and writes a page with tables and charts, and a file to compare with the next.") { quick, folder, subjects, Pairs, Callers };
        foreach (Option option in Run)
            report.Add(option);
        report.SetAction((arguments, cancellationToken) =>
        {
            bool isQuick = arguments.GetValue(quick);
            return FailingAsync(() => ReportCommand.RunAsync(
                ReadSettings(arguments, isQuick),
                ReportSubjects.Choose(arguments.GetValue(subjects) ?? [], isQuick),
                arguments.GetValue(folder)!,
                ResultFile.CommandOf(arguments.Tokens.Select(token => token.Value)),
                Console.Out,
                cancellationToken));
        });
        return report;
    }

    private static Command CreateCompare()
    {
        Argument<string> old = new("OLD") { Description = "The results.json of before." };
        Argument<string> now = new("NEW") { Description = "The results.json of now." };
        Option<double?> tolerance = Numbers.Option("--tolerance", "The part by which a figure may get worse. Default: 0.05.", minimum: 0.0, maximum: 1.0);
        Option<bool> acrossMachines = new("--across-machines") { Description = "Compares the results of different machines too." };
        Command compare = new("compare", "Compares two files of results. Exit code 1: a figure is worse than the tolerance and its own spread explain; 2: the files cannot be compared.") { old, now, tolerance, acrossMachines };
        compare.SetAction(arguments => CompareCommand.Run(
            arguments.GetValue(old)!, arguments.GetValue(now)!, arguments.GetValue(tolerance) ?? 0.05, arguments.GetValue(acrossMachines), Console.Out, Console.Error));
        return compare;
    }

    private static Command CreateRender()
    {
        Argument<string[]> files = new("RESULTS") { Description = "Files of results of one machine, without figures that are in two of them.", Arity = ArgumentArity.OneOrMore };
        Option<string> folder = new("--output") { Description = "The folder for the page, its charts and results.json.", Required = true };
        Command render = new("render", "Makes the page and the charts of files of results.") { files, folder };
        render.SetAction(arguments => ReportCommand.Render(arguments.GetValue(files)!, arguments.GetValue(folder)!, Console.Error));
        return render;
    }

    private static Command CreateCallers()
    {
        string[] all = [ReportSubjects.Batching, ReportSubjects.Latency, ReportSubjects.PrefixReuse, ReportSubjects.Neighbours];
        Option<string[]> parts = new("--part") { Description = $"What to measure: {string.Join(", ", all)}. May be repeated. Default: all.", DefaultValueFactory = _ => all };
        parts.AcceptOnlyFromAmong(all);
        Command callers = CreateFigures(
            "callers", "Measures many callers, long chats and busy neighbours: throughput beside the bare loop, latencies, the second turn, threads.", arguments => arguments.GetValue(parts)!);
        callers.Add(parts);
        callers.Add(Callers);
        return callers;
    }

    private static Command CreateFigures(string name, string description, params string[] subjects) => CreateFigures(name, description, _ => subjects);

    private static Command CreateFigures(string name, string description, Func<ParseResult, string[]> subjects)
    {
        Command command = new(name, description) { Pairs };
        foreach (Option option in Run)
            command.Add(option);
        command.SetAction((arguments, cancellationToken) => FailingAsync(() => FiguresCommand.RunAsync(
            ReadSettings(arguments, isQuick: false), ReportSubjects.Choose(subjects(arguments), isQuick: false), Console.Out, cancellationToken)));
        return command;
    }

    private static Command CreatePeers()
    {
        Option<string[]> only = new("--only")
        {
            Description = $"Whom to measure beside the library: {string.Join(", ", PeerComparison.Names.Skip(1))}. May be repeated. Default: all that are there.",
            DefaultValueFactory = _ => [],
        };
        only.AcceptOnlyFromAmong([.. PeerComparison.Names]);
        Option<int?> rounds = Numbers.Option("--rounds", "How many rounds of each measurement. Default: as many as fit into half a minute, from 3 to 15.", minimum: 1);
        Command peers = new("peers", "Measures the library beside node-llama-cpp, llama-server, llama-bench, Ollama and a bare loop in turns, with the same file, threads and prompts; those that are not there are named.")
        {
            only, rounds,
        };
        foreach (Option option in Run)
            peers.Add(option);
        peers.SetAction((arguments, cancellationToken) => FailingAsync(() => FiguresCommand.RunAsync(
            ReadSettings(arguments, isQuick: false) with { Rounds = arguments.GetValue(rounds) },
            [new ReportSubject(ReportSubjects.Peers, "", (settings, cancellation) => PeersSubject.MeasureAsync(settings, arguments.GetValue(only)!, cancellation))],
            Console.Out,
            cancellationToken)));
        return peers;
    }

    private static Command CreateGrammarMasks()
    {
        Option<string> vocabulary = new("--vocabulary")
        {
            Description = "A vocabulary in ../shared/data/vocab; one of Qwen2.5's size is made up where it is not there.",
            DefaultValueFactory = _ => GrammarSubject.DefaultVocabulary,
        };
        Option<int?> limit = Numbers.Option("--limit", "How many schemas. Default: all.", minimum: 1);
        Command masks = new("grammar-masks", "Measures the masks and the compilation of many JSON schemas: MaskBench's in ../shared/data/schemas, else built-in ones.") { vocabulary, limit };
        masks.SetAction((arguments, cancellationToken) => FailingAsync(() => FiguresCommand.RunAsync(
            new RunSettings(),
            [new ReportSubject(ReportSubjects.Grammar, "", (settings, cancel) => GrammarSubject.MeasureAsync(settings, arguments.GetValue(vocabulary)!, arguments.GetValue(limit), cancel)) { IsPerModel = false }],
            Console.Out,
            cancellationToken)));
        return masks;
    }

    private static Command CreateSchemas()
    {
        Option<int?> failures = Numbers.Option("--failures", "How many schemas of each kind of failure to name. Default: none.", minimum: 0);
        Command schemas = new("schemas", "Scores JSON schemas over MaskBench's development set and the JSON Schema Test Suite, where they lie in ../shared.") { failures };
        schemas.SetAction(arguments => SchemaScoreCommand.Run(arguments.GetValue(failures) ?? 0));
        return schemas;
    }

    private static Option<string[]> CreateModels()
    {
        Option<string[]> models = new("--model")
        {
            Description = $"A model: a name in the catalogue, the path of a .gguf file, or {SyntheticChoice.Prefix}SHAPE[:MIX], which has random weights. {SyntheticChoice.Known} May be repeated.",
            DefaultValueFactory = _ => [BenchmarkFiles.Qwen25Of500M, BenchmarkFiles.Starter],
        };
        models.Validators.Add(result =>
        {
            foreach (string fault in result.Tokens.Select(token => BenchmarkFiles.FaultOf(token.Value)).OfType<string>())
                result.AddError(fault);
            // Figures name a file without its folder.
            foreach (IGrouping<string, string> same in result.Tokens.Select(token => token.Value).Distinct().GroupBy(BenchmarkFiles.NameOf).Where(same => same.Count() > 1))
                result.AddError($"In the figures {string.Join(" and ", same)} would all be '{same.Key}'. Rename one, or measure them in runs of their own.");
        });
        return models;
    }

    private static Option<string> CreateJob()
    {
        Option<string> job = new("--job") { Description = $"Where to compute: {string.Join(", ", RunSettings.Devices)}. For a GPU, start with 'dotnet run -c Release -p:EmbeddedLlmGpu=cuda' or vulkan.", DefaultValueFactory = _ => RunSettings.Devices[0] };
        job.AcceptOnlyFromAmong([.. RunSettings.Devices]);
        return job;
    }

    private static Option<KvCacheType> CreateKvType()
    {
        Option<KvCacheType> type = new("--kv-type") { Description = "The type in which the KV cache keeps keys and values. Default: F16." };
        type.AcceptOnlyFromAmong(StringComparer.OrdinalIgnoreCase, Enum.GetNames<KvCacheType>());
        return type;
    }

    private static Option<int[]> CreateCallerCounts()
    {
        return new Option<int[]>("--callers") { Description = "How many callers come at once, one number or several. Default: 1 to 32.", CustomParser = Parse, AllowMultipleArgumentsPerToken = true };

        static int[] Parse(ArgumentResult result)
        {
            List<int> counts = [];
            foreach (string text in result.Tokens.Select(token => token.Value))
            {
                if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int count) && count is >= 1 and <= MostCallers)
                    counts.Add(count);
                else
                    result.AddError($"There are 1 to {MostCallers} callers, not '{text}'.");
            }

            return [.. counts];
        }
    }

    private static Option<string[]> CreateSubjects()
    {
        string[] names = [.. ReportSubjects.All.Select(subject => subject.Name)];
        Option<string[]> subjects = new("--subject")
        {
            Description = $"What to measure, one name or several. Default: all. {string.Join("; ", ReportSubjects.All.Select(subject => $"{subject.Name}: {subject.Description}"))}.",
            AllowMultipleArgumentsPerToken = true,
        };
        subjects.AcceptOnlyFromAmong(names);
        return subjects;
    }

    private static RunSettings ReadSettings(ParseResult arguments, bool isQuick)
    {
        RunSettings settings = new()
        {
            Models = [.. arguments.GetValue(Models)!.Distinct()],
            Device = arguments.GetValue(Job)!,
            Threads = arguments.GetValue(Threads),
            KvType = arguments.GetValue(KvType),
            FlashAttention = arguments.GetValue(FlashAttention),
            Poll = arguments.GetValue(Poll),
            IsQuick = isQuick,
            Budget = arguments.GetValue(Pairs) is { } pairs ? SampleBudget.Exactly(pairs) : isQuick ? SampleBudget.Quick : SampleBudget.Thorough,
        };
        if (isQuick)
            settings = settings with { Callers = [1, 8] };
        return arguments.GetValue(Callers) is { Length: > 0 } callers ? settings with { Callers = [.. callers.Distinct()] } : settings;
    }

    private static string DefaultFolder() => Path.Combine("benchmark-results", DateTimeOffset.Now.ToString("yyyy-MM-dd-HHmmss", CultureInfo.InvariantCulture));

    /// <summary>What a user can do something about is a line on standard error, not a stack.</summary>
    private static async Task<int> FailingAsync(Func<Task<int>> run)
    {
        try
        {
            return await run();
        }
        catch (Exception exception) when (exception is InvalidOperationException or IOException or UnauthorizedAccessException or ArgumentException or EmbeddedLlmException)
        {
            await Console.Error.WriteLineAsync(exception.Message);
            return 2;
        }
    }
}
