using EmbeddedLlm.Client;
using EmbeddedLlm.Templates;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Tests.Client;

public sealed class PromptBoundariesTests
{
    private const string ChatMl =
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content.split('</think>')[-1] | trim }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

    private const string NoSystem = "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}[{{ m.role }}]{{ m.content }}{% endfor %}{% if add_generation_prompt %}>{% endif %}";

    private static readonly ChatMessage System = new(ChatRole.System, "Be brief.");

    [Fact]
    public void TheFirstTurnPartsAfterTheInstructionsAndBeforeTheAnswer() =>
        Assert.Equal(
            ["<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n", "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant"],
            Find(ChatMl, [System, User("Hello")]));

    [Fact]
    public void ALaterTurnPartsAtItsLastMessageToo() =>
        Assert.Equal(
            ["<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n", "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\nHi<|im_end|>\n<|im_start|>user\n"],
            Find(ChatMl, [System, User("Hello"), new(ChatRole.Assistant, "Hi"), User("And?")])[..2]);

    [Fact]
    public void WhatTheAnswerBeginsWithAndTheHistoryLeavesOutIsNotPartOfIt() =>
        Assert.Equal(
            "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n",
            Find(ChatMl.Replace("assistant\n{%", "assistant\n<think>\n{%", StringComparison.Ordinal), [User("Hello")])[^1]);

    [Theory]
    [InlineData("x-ray")]
    [InlineData("  x-ray")]
    [InlineData("yes")]
    public void AMessageThatBeginsLikeTheProbeIsNotTakenForIt(string text) => Assert.Equal("<|im_start|>user\n", Find(ChatMl, [User(text)])[0]);

    [Fact]
    public void WhatTheTemplateRefusesIsNoBoundary() => Assert.Empty(PromptBoundaries.Find([System, User("a")], [1, 2, 3], hasInstructions: false, Build(NoSystem)));

    [Fact]
    public void TheCommonBeginningEndsWhereTheUsersTextBegins()
    {
        int[] tokens = PromptBoundaries.CommonBeginning([System], Build(ChatMl));
        Assert.Equal("<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n", Text(tokens));
    }

    [Fact]
    public void TheCommonBeginningOfNothingIsWhatTheTemplateBeginsWith() => Assert.Equal("<|im_start|>user\n", Text(PromptBoundaries.CommonBeginning([], Build(ChatMl))));

    [Fact]
    public void ATemplateThatRefusesTheMessagesIsTold() => Assert.Throws<ChatTemplateException>(() => PromptBoundaries.CommonBeginning([System], Build(NoSystem)));

    private static string[] Find(string template, ChatMessage[] messages)
    {
        int[] tokens = Build(template)(messages);
        return [.. PromptBoundaries.Find(messages, tokens, hasInstructions: false, Build(template)).Select(count => Text(tokens[..count]))];
    }

    /// <summary>Each character is a token.</summary>
    private static Func<IReadOnlyList<ChatMessage>, int[]> Build(string template)
    {
        PromptBuilder builder = new(ChatTemplate.Parse(template, name: "test"), "", "");
        return messages => [.. builder.Build(messages, null, null, CancellationToken.None).SelectMany(part => part.Text).Select(character => (int)character)];
    }

    private static string Text(int[] tokens) => string.Concat(tokens.Select(token => (char)token));

    private static ChatMessage User(string text) => new(ChatRole.User, text);
}
