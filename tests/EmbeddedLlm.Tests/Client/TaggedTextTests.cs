using EmbeddedLlm.Client;
using EmbeddedLlm.Templates;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Tests.Client;

/// <summary>Answers whose text is in tags, as ERNIE 4.5's thinking models write it.</summary>
public sealed class TaggedTextTests
{
    /// <summary>The layout of ERNIE's template.</summary>
    private const string Ernie =
        "{% if tools %}{{ tools | tojson }}{% endif %}{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.role != 'assistant' %}{{ m.content }}{% else %}{% if m.reasoning_content %}<think>\n{{ m.reasoning_content }}\n</think>\n{% endif %}"
        + "{% if m.content %}<response>\n{{ m.content }}\n</response>\n{% endif %}{% for c in m.tool_calls %}\n<tool_call>\n{{ {'name': c.function.name, 'arguments': c.function.arguments} | tojson }}\n</tool_call>\n{% endfor %}{% endif %}<|im_end|>\n\n{% endfor %}"
        + "{% if add_generation_prompt %}<|im_start|>assistant\n<think>\n{% endif %}";

    [Theory]
    [InlineData(Ernie, "<response>")]
    [InlineData("{% for m in messages %}<{{ m.role }}>{{ m.content }}</{{ m.role }}>{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}", null)]
    [InlineData("{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}", null)]
    public void TheTagsAreLearned(string source, string? open) => Assert.Equal(open, AnswerHeader.Tags(ChatTemplate.Parse(source), "<s>", "</s>")?.Open);

    [Theory]
    [InlineData("Hm.\n</think>\n\n<response>\nHello <b>\n\nyou</b> </resp\n</response>\n", "Hm.", "Hello <b>\n\nyou</b> </resp", "")]
    [InlineData("Hm.\n</think>\n<response>\nI look.\n</response>\n\n<tool_call>\n{\"name\": \"f\", \"arguments\": {\"x\": \"</response>\"}}\n</tool_call>\n", "Hm.", "I look.", "f")]
    [InlineData("Hm.\n</think>\n\n<tool_call>\n{\"name\": \"f\", \"arguments\": {}}\n</tool_call>", "Hm.", "", "f")]
    [InlineData("Hm.\n</think>\nNo tags </response> here.", "Hm.", "No tags </response> here.", "")]
    [InlineData("Hm.\n</think>\n<response>\nCut off\n</respo", "Hm.", "Cut off\n</respo", "")]
    public void TheTagsAreNoTextHoweverTheAnswerIsCut(string answer, string reasoning, string text, string called)
    {
        PromptBuilder prompts = new(ChatTemplate.Parse(Ernie), "<s>", "</s>");
        (string open, string close, _) = prompts.TextTags!.Value;
        for (int size = 1; size <= answer.Length; size++)
        {
            AnswerReader reader = new(new ReasoningSplitter(prompts.Reasoning.Format!, isOpen: true), new ToolCallReader(prompts.Tools.Format), tagged: new TaggedText(open, close, isOpen: false));
            (string Reasoning, string Text, IReadOnlyList<AIContent> Calls)[] read = [.. answer.Chunk(size).Select(piece => reader.Push(new string(piece), isLast: false)), reader.Push("", isLast: true)];
            Assert.Equal(reasoning, string.Concat(read.Select(part => part.Reasoning)).Trim());
            Assert.Equal(text, string.Concat(read.Select(part => part.Text)));
            Assert.Equal(called, string.Concat(read.SelectMany(part => part.Calls).Cast<FunctionCallContent>().Select(call => call.Name)));
        }
    }

    [Fact]
    public void WhereThePromptHasBegunTheTextItsEndIsStillNoText()
    {
        TaggedText tagged = new("<response>", "</response>", isOpen: true);
        Assert.Equal(" and on.", tagged.Push(" and on.\n</resp", isLast: false) + tagged.Push("onse>\n", isLast: false) + tagged.Push("", isLast: true));
    }
}
