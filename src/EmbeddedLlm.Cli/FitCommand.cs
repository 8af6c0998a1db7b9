using System.CommandLine;
using System.Globalization;

namespace EmbeddedLlm.Cli;

/// <summary><c>fit</c>: the memory that a model takes, without loading it.</summary>
internal sealed class FitCommand(Terminal terminal)
{
    private readonly Argument<string> _model = InspectCommand.ModelArgument();
    private readonly Option<int?> _context = Numbers.Option("--context", "The longest prompt and answer together, in tokens.", minimum: 2);
    private readonly Option<int?> _cache = Numbers.Option("--cache", "The KV cache's size, in tokens.", minimum: 2);
    private readonly Option<int?> _sequences = Numbers.Option("--sequences", "How many requests are computed together; 1 where left out.", minimum: 1, maximum: 256);
    private readonly Option<int?> _batch = Numbers.Option("--batch", "The most tokens computed in one step.", minimum: 1);
    private readonly DeviceArguments _gpus = new();
    private readonly Option<KvCacheType> _keys = new("--keys") { Description = "The type of the cached keys.", DefaultValueFactory = _ => KvCacheType.F16 };
    private readonly Option<KvCacheType> _values = new("--values") { Description = "The type of the cached values.", DefaultValueFactory = _ => KvCacheType.F16 };
    private readonly Option<bool> _plainAttention = new("--no-flash-attention") { Description = "Compute attention in steps, which needs memory for the products of all queries and keys." };
    private readonly Option<int?> _memory = Numbers.Option("--memory", "The main memory that there is, in MiB; what is free where left out.", minimum: 0);

    public static Command Create(Terminal terminal)
    {
        FitCommand fit = new(terminal);
        foreach (Option<KvCacheType> type in (Option<KvCacheType>[])[fit._keys, fit._values])
            type.AcceptOnlyFromAmong(StringComparer.OrdinalIgnoreCase, Enum.GetNames<KvCacheType>());
        Command command = new("fit", "Tell what memory a model takes and whether it fits, from its header alone. The exit code is 0 if it fits, 1 if not.")
        {
            fit._model, fit._context, fit._cache, fit._sequences, fit._batch, fit._keys, fit._values, fit._plainAttention, fit._memory,
        };
        fit._gpus.AddTo(command);
        command.SetAction((result, _) => fit.RunAsync(result));
        return command;
    }

    private async Task<int> RunAsync(ParseResult result)
    {
        using Interrupts interrupts = new();
        EmbeddedModelOptions options = new()
        {
            MaxSequences = result.GetValue(_sequences) ?? 1,
            ContextLength = result.GetValue(_context),
            CacheLength = result.GetValue(_cache),
            BatchSize = result.GetValue(_batch),
            KeyCacheType = result.GetValue(_keys),
            ValueCacheType = result.GetValue(_values),
            FlashAttention = result.GetValue(_plainAttention) ? false : null,
            MemoryLimit = result.GetValue(_memory) is { } mebibytes ? (long)mebibytes << 20 : null,
        };
        _gpus.ApplyTo(options, result);
        MemoryPlan plan = await EmbeddedModel.PlanAsync(result.GetRequiredValue(_model), options, interrupts.Token).ConfigureAwait(false);
        Write(plan);
        return plan.Fits ? ExitCode.Success : ExitCode.Failure;
    }

    private void Write(MemoryPlan plan)
    {
        Columns devices = new("Device", "Weights", "KV cache", "States", "Compute", "Logits", "Total", "Free", "Fits");
        foreach (DeviceMemoryPlan device in plan.Devices)
        {
            devices.Add(
                device.Device,
                Quantity.OfBytes(device.Weights),
                Quantity.OfBytes(device.KvCache),
                Quantity.OfBytes(device.States),
                Quantity.OfBytes(device.Compute),
                Quantity.OfBytes(device.Output),
                Quantity.OfBytes(device.Total),
                device.Available is { } available ? Quantity.OfBytes(available) : "unknown",
                device.Fits ? "yes" : "no");
        }

        devices.WriteTo(terminal);
        terminal.Output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"Context {plan.ContextLength:N0} tokens, KV cache {plan.CacheLength:N0} tokens, {plan.GpuLayers} of {plan.Layers} layers on GPUs. Largest context that fits: {plan.LargestContextLength:N0} tokens."));
    }
}
