using System.Buffers;
using System.Net;
using System.Text;

namespace EmbeddedLlm.Templates;

internal static partial class Filters
{
    private static readonly SearchValues<char> NotInAttributeNames = SearchValues.Create(" \t\n\r\v\f/>=");

    private static IEnumerable<Builtin> HtmlFilters =>
    [
        new("safe", [], 0, static (rendering, self, _) => self.ToText(rendering).AsMarkup()),
        new("escape", [], 0, static (rendering, self, _) => Markup.Escape(rendering, self.ToText(rendering))),
        new("e", [], 0, static (rendering, self, _) => Markup.Escape(rendering, self.ToText(rendering))),
        new("forceescape", [], 0, static (rendering, self, _) => Markup.Escape(rendering, self.ToText(rendering).AsPlain())),
        new("striptags", [], 0, StripTags),
        new("urlencode", [], 0, EncodeUrl),
        new("xmlattr", ["autospace"], 0, WriteXmlAttributes),
    ];

    private static TemplateString StripTags(Rendering rendering, TemplateValue self, ReadOnlySpan<TemplateValue?> arguments)
    {
        TemplateString text = self.ToText(rendering);
        string stripped = Remove(Remove(text.Text, "<!--", "-->"), "<", ">");
        string joined = string.Join(' ', StringMethods.SplitAtSpaces(TemplateString.FromTemplate(stripped), -1).Select(static part => ((TemplateString)part).Text));
        return new TemplateString(WebUtility.HtmlDecode(joined), text.HasCallerText ? PromptPartKind.Caller : PromptPartKind.Template);
    }

    private static string Remove(string text, string open, string close)
    {
        StringBuilder kept = new(text.Length);
        int position = 0;
        while (true)
        {
            int start = text.IndexOf(open, position, StringComparison.Ordinal);
            int end = start < 0 ? -1 : text.IndexOf(close, start, StringComparison.Ordinal);
            if (end < 0)
                return kept.Append(text, position, text.Length - position).ToString();

            kept.Append(text, position, start - position);
            position = end + close.Length;
        }
    }

    private static TemplateString EncodeUrl(Rendering rendering, TemplateValue self, ReadOnlySpan<TemplateValue?> arguments)
    {
        MarkedTextBuilder output = new(rendering.Limits.ValueSize);
        if (self is TemplateString || self.Enumerate(rendering) is not { } items)
        {
            AppendQuoted(output, self.ToText(rendering), isQuery: false);
            return output.ToTemplateString();
        }

        IEnumerable<TemplateValue> pairs = self is TemplateDictionary dictionary
            ? Enumerable.Range(0, dictionary.Keys.Count).Select(dictionary.PairAt)
            : ReadAll(items);
        foreach (TemplateValue pair in pairs)
        {
            TemplateValue[] halves = rendering.ToArray(pair);
            if (halves.Length != 2)
                throw new TemplateFault("urlencode() expects pairs of a key and a value");
            if (output.Length > 0)
                output.Append('&', PromptPartKind.Template);
            AppendQuoted(output, halves[0].ToText(rendering), isQuery: true);
            output.Append('=', PromptPartKind.Template);
            AppendQuoted(output, halves[1].ToText(rendering), isQuery: true);
        }

        return output.ToTemplateString();
    }

    private static void AppendQuoted(MarkedTextBuilder output, TemplateString text, bool isQuery)
    {
        Span<byte> utf8 = stackalloc byte[4];
        ReadOnlySpan<char> chars = text.AsSpan();
        for (int i = 0; i < chars.Length; i += CodePoints.LengthAt(chars, i))
        {
            PromptPartKind kind = text.KindAt(i);
            if (char.IsAsciiLetterOrDigit(chars[i]) || chars[i] is '_' or '.' or '-' or '~' || (chars[i] == '/' && !isQuery))
            {
                output.Append(chars[i], kind);
            }
            else if (chars[i] == ' ' && isQuery)
            {
                output.Append('+', kind);
            }
            else if (!Rune.TryCreate(CodePoints.At(chars, i), out Rune rune))
            {
                throw new TemplateFault("'utf-8' codec can't encode a lone surrogate");
            }
            else
            {
                foreach (byte unit in utf8[..rune.EncodeToUtf8(utf8)])
                    output.Append($"%{unit:X2}", kind);
            }
        }
    }

    private static TemplateString WriteXmlAttributes(Rendering rendering, TemplateValue self, ReadOnlySpan<TemplateValue?> arguments)
    {
        Operators.EnsureDefined(self, self);
        if (self is not TemplateDictionary dictionary)
            throw TemplateFault.WrongArgument("xmlattr()", "a mapping", self);

        MarkedTextBuilder output = new(rendering.Limits.ValueSize);
        bool addsSpace = arguments[0] is null || arguments[0]!.IsTrue;
        foreach ((TemplateValue key, TemplateValue value) in dictionary)
        {
            if (value is TemplateNone or TemplateUndefined)
                continue;

            TemplateString name = Arg.Text(key, "xmlattr");
            if (name.AsSpan().ContainsAny(NotInAttributeNames))
                throw new TemplateFault($"Invalid character in attribute name: {name}");
            if (addsSpace)
                output.Append(' ', PromptPartKind.Template);
            addsSpace = true;
            output.Append(Markup.Escape(rendering, name));
            output.Append("=\"", PromptPartKind.Template);
            output.Append(Markup.Escape(rendering, value.ToText(rendering)));
            output.Append('"', PromptPartKind.Template);
        }

        return output.ToTemplateString();
    }

    private static IEnumerable<TemplateValue> ReadAll(IEnumerator<TemplateValue> items)
    {
        while (items.MoveNext())
            yield return items.Current;
    }
}
