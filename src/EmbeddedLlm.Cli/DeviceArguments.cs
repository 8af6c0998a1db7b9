using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace EmbeddedLlm.Cli;

/// <summary>The options that choose GPUs.</summary>
internal sealed class DeviceArguments
{
    private readonly Option<string[]> _devices = new("--device")
    {
        Description = "A GPU that holds layers, by its name or its backend's, such as CUDA0 or Vulkan; CPU for none. May be given several times. 'devices' lists them.",
        HelpName = "NAME",
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = false,
    };

    private readonly Option<DeviceSplit> _split = new("--split")
    {
        Description = "Whether layers are spread over several GPUs, or one holds them all.",
        DefaultValueFactory = _ => DeviceSplit.Layers,
    };

    private readonly Option<float[]> _shares = new("--share")
    {
        Description = "The share of the layers that a GPU gets, one for each GPU; by free memory where left out.",
        HelpName = "NUMBER",
        CustomParser = ParseShares,
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = false,
    };

    private readonly Option<int?> _gpuLayers = Numbers.Option("--gpu-layers", "How many of the model's layers GPUs hold; 0 for none, as many as fit where left out.", minimum: 0);

    public DeviceArguments()
    {
        // Numbers would be taken for names too.
        _split.AcceptOnlyFromAmong(StringComparer.OrdinalIgnoreCase, Enum.GetNames<DeviceSplit>());
    }

    public void AddTo(Command command)
    {
        command.Add(_gpuLayers);
        command.Add(_devices);
        command.Add(_split);
        command.Add(_shares);
    }

    public void ApplyTo(EmbeddedModelOptions options, ParseResult result)
    {
        options.GpuLayers = result.GetValue(_gpuLayers);
        options.Devices = result.GetValue(_devices) is { Length: > 0 } devices ? devices : null;
        options.DeviceSplit = result.GetValue(_split);
        options.DeviceShares = result.GetValue(_shares) is { Length: > 0 } shares ? shares : null;
    }

    /// <summary>Says which backends that are installed cannot be used, to those who have not asked for the CPU alone.</summary>
    public static void WarnOfUnusable(EmbeddedModelOptions options, Terminal terminal)
    {
        if (options.GpuLayers == 0 || options.Devices is [var only] && only.Equals("CPU", StringComparison.OrdinalIgnoreCase))
            return;
        foreach (UnusableBackend backend in EmbeddedRuntime.Describe(options.NativeLibraryFolder).UnusableBackends)
            terminal.Note($"warning: {backend}");
    }

    private static float[] ParseShares(ArgumentResult result)
    {
        List<float> shares = [];
        foreach (string text in result.Tokens.Select(token => token.Value))
        {
            if (float.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out float share) && float.IsFinite(share) && share >= 0)
                shares.Add(share);
            else
                result.AddError($"--share takes a number of at least 0, not '{text}'.");
        }

        return [.. shares];
    }
}
