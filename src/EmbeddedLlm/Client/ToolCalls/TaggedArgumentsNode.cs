using System.Collections.Immutable;
using System.Text.Json;
using EmbeddedLlm.Grammars;

namespace EmbeddedLlm.Client;

/// <summary>Makes grammars of arguments that are written one by one, in the order of the function's parameters.</summary>
internal static class TaggedArgumentsNode
{
    /// <param name="tags">How they are written.</param>
    /// <param name="arguments">The arguments.</param>
    /// <param name="controls">The control tokens.</param>
    /// <exception cref="JsonSchemaNotSupportedException">An argument's name could not be read again.</exception>
    public static GrammarNode Create(ArgumentTags tags, ImmutableArray<SchemaArgument> arguments, ControlTokens controls)
    {
        // What comes from an argument on, where it would be the first, and where others are before it.
        GrammarNode first = EmptyNode.Instance;
        GrammarNode later = EmptyNode.Instance;
        foreach (SchemaArgument argument in arguments.Reverse())
        {
            EnsureReadable(tags, argument.Name);
            GrammarNode begun = new SequenceNode([.. Argument("", argument), later]);
            GrammarNode goneOn = tags.Separator.Length == 0 ? begun : new SequenceNode([.. Argument(tags.Separator, argument), later]);
            bool isSame = ReferenceEquals(begun, goneOn) && ReferenceEquals(first, later);
            first = argument.IsRequired ? begun : new ChoiceNode(begun, first);
            later = isSame ? first : argument.IsRequired ? goneOn : new ChoiceNode(goneOn, later);
        }

        return first;

        IEnumerable<GrammarNode> Argument(string separator, SchemaArgument argument)
        {
            List<GrammarNode> values = [];
            if (argument.Text is { } text)
                values.Add(new SequenceNode([.. MarkedText.Nodes(tags.AfterKey, controls), text]));
            if (argument.Json is { } json)
                values.AddRange(AfterKeys(tags, argument).Select(after => new SequenceNode([.. MarkedText.Nodes(after, controls), json])));
            return [.. MarkedText.Nodes(separator + tags.BeforeKey + argument.Name, controls), new ChoiceNode([.. values]), .. MarkedText.Nodes(tags.AfterValue, controls)];
        }
    }

    /// <summary>What may come between an argument's key and its value in JSON: where it names a type, those that the value may be of.</summary>
    private static IEnumerable<string> AfterKeys(ArgumentTags tags, SchemaArgument argument) =>
        tags.AfterKeysByKind.IsEmpty ? [tags.AfterKeyOfOthers] : tags.AfterKeysByKind.Where(after => BeginningsOf(after.Key).Any(argument.JsonMayBeginWith)).Select(after => after.Value);

    private static IEnumerable<byte> BeginningsOf(JsonValueKind kind) => kind switch
    {
        JsonValueKind.Object => [(byte)'{'],
        JsonValueKind.Array => [(byte)'['],
        JsonValueKind.True => [(byte)'t', (byte)'f'],
        JsonValueKind.Null => [(byte)'n'],
        _ => Enumerable.Range('0', 10).Append('-').Select(next => (byte)next),
    };

    private static void EnsureReadable(ArgumentTags tags, string name)
    {
        string after = tags.AfterKey.Trim();
        if (name.Length == 0 || name.Any(c => char.IsWhiteSpace(c) || char.IsControl(c)) || name.Contains(after[..1], StringComparison.Ordinal))
            throw new JsonSchemaNotSupportedException("", "properties", $"the model's format of calls cannot write the name '{name}'");
    }
}
