using System.Buffers.Binary;
using System.CommandLine;
using System.Globalization;
using EmbeddedLlm.Gguf;

namespace EmbeddedLlm.Cli;

/// <summary><c>inspect</c>: what is in a model's file, without loading it.</summary>
internal sealed class InspectCommand(Terminal terminal)
{
    private const int MostCharacters = 120;
    private const string TemplateKey = "tokenizer.chat_template";

    private readonly Argument<string> _model = ModelArgument();
    private readonly Option<bool> _json = new("--json") { Description = "Write JSON, each tensor and the whole chat template included." };

    public static Argument<string> ModelArgument()
    {
        Argument<string> model = new("MODEL")
        {
            Description = "A name in the catalogue, the path of a .gguf file, or its http or https address, of which only the header is read.",
            HelpName = "NAME|PATH|URL",
            DefaultValueFactory = _ => "starter",
        };
        Texts.RefuseEmpty(model);
        return model;
    }

    public static Command Create(Terminal terminal)
    {
        InspectCommand inspect = new(terminal);
        Command command = new("inspect", "Show what is in a model's file: metadata, tensors, chat template, tokenizer. Nothing is loaded.") { inspect._model, inspect._json };
        command.SetAction((result, _) => inspect.RunAsync(result));
        return command;
    }

    private async Task<int> RunAsync(ParseResult result)
    {
        using Interrupts interrupts = new();
        IReadOnlyList<GgufFile> files = await EmbeddedModel.ReadHeadersAsync(result.GetRequiredValue(_model), interrupts.Token).ConfigureAwait(false);
        if (result.GetValue(_json))
            terminal.WriteLine(InspectionJson.Write(files));
        else
            Write(files);
        return ExitCode.Success;
    }

    private void Write(IReadOnlyList<GgufFile> files)
    {
        GgufModelInfo info = GgufModelInfo.From(files);
        Columns metadata = new("Key", "Type", "Value");
        foreach ((string key, GgufValue value) in files[0].Metadata)
        {
            if (!key.StartsWith(TemplateKey, StringComparison.Ordinal))
                metadata.Add(key, TypeOf(value), Shorten(TextOf(value)));
        }

        metadata.WriteTo(terminal);
        terminal.Output.WriteLine();
        Columns tensors = new("Tensor type", "Tensors", "Weights", "Size");
        foreach ((GgmlType type, int count, long weights, long bytes) in files.SelectMany(file => file.Tensors).GroupBy(tensor => tensor.Type)
            .Select(group => (group.Key, group.Count(), Weights: Sum(group.Select(tensor => tensor.ElementCount)), Bytes: Sum(group.Select(tensor => tensor.ByteSize))))
            .OrderByDescending(group => group.Bytes))
        {
            tensors.Add(type.ToString(), count.ToString(CultureInfo.InvariantCulture), Quantity.Of(weights), Quantity.OfBytes(bytes));
        }

        tensors.Add("all", info.TensorCount.ToString(CultureInfo.InvariantCulture), Quantity.Of(info.ParameterCount), Quantity.OfBytes(info.TensorBytes));
        tensors.WriteTo(terminal);
        terminal.Output.WriteLine();
        Columns special = new("Special token", "Id", "Text");
        foreach ((string name, long id, string text) in SpecialTokensOf(files[0].Metadata))
            special.Add(name, id.ToString(CultureInfo.InvariantCulture), text);
        special.WriteTo(terminal);
        foreach ((string name, string template) in TemplatesOf(info))
        {
            terminal.Output.WriteLine();
            terminal.WriteLine(name + ":");
            terminal.WriteLine(template);
        }
    }

    /// <summary>The tokens that the metadata gives a part to, such as the end of a sequence.</summary>
    public static IEnumerable<(string Name, long Id, string Text)> SpecialTokensOf(GgufMetadata metadata)
    {
        const string Prefix = "tokenizer.ggml.";
        const string Suffix = "_token_id";
        metadata.TryGetStrings("tokenizer.ggml.tokens", out GgufArray? tokens);
        foreach ((string key, GgufValue value) in metadata)
        {
            if (key.StartsWith(Prefix, StringComparison.Ordinal) && key.EndsWith(Suffix, StringComparison.Ordinal) && value.TryGetInteger(out long id))
                yield return (key[Prefix.Length..^Suffix.Length], id, tokens is not null && id >= 0 && id < tokens.Count ? tokens.GetString((int)id) : "");
        }
    }

    /// <summary>The chat templates, the one for general use first.</summary>
    public static IEnumerable<(string Name, string Template)> TemplatesOf(GgufModelInfo info)
    {
        if (info.ChatTemplate is { } template)
            yield return ("Chat template", template);
        foreach ((string name, string named) in info.NamedChatTemplates)
            yield return ($"Chat template '{name}'", named);
    }

    /// <summary>An element that may be above what <see cref="GgufArray.GetInteger"/> gives, and more than a double holds exactly.</summary>
    public static ulong UInt64Of(GgufArray array, int index) => BinaryPrimitives.ReadUInt64LittleEndian(array.RawBytes[(index * sizeof(ulong))..]);

    /// <summary>A header can claim any size, where nobody knows how long the file is.</summary>
    private static long Sum(IEnumerable<long> sizes) => (long)Int128.Min(sizes.Aggregate(Int128.Zero, (sum, size) => sum + size), long.MaxValue);

    private static string TypeOf(GgufValue value) => value.Type == GgufValueType.Array
        ? string.Create(CultureInfo.InvariantCulture, $"{value.GetArray().ElementType}[{value.GetArray().Count}]")
        : value.Type.ToString();

    private static string TextOf(GgufValue value)
    {
        if (value.Type != GgufValueType.Array)
            return ScalarOf(value);
        const int Shown = 8;
        GgufArray array = value.GetArray();
        IEnumerable<string> shown = Enumerable.Range(0, Math.Min(array.Count, Shown)).Select(i => ElementOf(array, i));
        return string.Join(", ", shown) + (array.Count > Shown ? ", …" : "");
    }

    private static string ScalarOf(GgufValue value) => value.Type switch
    {
        GgufValueType.String => value.GetString(),
        GgufValueType.Boolean => value.GetBoolean() ? "true" : "false",
        GgufValueType.Float32 => value.GetSingle().ToString(CultureInfo.InvariantCulture),
        GgufValueType.Float64 => value.GetDouble().ToString(CultureInfo.InvariantCulture),
        GgufValueType.UInt64 => value.GetUInt64().ToString(CultureInfo.InvariantCulture),
        _ => value.TryGetInteger(out long number) ? number.ToString(CultureInfo.InvariantCulture) : "",
    };

    private static string ElementOf(GgufArray array, int index) => array.ElementType switch
    {
        GgufValueType.String => array.GetString(index),
        GgufValueType.Boolean => array.GetBoolean(index) ? "true" : "false",
        GgufValueType.Array => "[…]",
        GgufValueType.Float32 => ((float)array.GetNumber(index)).ToString(CultureInfo.InvariantCulture),
        GgufValueType.Float64 => array.GetNumber(index).ToString(CultureInfo.InvariantCulture),
        GgufValueType.UInt64 => UInt64Of(array, index).ToString(CultureInfo.InvariantCulture),
        _ => array.GetInteger(index).ToString(CultureInfo.InvariantCulture),
    };

    private static string Shorten(string text)
    {
        if (text.Length <= MostCharacters)
            return text;
        int end = char.IsHighSurrogate(text[MostCharacters - 1]) ? MostCharacters - 1 : MostCharacters;
        return text[..end] + "…";
    }
}
