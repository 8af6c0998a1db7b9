using System.Text;
using EmbeddedLlm.Grammars;

namespace EmbeddedLlm.Client;

/// <summary>The control tokens of a vocabulary, by their texts.</summary>
/// <param name="Find">The control token with a text, or -1; those that end an answer are none.</param>
/// <param name="IsEnd">Whether a text is that of a token that ends an answer.</param>
internal sealed record ControlTokens(Func<string, int> Find, Func<string, bool> IsEnd)
{
    /// <summary>A vocabulary that has none.</summary>
    public static ControlTokens None { get; } = new(static _ => -1, static _ => false);
}

/// <summary>Texts of formats as parts of grammars: their markers are control tokens where the vocabulary has them.</summary>
internal static class MarkedText
{
    /// <summary>The nodes of a text; none where it is empty.</summary>
    public static List<GrammarNode> Nodes(string text, ControlTokens controls)
    {
        List<GrammarNode> nodes = [];
        StringBuilder plain = new();
        int position = 0;
        int written = 0;
        foreach ((string piece, bool isMarker) in ToolCallFormat.SplitAtMarkers(text))
        {
            int end = position + piece.Length;
            if (isMarker && FindControl(text, position, end, controls, out int length) is >= 0 and int control)
            {
                EndPlain();
                nodes.Add(new TerminalNode(new TokenState(new TokenReference(control, null, IsNegated: false))));
                written = position + length;
            }
            else if (written < end)
            {
                plain.Append(text, Math.Max(position, written), end - Math.Max(position, written));
            }

            position = end;
        }

        EndPlain();
        return nodes;

        void EndPlain()
        {
            if (plain.Length > 0)
                nodes.Add(new TerminalNode(PlainText.Create(Pattern.Of(plain.ToString()))!));
            plain.Clear();
        }
    }

    /// <summary>The control token at a marker, which may have some of the white space after it for a part, as GigaChat's have line breaks; -1 where there is none.</summary>
    private static int FindControl(string text, int begin, int end, ControlTokens controls, out int length)
    {
        const int MostWhiteSpace = 8;
        int last = end;
        while (last < text.Length && last - end < MostWhiteSpace && char.IsWhiteSpace(text[last]))
            last++;
        for (length = last - begin; length >= end - begin; length--)
        {
            if (controls.Find(text.Substring(begin, length)) is >= 0 and int control)
                return control;
        }

        return -1;
    }

    /// <summary>A text up to the first marker that ends the answer, since a token that does so comes of itself.</summary>
    public static string WithoutEnd(string text, ControlTokens controls)
    {
        int length = 0;
        foreach ((string piece, bool isMarker) in ToolCallFormat.SplitAtMarkers(text))
        {
            if (isMarker && controls.IsEnd(piece))
                return text[..length];
            length += piece.Length;
        }

        return text;
    }
}
