using System.CommandLine;
using System.CommandLine.Parsing;
using EmbeddedLlm.Gguf;

namespace EmbeddedLlm.Cli;

/// <summary><c>quantize</c>: a model with smaller weights.</summary>
internal sealed class QuantizeCommand(Terminal terminal)
{
    private readonly Argument<string> _source = new("IN") { Description = "The path of a .gguf file, with weights of 16 or 32 bits." };
    private readonly Argument<string> _destination = new("OUT") { Description = "The path of the file to write." };

    private readonly Argument<QuantizationType> _type = new("TYPE")
    {
        Description = $"How weights are stored: {string.Join(", ", Enum.GetNames<QuantizationType>())}.",
        HelpName = "TYPE",
        CustomParser = ParseType,
    };

    private readonly Option<bool> _overwrite = new("--overwrite") { Description = "Replace the file that is there." };
    private readonly Option<bool> _requantize = new("--requantize") { Description = "Quantise weights again that are quantised already, which loses more." };
    private readonly Option<int?> _threads = Numbers.Option("--threads", "The number of CPU threads that compute.", minimum: 1);

    public static Command Create(Terminal terminal)
    {
        QuantizeCommand quantize = new(terminal);
        Texts.RefuseEmpty(quantize._source);
        Texts.RefuseEmpty(quantize._destination);
        Command command = new("quantize", "Write a model anew with smaller weights.")
        {
            quantize._source, quantize._destination, quantize._type, quantize._overwrite, quantize._requantize, quantize._threads,
        };
        command.SetAction((result, _) => quantize.RunAsync(result));
        return command;
    }

    private async Task<int> RunAsync(ParseResult result)
    {
        using Interrupts interrupts = new();
        bool verbose = result.GetValue(Program.Verbose);
        string source = result.GetRequiredValue(_source);
        string destination = result.GetRequiredValue(_destination);
        QuantizationOptions options = new()
        {
            Overwrite = result.GetValue(_overwrite),
            AllowRequantization = result.GetValue(_requantize),
            Threads = result.GetValue(_threads),
            LoggerFactory = verbose ? new StandardErrorLog(terminal) : null,
        };
        QuantizationType type = result.GetRequiredValue(_type);
        await LoadBar.RunAsync(terminal, !verbose, QuantizeAsync, "Quantizing").ConfigureAwait(false);
        long before = GgufFile.OpenParts(source).Sum(file => file.Length ?? 0);
        terminal.Note($"{Quantity.OfBytes(before)} became {Quantity.OfBytes(new FileInfo(destination).Length)}.");
        return ExitCode.Success;

        async Task<bool> QuantizeAsync(IProgress<float> progress)
        {
            await ModelQuantizer.QuantizeAsync(source, destination, type, options, progress, interrupts.Token).ConfigureAwait(false);
            return true;
        }
    }

    // By name only: llama.cpp's numbers for them are nobody's business.
    private static QuantizationType ParseType(ArgumentResult result)
    {
        string text = result.Tokens[0].Value;
        foreach (QuantizationType type in Enum.GetValues<QuantizationType>())
        {
            if (string.Equals(text, type.ToString(), StringComparison.OrdinalIgnoreCase))
                return type;
        }

        result.AddError($"There is no type '{text}'; there are {string.Join(", ", Enum.GetNames<QuantizationType>())}.");
        return default;
    }
}
