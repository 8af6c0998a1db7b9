namespace EmbeddedLlm;

/// <summary>A grammar, regular expression or JSON schema is malformed, or exceeds what can be matched within bounds of time and memory.</summary>
public class GrammarException : EmbeddedLlmException
{
    /// <inheritdoc/>
    public GrammarException(string message)
        : base(message)
    {
    }

    /// <inheritdoc/>
    public GrammarException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }

    /// <summary>An error at a place of the grammar's text.</summary>
    /// <param name="message">What is wrong there.</param>
    /// <param name="line">The line, from 1.</param>
    /// <param name="column">The column in UTF-16 units, from 1.</param>
    public GrammarException(string message, int line, int column)
        : base($"{message} (line {line}, column {column})")
    {
        Line = line;
        Column = column;
    }

    /// <summary>The line, from 1; null where the error has no place in a text.</summary>
    public int? Line { get; }

    /// <summary>The column in UTF-16 units, from 1; null where the error has no place in a text.</summary>
    public int? Column { get; }
}
