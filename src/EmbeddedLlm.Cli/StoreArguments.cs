using System.CommandLine;
using Microsoft.Extensions.Logging;

namespace EmbeddedLlm.Cli;

/// <summary>The options of every command that works on downloaded models.</summary>
/// <param name="downloads">Whether the command downloads.</param>
internal sealed class StoreArguments(bool downloads = false)
{
    private readonly Option<string?> _folder = new("--dir")
    {
        Description = "The folder of downloaded models. Default: EMBEDDEDLLM_HOME, else the user's caches.",
        HelpName = "FOLDER",
    };

    private readonly Option<int?> _connections = Numbers.Option("--connections", "How many parts of a file are downloaded at the same time.", minimum: 1, maximum: 16);
    private readonly Option<bool> _offline = new("--offline")
    {
        Description = "Ask nothing of a network.",
    };

    /// <summary>The argument that names a model.</summary>
    public static Argument<string> CreateModel()
    {
        Argument<string> model = new("MODEL")
        {
            Description = "A name in the catalogue, hf:owner/repository, either with :Q8_0 or another quantisation behind it, hf:owner/repository/file.gguf, or an https address.",
            HelpName = "MODEL",
        };
        Texts.RefuseEmpty(model);
        return model;
    }

    public void AddTo(Command command)
    {
        command.Add(_folder);
        if (!downloads)
            return;
        command.Add(_connections);
        command.Add(_offline);
    }

    /// <param name="result">What was typed.</param>
    /// <param name="terminal">Where <c>--verbose</c> writes the log.</param>
    /// <param name="log">Where the log goes otherwise.</param>
    public ModelStore Open(ParseResult result, Terminal terminal, ILoggerFactory? log = null)
    {
        ModelStoreOptions options = new()
        {
            Folder = result.GetValue(_folder),
            LoggerFactory = result.GetValue(Program.Verbose) ? new StandardErrorLog(terminal) : log,
        };
        if (downloads)
        {
            options.Connections = result.GetValue(_connections) ?? options.Connections;
            options.Offline = result.GetValue(_offline) ? true : null;
        }

        return new ModelStore(options);
    }
}
