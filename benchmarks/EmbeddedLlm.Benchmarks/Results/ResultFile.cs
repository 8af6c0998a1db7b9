using System.Text.Json;
using System.Text.Json.Serialization;

namespace EmbeddedLlm.Benchmarks.Results;

/// <summary>A file of figures that were measured in one run on one machine, to be read by people and compared with the next.</summary>
internal sealed record ResultFile
{
    /// <summary>The version of this format that is written here.</summary>
    public const int CurrentFormat = 1;

    public int Format { get; init; } = CurrentFormat;

    /// <summary>When the run ended.</summary>
    public required DateTimeOffset Date { get; init; }

    public required Machine Machine { get; init; }

    /// <summary>Name to version: <c>EmbeddedLlm</c>, <c>llama.cpp</c>, <c>.NET</c>, and each peer that was measured.</summary>
    public required IReadOnlyDictionary<string, string> Versions { get; init; }

    /// <summary>How it was started, as typed.</summary>
    public string? Command { get; init; }

    /// <summary>What a reader must know of the run: what was missing, what was busy.</summary>
    public IReadOnlyList<string> Remarks { get; init; } = [];

    public required IReadOnlyList<Figure> Figures { get; init; }

    /// <exception cref="InvalidDataException">It is no file of results, or one of a later format.</exception>
    public static ResultFile Read(string path)
    {
        try
        {
            using FileStream stream = File.OpenRead(path);
            ResultFile? file = JsonSerializer.Deserialize(stream, ResultFileJson.Default.ResultFile);
            return file is { Format: <= CurrentFormat }
                ? file
                : throw new InvalidDataException($"'{path}' has results in format {file?.Format}; known is {CurrentFormat}.");
        }
        catch (JsonException failure)
        {
            throw new InvalidDataException($"'{path}' is no file of results: {failure.Message}", failure);
        }
    }

    public void Write(string path)
    {
        using FileStream stream = File.Create(path);
        JsonSerializer.Serialize(stream, this, ResultFileJson.Default.ResultFile);
    }
}

/// <summary>What measured. No names of hosts or users.</summary>
/// <param name="Processor">The CPU's model.</param>
/// <param name="Cores">The cores that the process may use.</param>
/// <param name="MemoryBytes">The memory that the process may use.</param>
/// <param name="OperatingSystem">Its name and version.</param>
/// <param name="Gpus">The GPUs that ggml found, each with its memory.</param>
internal sealed record Machine(string Processor, int Cores, long MemoryBytes, string OperatingSystem, IReadOnlyList<string> Gpus);

[JsonSourceGenerationOptions(
    WriteIndented = true,
    NewLine = "\n",
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ResultFile))]
internal sealed partial class ResultFileJson : JsonSerializerContext;
