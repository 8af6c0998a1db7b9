using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace EmbeddedLlm.Cli;

/// <summary>The options of every command that loads a model.</summary>
/// <param name="chats">Whether the command chats with it.</param>
/// <param name="isNamedByArgument">Whether an argument of the command's own names it, in place of an option.</param>
internal sealed class ModelArguments(bool chats, bool isNamedByArgument = false)
{
    private readonly Option<string> _model = new("--model", "-m")
    {
        Description = "A name in the catalogue, or the path of a .gguf file.",
        HelpName = "NAME|PATH",
        DefaultValueFactory = _ => "starter",
    };

    private readonly Option<int?> _context = Numbers.Option("--context", "The longest prompt and answer together, in tokens.", minimum: 2);
    private readonly Option<int?> _threads = Numbers.Option("--threads", "The number of CPU threads that compute.", minimum: 1);
    private readonly DeviceArguments _devices = new();

    private readonly Option<LoraAdapter[]> _adapters = new("--lora")
    {
        Description = "A LoRA adapter to load with the model, and how strongly it works; 1 if left out. May be given several times.",
        HelpName = "PATH[:SCALE]",
        CustomParser = ParseAdapters,
        DefaultValueFactory = _ => [],
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = false,
    };

    private readonly Option<string?> _nativeFolder = new("--native-dir")
    {
        Description = "The folder that holds llama.cpp's libraries.",
        HelpName = "FOLDER",
    };

    private readonly Option<bool> _chatMl = new("--chatml")
    {
        Description = "Use ChatML where the model has no usable chat template.",
    };

    public void AddTo(Command command)
    {
        Texts.RefuseEmpty(_model);
        if (!isNamedByArgument)
            command.Add(_model);
        command.Add(_context);
        command.Add(_threads);
        _devices.AddTo(command);
        command.Add(_adapters);
        command.Add(_nativeFolder);
        if (chats)
            command.Add(_chatMl);
    }

    /// <summary>Loads the model that the command line names.</summary>
    public async Task<EmbeddedModel> LoadAsync(ParseResult result, Terminal terminal, CancellationToken cancellationToken)
    {
        bool verbose = result.GetValue(Program.Verbose);
        EmbeddedModelOptions options = CreateOptions(result, terminal);
        // One conversation at a time: the memory of more sequences would lie idle.
        options.MaxSequences = 1;
        string name = result.GetRequiredValue(_model);
        EmbeddedModel model = await LoadBar.RunAsync(terminal, !verbose, progress => EmbeddedModel.LoadAsync(name, options, progress, cancellationToken)).ConfigureAwait(false);
        // With --verbose the log has said so.
        if (!verbose)
            DeviceArguments.WarnOfUnusable(options, terminal);
        return model;
    }

    /// <summary>What the command line says of the load.</summary>
    public EmbeddedModelOptions CreateOptions(ParseResult result, Terminal terminal)
    {
        EmbeddedModelOptions options = new()
        {
            ContextLength = result.GetValue(_context),
            Threads = result.GetValue(_threads),
            Adapters = result.GetRequiredValue(_adapters),
            NativeLibraryFolder = result.GetValue(_nativeFolder),
            ChatTemplateFallback = result.GetValue(_chatMl) ? ChatTemplateFallback.ChatMl : ChatTemplateFallback.Error,
            LoggerFactory = result.GetValue(Program.Verbose) ? new StandardErrorLog(terminal) : null,
        };
        _devices.ApplyTo(options, result);
        return options;
    }

    private static LoraAdapter[] ParseAdapters(ArgumentResult result)
    {
        LoraAdapter[] adapters = [.. result.Tokens.Select((token, index) => ParseAdapter(token.Value, index))];
        int wrong = Array.FindIndex(adapters, adapter => adapter.Path.Length == 0 || !float.IsFinite(adapter.Scale));
        if (wrong >= 0)
            result.AddError($"--lora takes the path of a .gguf file, and perhaps a colon and a finite number behind it, not '{result.Tokens[wrong].Value}'.");
        return adapters;
    }

    /// <summary>What is behind the last colon is a scale only where it is a number: paths have colons as well. By their numbers two files of one name can be told apart.</summary>
    private static LoraAdapter ParseAdapter(string text, int index)
    {
        string name = (index + 1).ToString(CultureInfo.InvariantCulture);
        int colon = text.LastIndexOf(':');
        return colon >= 0 && float.TryParse(text.AsSpan(colon + 1), NumberStyles.Float, CultureInfo.InvariantCulture, out float scale)
            ? new LoraAdapter(text[..colon], name, scale)
            : new LoraAdapter(text, name);
    }
}
