using EmbeddedLlm.Client;
using EmbeddedLlm.Templates;

namespace EmbeddedLlm.Tests.Client;

public sealed class ToolCallReaderTests
{
    private const string Odd = """{"city": "O}s\"l{o", "list": [{"a": "]"}], "n": -1.5e3}""";

    public static TheoryData<string> Templates =>
    [
        "Qwen-Qwen2.5-7B-Instruct", "Qwen-Qwen3-0.6B", "NousResearch-Hermes-3-Llama-3.1-8B-tool_use", "mistralai-Mistral-Nemo-Instruct-2407",
        "CohereForAI-c4ai-command-r7b-12-2024-tool_use", "ibm-granite-granite-3.3-2B-Instruct", "deepseek-ai-DeepSeek-R1-Distill-Llama-8B",
    ];

    /// <summary>A marker that is cut must neither be shown as text nor be missed.</summary>
    [Theory]
    [MemberData(nameof(Templates))]
    public void CallsAreReadHoweverTheAnswerIsCut(string template)
    {
        ToolCallFormat format = Learn(template);
        string answer = "Let me see: a < b.\n" + format.Write(("get_weather", Odd, "abc456789"), ("add", "{}", "123456789"));
        for (int cut = 0; cut <= answer.Length; cut++)
        {
            (string text, List<WrittenCall> calls) = Read(format, answer[..cut], answer[cut..]);
            Assert.Equal("Let me see: a < b.", text);
            Assert.Equal([new("get_weather", Odd), new("add", "{}")], calls);
        }

        Assert.Equal(("Let me see: a < b.", 2), Read(format, [.. answer.Select(c => $"{c}")]) is var (all, read) ? (all, read.Count) : default);
    }

    /// <summary>Formats in which the name comes right after the marker, as newer Mistral models and GLM write it.</summary>
    [Theory]
    [InlineData("[TOOL_CALLS]{{ c.function.name }}[ARGS]{{ c.function.arguments | tojson }}")]
    [InlineData("\n<tool_call>{{ c.function.name }}\n{% for k, v in c.function.arguments.items() %}<arg_key>{{ k }}</arg_key>\n<arg_value>{{ v if v is string else v | tojson }}</arg_value>\n{% endfor %}</tool_call>")]
    public void TextMayComeBeforeAMarkerThatTheNameFollows(string call)
    {
        ToolCallFormat format = ToolSupportLearner.Learn(
            ChatTemplate.Parse("{{ tools | tojson }}{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% for c in m.tool_calls %}" + call + "{% endfor %}<|end|>{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"), "", "").Format;
        string answer = "Let me see: a < b.\n" + format.Write(("get_weather", """{"city": "Oslo"}""", null), ("add", "{}", null));
        (string text, List<WrittenCall> calls) = Read(format, [.. answer.Select(c => $"{c}")]);
        Assert.Equal("Let me see: a < b.", text);
        Assert.Equal(["get_weather", "add"], calls.Select(made => made.Name));
    }

    [Theory]
    [InlineData("<tool_call>get_time<arg_key>city</arg_key><arg_value>Oslo</arg_value></tool_call>", """{"city":"Oslo"}""")]
    [InlineData("<tool_call>get_time\n\n<arg_key>city</arg_key> <arg_value>Oslo</arg_value>\n</tool_call>", """{"city":"Oslo"}""")]
    [InlineData("<tool_call>get_time</tool_call>", "{}")]
    public void NoWhiteSpaceNeedComeBetweenANameAndItsArguments(string answer, string arguments)
    {
        ToolCallFormat format = Learn("GLM-4.6");
        for (int cut = 0; cut <= answer.Length; cut++)
            Assert.Equal([new("get_time", arguments)], Read(format, answer[..cut], answer[cut..]).Calls);
    }

    /// <summary>As Qwen3-Coder leaves it out now and then, and Nemotron, which has its format.</summary>
    [Fact]
    public void WhatIsAheadOfTheMarkerThatANameIsPartOfMayBeMissing()
    {
        ToolCallFormat format = Learn("Qwen3-Coder");
        string answer = "Let me see: a < b.\n\n" + format.Write(("get_weather", """{"city": "Oslo"}""", null), ("add", "{}", null))["<tool_call>\n".Length..];
        Assert.StartsWith("Let me see: a < b.\n\n<function=get_weather>", answer, StringComparison.Ordinal);
        for (int cut = 0; cut <= answer.Length; cut++)
        {
            (string text, List<WrittenCall> calls) = Read(format, answer[..cut], answer[cut..]);
            Assert.Equal("Let me see: a < b.", text);
            Assert.Equal([new("get_weather", """{"city":"Oslo"}"""), new("add", "{}")], calls);
        }
    }

    [Fact]
    public void AnAnswerThatIsOneJsonCallIsACall()
    {
        ToolCallFormat format = Learn("meta-llama-Llama-3.1-8B-Instruct");
        (string text, List<WrittenCall> calls) = Read(format, [.. "\n{\"name\": \"f\", \"parameters\": {\"x\": 1}}".Select(c => $"{c}")]);
        Assert.Equal("", text);
        Assert.Equal([new("f", "{\"x\": 1}")], calls);
    }

    [Theory]
    [InlineData("{\"nam\": 1}")]
    [InlineData("See {\"name\": \"f\", \"parameters\": {}}")]
    [InlineData("  text ")]
    public void AnAnswerThatBeginsOtherwiseIsText(string answer)
    {
        (string text, List<WrittenCall> calls) = Read(Learn("meta-llama-Llama-3.1-8B-Instruct"), [.. answer.Select(c => $"{c}")]);
        Assert.Equal(answer, text);
        Assert.Empty(calls);
    }

    /// <summary>An answer that a schema holds may begin as a call does, or have a call's marker in it.</summary>
    [Theory]
    [InlineData("meta-llama-Llama-3.1-8B-Instruct", "{\"name\": \"Ana\", \"age\": 31}")]
    [InlineData("meta-llama-Llama-3.1-8B-Instruct", "{\"name\": \"fay\", \"parameters\": {}}")]
    [InlineData("meta-llama-Llama-3.1-8B-Instruct", "{\"name\": \"f\", \"age\": 31}")]
    [InlineData("meta-llama-Llama-3.1-8B-Instruct", "{\"name\": \"f\"")]
    [InlineData("Qwen-Qwen3-0.6B", "{\"text\": \"<tool_call>\\n{}\"}")]
    public void AnAnswerThatIsHeldToAFormatIsNotTakenForACall(string template, string answer)
    {
        ToolCallReader reader = new(Learn(template), null, ["f", "fade"]);
        string text = string.Concat(answer.Select(c => reader.Push($"{c}").Text));
        Assert.Equal(answer, text + reader.Push("", isLast: true).Text);
        Assert.Equal(0, reader.CallCount);
    }

    [Theory]
    [InlineData("meta-llama-Llama-3.1-8B-Instruct")]
    [InlineData("Qwen-Qwen3-0.6B")]
    public void WhereAnAnswerIsHeldToAFormatACallIsStillACall(string template)
    {
        ToolCallFormat format = Learn(template);
        ToolCallReader reader = new(format, null, ["f", "fade"]);
        string text = string.Concat(format.Write(("fade", "{\"x\": 1}", null)).Select(c => reader.Push($"{c}").Text));
        Assert.Equal(("", 1), (text + reader.Push("", isLast: true).Text, reader.CallCount));
    }

    [Fact]
    public void ACallIsGivenAsSoonAsItsArgumentsAreWhole()
    {
        ToolCallReader reader = new(ToolCallFormat.Hermes);
        Assert.Empty(reader.Push("<tool_call>\n{\"name\": \"f\", \"arguments\": {\"x\": 1").Calls);
        Assert.Equal([new("f", "{\"x\": 1}")], reader.Push("}").Calls);
        Assert.Empty(reader.Push("}\n</tool_call>\n<tool_call>").Calls);
        Assert.Equal(1, reader.CallCount);
    }

    [Fact]
    public void ACallThatIsNotWholeIsNeitherCallNorText()
    {
        (string text, List<WrittenCall> calls) = Read(ToolCallFormat.Hermes, "Hi. <tool_call>\n{\"name\": \"f\", \"arguments\": {\"x\": ");
        Assert.Equal("Hi.", text);
        Assert.Empty(calls);
    }

    [Fact]
    public void TextThatOnlyBeginsLikeAMarkerIsKept() => Assert.Equal("a <tool_", Read(ToolCallFormat.Hermes, "a <to", "ol_").Text);

    private static (string Text, List<WrittenCall> Calls) Read(ToolCallFormat format, params string[] pieces)
    {
        ToolCallReader reader = new(format);
        string text = "";
        List<WrittenCall> calls = [];
        for (int i = 0; i <= pieces.Length; i++)
        {
            (string more, IReadOnlyList<WrittenCall> found) = reader.Push(i < pieces.Length ? pieces[i] : "", isLast: i == pieces.Length);
            text += more;
            calls.AddRange(found);
        }

        return (text, calls);
    }

    private static ToolCallFormat Learn(string template) =>
        ToolSupportLearner.Learn(ChatTemplate.Parse(File.ReadAllText(SharedData.Require("data", "templates", template + ".jinja"))), "<s>", "</s>").Format;
}
