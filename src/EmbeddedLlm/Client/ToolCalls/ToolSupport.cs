using System.Globalization;

namespace EmbeddedLlm.Client;

/// <summary>What a chat template can do with tools. Immutable and thread-safe.</summary>
internal sealed record ToolSupport
{
    /// <summary>How the model writes calls.</summary>
    public required ToolCallFormat Format { get; init; }

    /// <summary>The variable by which the template describes the tools to the model; null where it does not, so that a system message has to.</summary>
    public string? Variable { get; init; }

    /// <summary>Whether the template writes earlier calls; otherwise they are written into the message's text.</summary>
    public bool WritesCalls { get; init; }

    /// <summary>Whether the template takes arguments as JSON text instead of as a mapping.</summary>
    public bool TakesArgumentsAsText { get; init; }

    /// <summary>Whether a message without text but with calls has no content for the template, instead of an empty one.</summary>
    public bool TakesNoContent { get; init; }

    /// <summary>Whether the template leaves calls out of a message that has text, as DeepSeek R1's does, or refuses it: then the text is a message of its own ahead of them.</summary>
    public bool TakesCallsWithoutText { get; init; }

    /// <summary>Whether the template takes one call in a message only: it refuses others, or leaves them out.</summary>
    public bool TakesOneCall => WritesCalls && Format.Separator is null;

    /// <summary>Whether the template knows messages of the role <c>tool</c>; otherwise results are messages of the user.</summary>
    public bool WritesResults { get; init; }

    /// <summary>By which name the template reads results from the message whose calls they answer, as the first templates of Gemma 4 do; null where they are messages of their own.</summary>
    public string? ResultsKey { get; init; }

    /// <summary>Whether the template refuses ids that are longer or shorter than nine letters and digits.</summary>
    public bool TakesShortIdsOnly { get; init; }

    /// <summary>Whether the template writes a call's id and no name, so that the id has to tell it: <see cref="NamedId"/>.</summary>
    public bool HasNamesInIds { get; init; }

    /// <summary>Whether the template has a system message; otherwise what it would say goes ahead of the first message of the user.</summary>
    public bool TakesSystemMessage { get; init; } = true;

    /// <summary>An id that tells the function's name and the call's number in the conversation, as Kimi K2 is trained to write it.</summary>
    public static string NamedId(string name, int number) => string.Create(CultureInfo.InvariantCulture, $"functions.{name}:{number}");
}
