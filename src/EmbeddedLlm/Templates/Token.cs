namespace EmbeddedLlm.Templates;

internal enum TokenKind : byte
{
    Data,
    ExpressionStart,
    ExpressionEnd,
    BlockStart,
    BlockEnd,
    Name,
    String,
    Integer,
    Float,
    Operator,
    End,
}

/// <summary>A token of a template.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Position">Its offset in the source.</param>
/// <param name="Text">A name, an operator, the value of a string, or the text between tags; the digits of a number.</param>
internal readonly record struct Token(TokenKind Kind, int Position, string Text)
{
    public bool IsOperator(string text) => Kind == TokenKind.Operator && Text == text;

    public bool IsName(string text) => Kind == TokenKind.Name && Text == text;

    public string Describe() => Kind switch
    {
        TokenKind.Data => "text",
        TokenKind.ExpressionStart => "{{",
        TokenKind.ExpressionEnd => "}}",
        TokenKind.BlockStart => "{%",
        TokenKind.BlockEnd => "%}",
        TokenKind.End => "the end of the template",
        TokenKind.String => "a string",
        _ => Text,
    };
}

/// <summary>A template that cannot be parsed, with the offset of the mistake; the twin of <see cref="TemplateFault"/> for syntax.</summary>
internal sealed class TemplateSyntaxFault(string reason, int position) : Exception(reason)
{
    public int Position => position;
}
