using System.Runtime.InteropServices;
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

    /// <summary>How it was started; see <see cref="CommandOf"/>.</summary>
    public string? Command { get; init; }

    /// <summary>What a reader must know of the run: what was missing, what was busy.</summary>
    /// <remarks>Not <c>init</c>: of a file that leaves it out, the generated reader would make it null.</remarks>
    public IReadOnlyList<string> Remarks { get; set; } = [];

    public required IReadOnlyList<Figure> Figures { get; init; }

    /// <summary>A command as it was typed, but paths without their folders, which tell whose machine it is.</summary>
    public static string CommandOf(IEnumerable<string> words) => string.Join(' ', words.Select(word => Path.GetFileName(Path.TrimEndingDirectorySeparator(word))));

    /// <summary>Reads a file that may be damaged or made by others.</summary>
    /// <exception cref="InvalidDataException">It is no file of results, or one of a later format, or one that contradicts itself.</exception>
    /// <exception cref="IOException">It is not there, or cannot be read.</exception>
    public static ResultFile Read(string path)
    {
        using FileStream stream = File.OpenRead(path);
        ResultFile? file;
        try
        {
            file = JsonSerializer.Deserialize(stream, ResultFileJson.Default.ResultFile);
        }
        catch (JsonException failure)
        {
            throw new InvalidDataException($"'{path}' is no file of results: {failure.Message}", failure);
        }

        if (file is null)
            throw new InvalidDataException($"'{path}' is no file of results: it says null.");
        if (file.FindProblem() is { } problem)
            throw new InvalidDataException($"'{path}' is no file of results: {problem}");
        return file;
    }

    /// <summary>Writes it whole or, where that fails, not at all.</summary>
    /// <exception cref="ArgumentException">A figure is no finite number, or is there twice.</exception>
    public void Write(string path)
    {
        if (FindProblem() is { } problem)
            throw new ArgumentException(problem);
        string partial = $"{path}.{Environment.ProcessId}.partial";
        try
        {
            using (FileStream stream = File.Create(partial))
                JsonSerializer.Serialize(stream, this, ResultFileJson.Default.ResultFile);
            File.Move(partial, path, overwrite: true);
        }
        finally
        {
            File.Delete(partial);
        }
    }

    /// <summary>What JSON's syntax and types do not say; null where all is well.</summary>
    private string? FindProblem()
    {
        if (Format is < 1 or > CurrentFormat)
            return $"its format is {Format}; known is {CurrentFormat}.";
        if (Figures.Any(figure => figure is null) || Remarks.Any(remark => remark is null) || Machine.Gpus.Any(gpu => gpu is null) || Versions.Values.Any(version => version is null))
            return "a list has null in it.";
        HashSet<string> keys = [];
        foreach (Figure figure in Figures)
        {
            if (!keys.Add(figure.Key))
                return $"'{figure.Key}' is there twice.";
            if (!double.IsFinite(figure.Value)
                || figure is { Least: { } least } && !(double.IsFinite(least) && least <= figure.Value)
                || figure is { Greatest: { } greatest } && !(double.IsFinite(greatest) && greatest >= figure.Value)
                || figure is { Low: { } low } && !(low >= figure.Least && low <= figure.Value)
                || figure is { High: { } high } && !(high <= figure.Greatest && high >= figure.Value))
            {
                return $"'{figure.Key}' is {figure.Value}, from {figure.Least} to {figure.Greatest}.";
            }

            if (figure is { Target: { } target } && !double.IsFinite(target))
                return $"'{figure.Key}' has the target {target}.";
            if (figure.Samples < 1)
                return $"'{figure.Key}' has {figure.Samples} samples.";
        }

        return null;
    }
}

/// <summary>What measured. No names of hosts or users.</summary>
/// <param name="Processor">The CPU's model.</param>
/// <param name="Cores">The cores that the process may use.</param>
/// <param name="MemoryBytes">The memory that the process may use.</param>
/// <param name="OperatingSystem">Its name and version.</param>
/// <param name="Gpus">The GPUs that ggml found, each with its memory.</param>
internal sealed record Machine(string Processor, int Cores, long MemoryBytes, string OperatingSystem, IReadOnlyList<string> Gpus)
{
    /// <summary>The machine that this process runs on.</summary>
    /// <param name="processor">What ggml calls the CPU; <c>CPU</c> where it does not know.</param>
    /// <param name="gpus">See <see cref="Gpu"/>.</param>
    public static Machine Here(string? processor, IEnumerable<string> gpus) => new(
        processor is null or "" or "CPU" ? RuntimeInformation.ProcessArchitecture.ToString() : processor,
        Environment.ProcessorCount,
        GC.GetGCMemoryInfo().TotalAvailableMemoryBytes,
        $"{RuntimeInformation.OSDescription} {RuntimeInformation.OSArchitecture}",
        [.. gpus]);

    /// <summary>A GPU as <see cref="Gpus"/> has it; 'compare' takes what is before the comma for its name.</summary>
    public static string Gpu(string description, string name, long? memory) =>
        memory is { } bytes ? FormattableString.Invariant($"{description} ({name}), {bytes / (double)(1 << 30):N1} GiB") : $"{description} ({name})";
}

[JsonSourceGenerationOptions(
    WriteIndented = true,
    NewLine = "\n",
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(ResultFile))]
internal sealed partial class ResultFileJson : JsonSerializerContext;
