using System.Text.Encodings.Web;
using System.Text.Json;
using EmbeddedLlm.Client;
using EmbeddedLlm.Templates;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Tests.Client;

/// <summary>Arguments as long as a file, which come in thousands of pieces.</summary>
public sealed class LongArgumentsTests
{
    private const string Odd =
        "{% if tools %}{{ tools | tojson }}{% endif %}{% for m in messages %}<{{ m.role }}>{{ m.content }}{% for c in m.tool_calls %}<call>{{ c.function.name }} "
        + "{% for k, v in c.function.arguments.items() %}<a k={{ k }}: {{ v | tojson }}{{ '; ' if not loop.last }}{% endfor %}<end>{% endfor %}</s>{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}";

    private static readonly JsonSerializerOptions s_plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Each piece has something that ends arguments elsewhere. The whole is looked at once, not once for each piece: otherwise a long file takes longer than it takes a model to write it.</summary>
    [Theory]
    [InlineData("Qwen3-Coder")]
    [InlineData("GLM-4.6")]
    [InlineData("LFM2-8B-A1B")]
    [InlineData("openai-gpt-oss-120b")]
    [InlineData("Qwen-Qwen3-0.6B")]
    public void ReadingThemTakesTheSameForEachPiece(string template)
    {
        ToolCallFormat format = Learn(File.ReadAllText(SharedData.Require("data", "templates", template + ".jinja")));
        string content = string.Concat(Enumerable.Repeat("<li>{ f(); }</li> \"x\" 'y'\\\n", 1500));
        string arguments = JsonSerializer.Serialize(new { path = "a.html", content }, s_plain);
        string[] pieces = [.. (format.IsHarmony ? " to=functions.write<|channel|>commentary json<|message|>" + arguments : format.Write(("write", arguments, "123456789"))).Chunk(4).Select(piece => new string(piece))];
        AnswerReader reader = format.IsHarmony ? new(null, null, new HarmonyReader()) : new(null, new ToolCallReader(format));
        List<AIContent> calls = [];
        long before = GC.GetAllocatedBytesForCurrentThread();
        foreach (string piece in pieces)
            calls.AddRange(reader.Push(piece, isLast: false).Calls);
        Assert.InRange((GC.GetAllocatedBytesForCurrentThread() - before) / pieces.Length, 0, 1024);
        calls.AddRange(reader.Push("", isLast: true).Calls);
        Assert.Equal(content, Assert.IsType<FunctionCallContent>(Assert.Single(calls)).Arguments!["content"]!.ToString());
    }

    /// <summary>No bracket ends these arguments, though strings are in quotes.</summary>
    [Fact]
    public void WhatNoBracketEndsIsGivenAsSoonAsItIsWhole()
    {
        ToolCallFormat format = Learn(Odd);
        string call = format.Write(("f", """{"x": [1, 2], "y": "a) <end b"}""", null));
        Assert.EndsWith("<end>", call, StringComparison.Ordinal);
        ToolCallReader reader = new(format);
        List<WrittenCall> calls = [];
        foreach (char c in call)
            calls.AddRange(reader.Push($"{c}").Calls);
        Assert.Equal("""{"x":[1,2],"y":"a) <end b"}""", Assert.Single(calls).Arguments);
    }

    [Theory]
    [InlineData(false, """ {"a": "}\"\\", "b": [{}, "[{"], "c": {"d": 1}}""", "} , {")]
    [InlineData(true, """a="(\")", b=[1, (2)], c={'d': ')\'', "e": "'"})""", ", f(x)")]
    public void AnEndIsFoundHoweverTheValueIsCut(bool isPython, string value, string rest)
    {
        string text = value + rest;
        for (int cut = 0; cut <= text.Length; cut++)
        {
            NestingScanner scanner = new(isPython);
            int first = scanner.Push(text.AsSpan(0, cut));
            Assert.Equal(cut < value.Length ? -1 : value.Length, first);
            if (first < 0)
                Assert.Equal(value.Length - cut, scanner.Push(text.AsSpan(cut)));
            Assert.True(scanner.HasEnded);
        }
    }

    private static ToolCallFormat Learn(string source) => ToolSupportLearner.Learn(ChatTemplate.Parse(source), "<s>", "</s>").Format;
}
