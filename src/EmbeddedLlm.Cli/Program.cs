using System.CommandLine;

namespace EmbeddedLlm.Cli;

/// <summary>The entry point: parses, runs the command, and turns what went wrong into one line and an exit code.</summary>
internal static class Program
{
    /// <summary>Whether to show the log and, on failure, where it happened.</summary>
    public static Option<bool> Verbose { get; } = new("--verbose", "-v")
    {
        Description = "Show the log, llama.cpp's included, on standard error.",
        Recursive = true,
    };

    public static async Task<int> Main(string[] args)
    {
        using Terminal terminal = Terminal.Open();
        ParseResult result = CreateRoot(terminal).Parse(args);
        if (Usage.ErrorsOf(result) is { Count: > 0 } errors)
            return Usage.Report(terminal, result, errors);

        try
        {
            // Neither the exceptions nor Ctrl-C are left to System.CommandLine: a chat takes Ctrl-C for the answer, not for the program.
            return await result.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null }).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return ExitCode.Cancelled;
        }
        catch (IOException exception) when (Terminal.IsBrokenPipe(exception))
        {
            return ExitCode.BrokenPipe;
        }
        catch (Exception exception)
        {
            terminal.Fail(Failure.Describe(exception, result.GetValue(Verbose)));
            return ExitCode.Failure;
        }
    }

    private static RootCommand CreateRoot(Terminal terminal)
    {
        RootCommand root = new("Chat with GGUF models, in this process, through llama.cpp.")
        {
            BenchCommand.Create(terminal),
            ChatCommand.Create(terminal),
            CompleteCommand.Create(terminal),
            DevicesCommand.Create(terminal),
            FitCommand.Create(terminal),
            GenerateCommand.Create(terminal),
            GrammarCommand.Create(terminal),
            InfoCommand.Create(terminal),
            ListCommand.Create(terminal),
            PullCommand.Create(terminal),
            RemoveCommand.Create(terminal),
            VerifyCommand.Create(terminal),
            InspectCommand.Create(terminal),
            RecommendCommand.Create(terminal),
            QuantizeCommand.Create(terminal),
            Verbose,
        };
        root.HelpName = Usage.ProgramName;
        root.SetAction(_ =>
        {
            root.Parse("--help").Invoke(new InvocationConfiguration { Output = Console.Error });
            return ExitCode.Usage;
        });
        return root;
    }
}
