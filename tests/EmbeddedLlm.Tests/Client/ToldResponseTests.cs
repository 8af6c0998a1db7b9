using EmbeddedLlm.Client;
using EmbeddedLlm.Templates;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Tests.Client;

/// <summary>Answers of models that think without a tag and begin their text with a marker, as Apriel's do.</summary>
public sealed class ToldResponseTests
{
    private const string Calls = "{% if m.tool_calls %}\n<tool_calls>[{% for c in m.tool_calls %}{{ '{\"name\": \"' + c.function.name + '\", \"arguments\": ' + c.function.arguments | string + '}' }}{{ ', ' if not loop.last }}{% endfor %}]</tool_calls>{% endif %}";

    /// <summary>The model is told the marker, and thoughts of earlier messages are not written.</summary>
    private const string Told =
        "<|system|>\nThink step by step, and give the solution so: [BEGIN FINAL RESPONSE] ... [END FINAL RESPONSE].{% if tools %}{{ tools | tojson }}{% endif %}\n<|end|>\n"
        + "{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}{% if m.tool_calls is defined %}" + Calls + "{% endif %}\n<|end|>\n{% endfor %}{% if add_generation_prompt %}<|assistant|>\n{% endif %}";

    /// <summary>The thoughts of the last message are written, and the prompt begins them.</summary>
    private const string Written =
        "<|system|>\nThink first. [BEGIN FINAL RESPONSE]{% if tools %}{{ tools | tojson }}{% endif %}\n<|end|>\n{% for m in messages %}<|{{ m.role }}|>\n{% if m.reasoning_content and loop.last %}{{ m.reasoning_content + '\n[BEGIN FINAL RESPONSE]\n' }}{% endif %}"
        + "{{ m.content }}" + Calls + "\n<|end|>\n{% endfor %}{% if add_generation_prompt %}<|assistant|>\nHere are my steps:\n{% endif %}";

    [Theory]
    [InlineData(Told)]
    [InlineData(Written)]
    public void TheMarkerEndsTheReasoningThatAPromptBegins(string source)
    {
        PromptBuilder prompts = Prompts(source);
        ReasoningFormat format = prompts.Reasoning.Format!;
        Assert.Equal(("<|assistant|>", "[BEGIN FINAL RESPONSE]", "\n[BEGIN FINAL RESPONSE]\n", "[END FINAL RESPONSE]", true), (format.Open, format.Close, format.Closing, format.TextEnd, format.EndsAtCalls));
        Assert.True(format.IsOpenAfter(prompts.Build([new(ChatRole.User, "[BEGIN FINAL RESPONSE]")], null, null, TestContext.Current.CancellationToken)));
    }

    [Theory]
    [InlineData("I add them.\n[BEGIN FINAL RESPONSE]\nIt is [2].\n[END FINAL RESPONSE]\n", "I add them.", "It is [2].", "")]
    [InlineData("I add them.\n[BEGIN FINAL RESPONSE]\nIt is 2.", "I add them.", "It is 2.", "")]
    [InlineData("I look.\n[BEGIN FINAL RESPONSE]\n\n<tool_calls>[{\"name\": \"f\", \"arguments\": {\"x\": \"[END FINAL RESPONSE]\"}}]</tool_calls>", "I look.", "", "f")]
    [InlineData("I look.\n<tool_calls>[{\"name\": \"f\", \"arguments\": {}}, {\"name\": \"g\", \"arguments\": {}}]</tool_calls>", "I look.", "", "fg")]
    [InlineData("<tool_calls>[{\"name\": \"f\", \"arguments\": {}}]</tool_calls>", "", "", "f")]
    [InlineData("I look.\n[BEGIN FINAL RESPONSE]\nWait.\n<tool_calls>[{\"name\": \"f\", \"arguments\": {}}]</tool_calls>", "I look.", "Wait.", "f")]
    [InlineData("I look.\n[BEGIN FINAL", "I look.\n[BEGIN FINAL", "", "")]
    public void AnAnswerIsToldApartHoweverItIsCut(string answer, string reasoning, string text, string called)
    {
        PromptBuilder prompts = Prompts(Told);
        ReasoningFormat format = prompts.Reasoning.Format!;
        for (int size = 1; size <= answer.Length; size++)
        {
            AnswerReader reader = new(new ReasoningSplitter(format, isOpen: true), new ToolCallReader(prompts.Tools.Format), tagged: new TaggedText("", format.TextEnd!, isOpen: true), callsEndReasoning: true);
            (string Reasoning, string Text, IReadOnlyList<AIContent> Calls)[] read = [.. answer.Chunk(size).Select(piece => reader.Push(new string(piece), isLast: false)), reader.Push("", isLast: true)];
            Assert.Equal(reasoning, string.Concat(read.Select(part => part.Reasoning)).Trim());
            Assert.Equal(text, string.Concat(read.Select(part => part.Text)));
            Assert.Equal(called, string.Concat(read.SelectMany(part => part.Calls).Cast<FunctionCallContent>().Select(call => call.Name)));
        }
    }

    [Theory]
    [InlineData("[BEGIN]")]
    [InlineData("[Begin final response]")]
    [InlineData("[END FINAL RESPONSE]")]
    public void NoOtherWordsInBracketsTellOfReasoning(string told) => Assert.Null(
        Prompts("{{ '" + told + "' }}{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}").Reasoning.Format);

    private static PromptBuilder Prompts(string source) => new(ChatTemplate.Parse(source), "<s>", "</s>");
}
