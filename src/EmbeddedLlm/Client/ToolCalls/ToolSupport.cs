using System.Globalization;

namespace EmbeddedLlm.Client;

/// <summary>What a chat template can do with tools. Immutable and thread-safe.</summary>
internal sealed record ToolSupport
{
    /// <summary>How the model writes calls.</summary>
    public required ToolCallFormat Format { get; init; }

    /// <summary>The variable by which the template describes the tools to the model; null where it has none.</summary>
    public string? Variable { get; init; }

    /// <summary>By which name the template reads the tools from its first system message, as Phi-4-mini's does; null where it does not.</summary>
    public string? SystemKey { get; init; }

    /// <summary>Whether the template writes the tools as it is given them, so that they are to be JSON text: functions, without what OpenAI's interface has around them.</summary>
    public bool TakesToolsAsText { get; init; }

    /// <summary>Whether the template describes the tools to the model; otherwise a system message has to.</summary>
    public bool DescribesTools => Variable is not null || SystemKey is not null;

    /// <summary>Whether the template writes earlier calls; otherwise they are written into the message's text.</summary>
    public bool WritesCalls { get; init; }

    /// <summary>Whether a call is a message of its own for the template, with the function's name as its metadata and the arguments as its text, as GLM-4's has it.</summary>
    public bool CallsAreNamedMessages { get; init; }

    /// <summary>Whether the template takes arguments as JSON text instead of as a mapping.</summary>
    public bool TakesArgumentsAsText { get; init; }

    /// <summary>Whether a message without text but with calls has no content for the template, instead of an empty one.</summary>
    public bool TakesNoContent { get; init; }

    /// <summary>Whether the template leaves calls out of a message that has text, as DeepSeek R1's does, refuses it, or writes the text below them, as later ones of Gemma 4 do: then the text is a message of its own ahead of them.</summary>
    public bool TakesCallsWithoutText { get; init; }

    /// <summary>Whether the template takes one call in a message only: it refuses others, or leaves them out.</summary>
    public bool TakesOneCall => WritesCalls && (CallsAreNamedMessages || Format.Separator is null);

    /// <summary>Whether the template knows messages of the <see cref="ResultRole"/>; otherwise results are messages of the user.</summary>
    public bool WritesResults { get; init; }

    /// <summary>The role of results: mostly <c>tool</c>.</summary>
    public string ResultRole { get; init; } = "tool";

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
