namespace EmbeddedLlm.Grammars;

/// <summary>The grammar of JSON itself, one set of nodes for all grammars that write it alike, so that they share what is known about it.</summary>
internal sealed class FreeJson
{
    private static readonly Lazy<FreeJson>[] s_all =
    [
        .. from whiteSpace in Enum.GetValues<WhiteSpace>()
           from anySpelling in new[] { false, true }
           select new Lazy<FreeJson>(() => new FreeJson(JsonPunctuation.For(whiteSpace), anySpelling)),
    ];

    private FreeJson(JsonPunctuation punctuation, bool anySpelling, GrammarNode? bareString = null)
    {
        RuleNode value = new("any JSON value");
        Value = value;
        Null = new TerminalNode(JsonPunctuation.Words("null"));
        True = new TerminalNode(JsonPunctuation.Words("true"));
        False = new TerminalNode(JsonPunctuation.Words("false"));
        Boolean = new TerminalNode(JsonPunctuation.Words("true", "false"));
        String = bareString ?? new TerminalNode(JsonStrings.Create(TextAutomaton.Any, 0, null, anySpelling)!);
        Number = new TerminalNode(JsonNumbers.Create(NumberRange.Any, anySpelling)!);
        Array = new ArrayNode(new ArrayLayout([], new ArrayItem([(value, 0)]), 0, null, []), punctuation);
        JsonKeys keys = bareString is null ? new([], [], TextAutomaton.Any, anySpelling) : new([], [], JsonKeys.Bare, anySpelling, isBare: true);
        Object = new ObjectNode(new ObjectLayout(keys, [-1], [new ObjectValue(value, [(value, 0)])], [new ObjectPresence()]) { Punctuation = punctuation });
        value.Body = new ChoiceNode(Object, Array, String, Number, new TerminalNode(JsonPunctuation.Words("true", "false", "null")));
    }

    public GrammarNode Value { get; }

    public GrammarNode Object { get; }

    public GrammarNode Array { get; }

    public GrammarNode String { get; }

    public TerminalNode Number { get; }

    public TerminalNode Boolean { get; }

    public TerminalNode Null { get; }

    public TerminalNode True { get; }

    public TerminalNode False { get; }

    /// <summary>JSON whose strings are written in a notation of their own, and its keys as they are.</summary>
    public static FreeJson WithStrings(GrammarNode bareString, WhiteSpace whiteSpace, bool anySpelling) => new(JsonPunctuation.For(whiteSpace), anySpelling, bareString);

    public static FreeJson For(WhiteSpace whiteSpace, bool anySpelling) => s_all[(int)whiteSpace * 2 + (anySpelling ? 1 : 0)].Value;
}
