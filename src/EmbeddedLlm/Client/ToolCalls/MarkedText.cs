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
        foreach ((string piece, bool isMarker) in ToolCallFormat.SplitAtMarkers(text))
        {
            if (isMarker && controls.Find(piece) is >= 0 and int control)
            {
                EndPlain();
                nodes.Add(new TerminalNode(new TokenState(new TokenReference(control, null, IsNegated: false))));
            }
            else
            {
                plain.Append(piece);
            }
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
