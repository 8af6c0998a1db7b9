using EmbeddedLlm.Client;
using EmbeddedLlm.Runtime;

namespace EmbeddedLlm.Tests.Client;

public sealed class ReasoningSplitterTests
{
    private static readonly ReasoningFormat Think = new("<think>", "</think>");

    [Theory]
    [InlineData(false, "Hello.", "", "Hello.")]
    [InlineData(false, "<think>I see.</think>\n\nHello.", "I see.", "Hello.")]
    [InlineData(false, "\n<think></think>Hello.", "", "Hello.")]
    [InlineData(false, "<thin", "", "<thin")]
    [InlineData(false, "<thing>", "", "<thing>")]
    [InlineData(false, "Say <think> twice.", "", "Say <think> twice.")]
    [InlineData(true, "I see.</think>\n Hello. </think>", "I see.", "Hello. </think>")]
    [InlineData(true, "I never end </thin", "I never end </thin", "")]
    [InlineData(true, "a < b </think>{}", "a < b ", "{}")]
    [InlineData(true, "", "", "")]
    public void ReasoningIsToldFromTextHoweverItComes(bool isOpen, string answer, string reasoning, string text)
    {
        for (int length = 1; length <= Math.Max(1, answer.Length); length++)
        {
            ReasoningSplitter splitter = new(Think, isOpen);
            string gotReasoning = "", gotText = "";
            foreach (char[] piece in answer.Chunk(length).Append([]))
            {
                (string moreReasoning, string moreText) = splitter.Push(new string(piece), isLast: piece.Length == 0);
                gotReasoning += moreReasoning;
                gotText += moreText;
            }

            Assert.Equal((reasoning, text), (gotReasoning, gotText));
        }
    }

    [Theory]
    [InlineData("<|c|>analysis<|m|>I see.<|end|><|s|>assistant<|c|>final<|m|>Hello.", "I see.", "Hello.")]
    [InlineData("<|c|>final<|m|>Hello.", "", "Hello.")]
    [InlineData("<|c|>commentary<|m|>{}", "", "<|c|>commentary<|m|>{}")]
    [InlineData("<|c|>analysis<|m|>I see.<|end|><|s|>assistant<|c|>commentary", "I see.", "<|s|>assistant<|c|>commentary")]
    [InlineData("<|c|>analysis<|m|>I see.<|end|><|s|>assist", "I see.", "<|s|>assist")]
    public void HeadersOfChannelsAreNoText(string answer, string reasoning, string text)
    {
        ReasoningFormat format = new("<|c|>analysis<|m|>", "<|end|>") { Header = "<|s|>assistant<|c|>final<|m|>", DirectHeader = "<|c|>final<|m|>" };
        for (int length = 1; length <= answer.Length; length++)
        {
            ReasoningSplitter splitter = new(format, isOpen: false);
            (string Reasoning, string Text)[] got = [.. answer.Chunk(length).Append([]).Select(piece => splitter.Push(new string(piece), isLast: piece.Length == 0))];
            Assert.Equal((reasoning, text), (string.Concat(got.Select(piece => piece.Reasoning)), string.Concat(got.Select(piece => piece.Text))));
        }
    }

    [Theory]
    [InlineData("{{ '<think>' }} {{ '</think>' }}", "<think>")]
    [InlineData("[THINK] [/THINK]", "[THINK]")]
    [InlineData("no thought", null)]
    public void ATemplateTellsTheMarkers(string template, string? open) => Assert.Equal(open, ReasoningFormat.Of(template)?.Open);

    [Theory]
    [InlineData("<|im_start|>assistant\n<think>\n", true, true)]
    [InlineData("<|im_start|>assistant\n<think>\n\n</think>\n\n", true, false)]
    [InlineData("<|im_start|>assistant\n", true, false)]
    [InlineData("<think>", false, false)]
    public void APromptTellsWhetherReasoningHasBegun(string end, bool isTemplate, bool isOpen) =>
        Assert.Equal(isOpen, Think.IsOpenAfter([new TextPart("<think>", true), new TextPart("user", false), new TextPart(end, isTemplate)]));

    /// <summary>As Solar's do, whose header of a text names the role as that of calls does.</summary>
    [Theory]
    [InlineData("Hm.<|end|><|begin|>assistant<|tool_calls|>call", "<|tool_calls|>call")]
    [InlineData("Hm.<|end|><|begin|>assistant<|content|>text", "text")]
    [InlineData("Hm.<|end|><|begin|>assistants", "<|begin|>assistants")]
    [InlineData("Hm.<|end|><b>text", "<b>text")]
    [InlineData("Hm.<|end|><|begin|>assistant<", "<")]
    public void WhatATextsHeaderHasInCommonWithWhatBeginsCallsIsNoText(string answer, string text)
    {
        ReasoningFormat format = new("<|think|>", "<|end|>") { Header = "<|begin|>assistant<|content|>" };
        for (int size = 1; size <= answer.Length; size++)
        {
            ReasoningSplitter splitter = new(format, isOpen: true);
            (string Reasoning, string Text)[] read = [.. answer.Chunk(size).Select(piece => splitter.Push(new string(piece))), splitter.Push("", isLast: true)];

            Assert.Equal(("Hm.", text), (string.Concat(read.Select(part => part.Reasoning)), string.Concat(read.Select(part => part.Text))));
        }
    }
}
