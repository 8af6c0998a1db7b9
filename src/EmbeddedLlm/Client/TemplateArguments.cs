using System.Collections;
using System.Numerics;
using System.Text.Json;
using System.Text.Json.Nodes;
using EmbeddedLlm.Templates;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Client;

/// <summary>Reads what a request gives its chat template beside the conversation.</summary>
internal static class TemplateArguments
{
    private static readonly string[] s_reserved = ["messages", "tools", "xml_tools", "add_generation_prompt", "bos_token", "eos_token"];

    // What other clients read here to have a schema enforced, which it always is.
    private static readonly string[] s_strict = ["strict", "strictJsonSchema"];

    /// <summary>The arguments by name: those of <see cref="EmbeddedChatOptions.TemplateArguments"/> go before those of <see cref="ChatOptions.AdditionalProperties"/>.</summary>
    /// <exception cref="NotSupportedException">The template does not look at one of them, so that it would be ignored.</exception>
    /// <exception cref="ArgumentException">One has a reserved name, or a value of a kind that templates do not know.</exception>
    public static Dictionary<string, TemplateValue> Of(ChatOptions? options, EmbeddedChatOptions? more, ChatTemplate template)
    {
        Dictionary<string, TemplateValue> arguments = [];
        foreach ((string name, object? value) in options?.AdditionalProperties ?? [])
        {
            if (!s_strict.Contains(name) || value is not bool)
                Add($"{nameof(ChatOptions)}.{nameof(options.AdditionalProperties)}", name, value);
        }

        foreach ((string name, object? value) in more?.TemplateArguments ?? new Dictionary<string, object?>())
            Add($"{nameof(EmbeddedChatOptions)}.{nameof(more.TemplateArguments)}", name, value);
        return arguments;

        void Add(string option, string name, object? value)
        {
            if (s_reserved.Contains(name))
                throw new ArgumentException($"{option} has '{name}', which the client sets itself.", nameof(options));
            if (!template.Reads(name))
                throw new NotSupportedException($"{option} has '{name}', which is not supported: the model's chat template does not look at it.");
            try
            {
                arguments[name] = ToTemplate(value, 0);
            }
            catch (Exception exception) when (exception is ArgumentException or JsonException or InvalidOperationException)
            {
                throw new ArgumentException($"{option} has '{name}', whose value no chat template can take: {exception.Message}", nameof(options), exception);
            }
        }
    }

    private static TemplateValue ToTemplate(object? value, int depth)
    {
        if (depth > TemplateLimits.Default.ValueDepth)
            throw new ArgumentException($"it nests deeper than {TemplateLimits.Default.ValueDepth} levels");
        return value switch
        {
            null => TemplateValue.None,
            TemplateValue template => template,
            string text => TemplateValue.FromCaller(text),
            char character => TemplateValue.FromCaller(character.ToString()),
            bool flag => TemplateValue.From(flag),
            sbyte or byte or short or ushort or int or uint or long => TemplateValue.From(Convert.ToInt64(value, null)),
            ulong number => TemplateValue.From((BigInteger)number),
            BigInteger number => TemplateValue.From(number),
            float or double or decimal or Half => TemplateValue.From(value is Half half ? (double)half : Convert.ToDouble(value, null)),
            JsonElement json => TemplateValue.FromJson(json),
            JsonNode json => TemplateValue.FromJson(JsonElement.Parse(json.ToJsonString())),
            IEnumerable<KeyValuePair<string, object?>> entries => Dictionary(entries, depth),
            IDictionary entries => Dictionary(entries.Keys.Cast<object>().Select(key =>
                KeyValuePair.Create(key as string ?? throw new ArgumentException($"a key is a {key.GetType().Name} and not a text"), entries[key])), depth),
            IEnumerable items => new TemplateList([.. items.Cast<object?>().Select(item => ToTemplate(item, depth + 1))]),
            _ => throw new ArgumentException($"a {value.GetType().Name} is neither a text, a number, a truth value, JSON, a list nor a dictionary"),
        };
    }

    private static TemplateDictionary Dictionary(IEnumerable<KeyValuePair<string, object?>> entries, int depth)
    {
        TemplateDictionary dictionary = new(PromptPartKind.Caller);
        foreach ((string key, object? item) in entries)
            dictionary[TemplateValue.FromCaller(key)] = ToTemplate(item, depth + 1);
        return dictionary;
    }
}
