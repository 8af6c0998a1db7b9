using System.CommandLine;
using System.Globalization;

namespace EmbeddedLlm.Cli;

/// <summary><c>recommend</c>: the models of the catalogue that this machine can run.</summary>
internal sealed class RecommendCommand(Terminal terminal)
{
    private readonly Option<int?> _context = Numbers.Option("--context", "The context that each has to have room for, in tokens.", minimum: 2);

    public static Command Create(Terminal terminal)
    {
        RecommendCommand recommend = new(terminal);
        Command command = new("recommend", "List the models of the catalogue that this machine can run, the best first.") { recommend._context };
        command.SetAction((result, _) => recommend.RunAsync(result));
        return command;
    }

    private async Task<int> RunAsync(ParseResult result)
    {
        using Interrupts interrupts = new();
        EmbeddedModelOptions options = new() { MaxSequences = 1, ContextLength = result.GetValue(_context) };
        IReadOnlyList<ModelRecommendation> models = await EmbeddedModel.RecommendAsync(options, interrupts.Token).ConfigureAwait(false);
        if (models.Count == 0)
        {
            terminal.Fail("No model of the catalogue fits into the memory that is free.");
            return ExitCode.Failure;
        }

        Columns table = new("Model", "Parameters", "Memory", "Tokens/s, about", "Description");
        foreach (ModelRecommendation model in models)
        {
            table.Add(
                model.Name,
                Quantity.Of(model.Parameters),
                (model.IsEstimate ? "about " : "") + Quantity.OfBytes(model.MemoryBytes),
                model.TokensPerSecond is { } speed ? speed.ToString(speed < 10 ? "0.0" : "N0", CultureInfo.InvariantCulture) : "GPU",
                model.Description);
        }

        table.WriteTo(terminal);
        return ExitCode.Success;
    }
}
