using EmbeddedLlm.Client;
using EmbeddedLlm.Runtime;
using EmbeddedLlm.Templates;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Tests.Client;

public sealed class ReasoningSupportTests
{
    private const string Channels = """
        {%- for m in messages -%}
        {%- if m.role == 'assistant' -%}
        {%- if m.thinking is defined -%}<|start|>assistant<|channel|>analysis<|message|>{{ m.thinking }}<|end|>{%- endif -%}
        <|start|>assistant<|channel|>final<|message|>{{ m.content }}<|return|>
        {%- else -%}<|start|>{{ m.role }}<|message|>{{ m.content }}<|end|>{%- endif -%}
        {%- endfor -%}
        {%- if add_generation_prompt -%}<|start|>assistant{%- endif -%}
        """;

    [Fact]
    public void ChannelsAreLearnedFromTheTemplate()
    {
        ReasoningSupport support = Learn(Channels);
        Assert.Equal("thinking", support.MessageKey);
        Assert.Equal(("<|channel|>analysis<|message|>", "<|end|>"), (support.Format!.Open, support.Format.Close));
        Assert.Equal(("<|start|>assistant<|channel|>final<|message|>", "<|channel|>final<|message|>"), (support.Format.Header, support.Format.DirectHeader));
        Assert.Equal("<|end|><|start|>assistant<|channel|>final<|message|>", support.Format.Closing);
        Assert.Superset(new HashSet<string> { "<|channel|>", "<|message|>", "<|end|>", "<|start|>" }, support.Format.Markers().ToHashSet());
    }

    [Fact]
    public void MarkersThatNobodyHasSeenAreLearned()
    {
        ReasoningFormat format = Learn("{% for m in messages %}[{{ m.role }}]{% if m.reasoning_content %}<muse>{{ m.reasoning_content }}</muse>\n{% endif %}{{ m.content }}{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}").Format!;
        Assert.Equal(("<muse>", "</muse>", "", "</muse>\n"), (format.Open, format.Close, format.Header, format.Closing));
    }

    [Fact]
    public void AMarkerThatThePromptWritesIsLearned()
    {
        ReasoningFormat format = Learn("{% for m in messages %}[{{ m.role }}]{% if m.reasoning_content %}<muse>{{ m.reasoning_content }}</muse>{% endif %}{{ m.content }}{% endfor %}{% if add_generation_prompt %}[assistant]<muse>{% endif %}").Format!;
        Assert.Equal(("<muse>", "</muse>"), (format.Open, format.Close));
        Assert.True(format.IsOpenAfter([new TextPart("[assistant]<muse>", true)]));
    }

    /// <summary>As MiniMax-M3's does, which takes other models' thoughts off earlier answers.</summary>
    [Fact]
    public void MarkersThatAreWrittenGoBeforeThoseThatAreOnlyKnown()
    {
        ReasoningFormat format = Learn(
            "{% for m in messages %}[{{ m.role }}]{% if m.reasoning_content %}<mm:think>{{ m.reasoning_content }}</mm:think>\n\n{% endif %}{{ m.content.split('</think>')[-1] }}{% endfor %}{% if add_generation_prompt %}[assistant]<mm:think>{% endif %}").Format!;
        Assert.Equal(("<mm:think>", "</mm:think>", "</mm:think>\n\n"), (format.Open, format.Close, format.Closing));
    }

    /// <summary>As Kimi K3's do, where an answer without thoughts begins with the same marker.</summary>
    [Fact]
    public void ThoughtsMayBeginWithAMarkerThatEndsOtherThingsToo()
    {
        ReasoningSupport support = Learn(
            "{% set thinking = thinking is undefined or thinking %}{% for m in messages %}<|open|>{{ m.role }}<|sep|>{% if m.role == 'assistant' %}"
            + "{% if thinking %}<|open|>think<|sep|>{{ m.reasoning_content }}<|close|>think<|sep|>{% endif %}<|open|>response<|sep|>{% endif %}{{ m.content }}<|close|>{{ m.role }}<|sep|>{% endfor %}"
            + "{% if add_generation_prompt %}<|open|>assistant<|sep|><|open|>{{ 'think' if thinking else 'response' }}<|sep|>{% endif %}");
        ReasoningFormat format = support.Format!;
        Assert.Equal(("<|open|>think<|sep|>", "<|close|>", "think<|sep|><|open|>response<|sep|>"), (format.Open, format.Close, format.Header));
        Assert.True(format.IsOpenAfter([new TextPart("<|close|>user<|sep|><|open|>assistant<|sep|><|open|>think<|sep|>", true)]));
        Assert.False(format.IsOpenAfter([new TextPart("<|close|>user<|sep|><|open|>assistant<|sep|><|open|>response<|sep|>", true)]));
    }

    /// <summary>As Apertus' are, which have no name beside the text's, and in which it calls.</summary>
    [Theory]
    [InlineData("", true)]
    [InlineData("<|inner_end|>", false)]
    public void ThoughtsMayBeABlockOfTheContent(string beforeCalls, bool holdsCalls)
    {
        ReasoningFormat format = Learn(
            "{% for m in messages %}<|{{ m.role }}|>{% if m.content is string %}{{ m.content }}{% else %}{% for b in m.content.blocks %}{% if b.type == 'thoughts' %}<|inner|>{{ b.text }}"
            + "{% elif b.type == 'tool_calls' %}" + beforeCalls + "<|tools|>{% for c in b.calls %}{{ c.name }}{{ c.arguments }}{% endfor %}{% else %}<|inner_end|>{{ b.text }}{% endif %}{% endfor %}{% endif %}<|end|>{% endfor %}"
            + "{% if add_generation_prompt %}<|assistant|>{% endif %}").Format!;
        Assert.Equal(("<|inner|>", "<|inner_end|>", holdsCalls, null), (format.Open, format.Close, format.EndsAtCalls, format.TextEnd));
    }

    [Fact]
    public void ThoughtsMayBeAPartOfTheContent()
    {
        ReasoningFormat format = Learn(
            "{% for m in messages %}<|{{ m.role }}|>{% if m.content is string %}{{ m.content }}{% else %}{% for b in m.content %}{% if b.type == 'thinking' %}<|mull|>{{ b.thinking }}<|/mull|>{% else %}{{ b.text }}{% endif %}{% endfor %}{% endif %}<|end|>{% endfor %}"
            + "{% if add_generation_prompt %}<|assistant|>{% endif %}").Format!;
        Assert.Equal(("<|mull|>", "<|/mull|>", false), (format.Open, format.Close, format.EndsAtCalls));
    }

    /// <summary>As Apriel's are, whose prompt ends with a sentence that begins them.</summary>
    [Fact]
    public void APhraseInBracketsEndsThoughtsThatThePromptBegins()
    {
        ReasoningFormat format = Learn(
            "{% for m in messages %}<turn>{{ m.role }}:{% if m.reasoning_content %}{{ m.reasoning_content }}\n[MY FINAL ANSWER]\n{% endif %}{{ m.content }}{% endfor %}"
            + "{% if add_generation_prompt %}<turn>assistant:My thoughts:\n{% endif %}").Format!;
        Assert.Equal(("<turn>assistant:", "[MY FINAL ANSWER]", "\n[MY FINAL ANSWER]\n", ""), (format.Open, format.Close, format.Closing, format.Header));
        Assert.True(format.IsOpenAfter([new TextPart("<turn>assistant:My thoughts:\n", true)]));
        Assert.Contains("[MY FINAL ANSWER]", format.Markers());
    }

    [Theory]
    [InlineData("reasoning_content", null)]
    [InlineData("thinking", "thinking")]
    [InlineData("reasoning", "reasoning")]
    [InlineData("thought", "thought")]
    public void ThoughtsMayHaveANameOfTheTemplatesOwn(string name, string? key)
    {
        ReasoningSupport support = Learn($$$"""{% for m in messages %}[{{ m.role }}]{% if m.{{{name}}} %}<|muse|>{{ m.{{{name}}} }}<|done|>{% endif %}{{ m.content }}{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}""");
        Assert.Equal(("<|muse|>", "<|done|>", key), (support.Format?.Open, support.Format?.Close, support.MessageKey));
    }

    /// <summary>As Gemma 4's template does, which leaves the thoughts of earlier messages out.</summary>
    [Theory]
    [InlineData("<|channel>thought\\n<channel|>", "<|channel>thought", "<channel|>", "<channel|>")]
    [InlineData("<muse>\\n\\n</muse>\\n\\n", "<muse>", "</muse>", "</muse>\n\n")]
    public void AnEmptyBlockWhereTheModelIsNotToThinkTellsTheMarkers(string block, string open, string close, string closing)
    {
        ReasoningFormat format = Learn($$$"""{% for m in messages %}<turn>{{ m.role }}:{{ m.content }}</turn>{% endfor %}{% if add_generation_prompt %}<turn>model:{% if not enable_thinking | default(false) %}{{ '{{{block}}}' }}{% endif %}{% endif %}""").Format!;
        Assert.Equal((open, close, closing, ""), (format.Open, format.Close, format.Closing, format.Header));
    }

    /// <summary>As later templates of Gemma 4 do.</summary>
    [Fact]
    public void ThoughtsThatAreWrittenAheadOfCallsOnlyTellTheMarkers()
    {
        ReasoningFormat format = Learn(
            "{% for m in messages %}<turn>{{ m.role }}:{% if m.reasoning_content and m.tool_calls %}<|channel>thought\n{{ m.reasoning_content }}\n<channel|>{% endif %}"
            + "{% for c in m.tool_calls %}<call>{{ c.function.name }}<end>{% endfor %}{{ m.content }}</turn>{% endfor %}{% if add_generation_prompt %}<turn>assistant:{% endif %}").Format!;
        Assert.Equal(("<|channel>thought", "<channel|>", "\n<channel|>", "", ""), (format.Open, format.Close, format.Closing, format.Header, format.DirectHeader));
    }

    /// <summary>As EXAONE Deep's and others do, which write no thoughts of earlier messages.</summary>
    [Theory]
    [InlineData("<thought>\\n{% if '</thought>' in messages[0].content %}{% endif %}", "<thought>", "</thought>")]
    [InlineData("<think>\\n", "<think>", "</think>")]
    [InlineData("[MUSE]{# [/MUSE] #}", "[MUSE]", "[/MUSE]")]
    [InlineData("{% if enable_thinking %}<muse>\\n{% endif %}{# </muse> #}", "<muse>", "</muse>")]
    public void ATagThatEndsThePromptOnlyBeginsReasoning(string end, string open, string close)
    {
        ReasoningFormat format = Learn($$$"""{% for m in messages %}<turn>{{ m.role }}:{{ m.content }}</turn>{% endfor %}{% if add_generation_prompt %}<turn>model:{{{end}}}{% endif %}""".Replace("\\n", "{{ '\\n' }}", StringComparison.Ordinal)).Format!;
        Assert.Equal((open, close, close, ""), (format.Open, format.Close, format.Closing, format.Header));
    }

    [Theory]
    [InlineData("<model>")]
    [InlineData("<|model|>")]
    [InlineData("</muse>")]
    [InlineData("<muse>")]
    [InlineData("[0]")]
    public void ATagThatBeginsEveryAnswerOrClosesBeginsNoReasoning(string tag) => Assert.Null(
        Learn($$$"""{% for m in messages %}{% if m.role == 'assistant' %}<model>{% endif %}{{ m.content }}</turn>{% endfor %}{% if add_generation_prompt %}{{{tag}}}{% endif %}""").Format);

    [Theory]
    [InlineData("<think_off>")]
    [InlineData("no thoughts")]
    [InlineData("<a><b><c>")]
    public void WhatIsNoEmptyBlockTellsNoMarkers(string block) => Assert.Null(
        Learn($$$"""{% for m in messages %}<turn>{{ m.role }}:{{ m.content }}</turn>{% endfor %}{% if add_generation_prompt %}<turn>model:{% if not enable_thinking %}{{{block}}}{% endif %}{% endif %}""").Format);

    [Fact]
    public void ATemplateWithoutReasoningHasNoFormatAndNoSwitches()
    {
        ReasoningSupport support = Learn(ChatTemplate.ChatMl.Source);
        Assert.Null(support.Format);
        Assert.False(support.HasSwitches);
    }

    [Theory]
    [InlineData("{{ enable_thinking }}", ReasoningEffort.None, "enable_thinking=False")]
    [InlineData("{{ enable_thinking }}", ReasoningEffort.Low, "enable_thinking=True")]
    [InlineData("{{ enable_thinking }}", null, "")]
    [InlineData("{{ thinking }}", ReasoningEffort.None, "thinking=False")]
    [InlineData("{{ thinking_mode }}", ReasoningEffort.None, "thinking_mode=disabled")]
    [InlineData("{{ reasoning_effort }}", ReasoningEffort.Medium, "reasoning_effort=medium")]
    [InlineData("{{ reasoning_effort }}", ReasoningEffort.ExtraHigh, "reasoning_effort=high")]
    [InlineData("{{ reasoning_effort }}", ReasoningEffort.None, "reasoning_effort=low")]
    [InlineData("{{ reasoning_effort in ['no_think', 'low', 'high'] }}", ReasoningEffort.None, "reasoning_effort=no_think")]
    [InlineData("{{ reasoning_effort in ['no_think', 'low', 'high'] }}", ReasoningEffort.Medium, "reasoning_effort=high")]
    [InlineData("{{ thinking_effort in ['low', 'high', 'max'] }}", ReasoningEffort.ExtraHigh, "thinking_effort=max")]
    [InlineData("{{ reasoning_effort == 'max' }}", ReasoningEffort.High, "reasoning_effort=high")]
    [InlineData("{{ reasoning_effort == 'max' }}", ReasoningEffort.ExtraHigh, "reasoning_effort=max")]
    [InlineData("{{ '/no_think' in messages[0].content }}", ReasoningEffort.None, "system=/no_think")]
    [InlineData("{{ '/no_think' in messages[0].content }}", ReasoningEffort.High, "")]
    [InlineData("{{ '/no_think' in messages[0].content and enable_thinking }}", ReasoningEffort.None, "enable_thinking=False")]
    public void AnEffortIsSaidInTheTemplatesOwnWords(string template, ReasoningEffort? effort, string said)
    {
        (Dictionary<string, TemplateValue> arguments, string? system) = Learn(template).Switch(effort, budget: null);
        IEnumerable<string> all = arguments.Select(argument => $"{argument.Key}={Show(argument.Value)}");
        Assert.Equal(said, string.Join(' ', system is null ? all : all.Append($"system={system}")));
    }

    [Fact]
    public void ABudgetIsSaidWhereTheTemplateAsks() => Assert.Equal("512", Show(Learn("{{ thinking_budget }}").Switch(null, 512).Arguments["thinking_budget"]));

    [Theory]
    [InlineData("Qwen-Qwen3-0.6B", "<think>", "</think>", "\n</think>\n\n", true)]
    [InlineData("openai-gpt-oss-120b", "<|channel|>analysis<|message|>", "<|end|>", "<|end|><|start|>assistant<|channel|>final<|message|>", true)]
    [InlineData("deepseek-ai-DeepSeek-R1-Distill-Llama-8B", "<think>", "</think>", "</think>", false)]
    [InlineData("CohereForAI-c4ai-command-r7b-12-2024-tool_use", "<|START_THINKING|>", "<|END_THINKING|>", "<|END_THINKING|>", true)]
    [InlineData("GLM-4.6", "<think>", "</think>", "</think>\n", true)]
    [InlineData("HuggingFaceTB-SmolLM3-3B", "<think>", "</think>", "</think>", true)]
    [InlineData("Qwen-Qwen2.5-7B-Instruct", null, null, null, false)]
    [InlineData("meta-llama-Llama-3.1-8B-Instruct", null, null, null, false)]
    [InlineData("mistralai-Mistral-Nemo-Instruct-2407", null, null, null, false)]
    public void RealTemplatesTellTheirReasoning(string name, string? open, string? close, string? closing, bool hasSwitches)
    {
        ReasoningSupport support = Learn(File.ReadAllText(SharedData.Require("data", "templates", $"{name}.jinja")));
        Assert.Equal((open, close, closing), (support.Format?.Open, support.Format?.Close, support.Format?.Closing));
        Assert.Equal(hasSwitches, support.HasSwitches);
    }

    /// <summary>Whatever the effort, a template that renders without one renders with it.</summary>
    [Fact]
    public void NoRealTemplateRefusesAnEffort()
    {
        int reasoning = 0;
        foreach (string path in Directory.GetFiles(SharedData.Require("data", "templates"), "*.jinja"))
        {
            PromptBuilder prompts = new(ChatTemplate.Parse(File.ReadAllText(path)), "<s>", "</s>");
            ChatMessage[] messages = [new(ChatRole.User, "u")];
            foreach (ReasoningEffort effort in Enum.GetValues<ReasoningEffort>())
            {
                (Dictionary<string, TemplateValue> arguments, string? system) = prompts.Reasoning.Switch(effort, budget: 100);
                reasoning += arguments.Count;
                prompts.Build(messages, new PromptRequest { Arguments = arguments, SystemSwitch = system }, CancellationToken.None);
            }
        }

        Assert.True(reasoning > 10);
    }

    [Fact]
    public void NoneClosesTheBlockInAQwen3Prompt()
    {
        PromptBuilder prompts = new(ChatTemplate.Parse(File.ReadAllText(SharedData.Require("data", "templates", "Qwen-Qwen3-0.6B.jinja"))), "", "<|im_end|>");
        Assert.EndsWith("<|im_start|>assistant\n", Prompt(null), StringComparison.Ordinal);
        Assert.EndsWith("<|im_start|>assistant\n<think>\n\n</think>\n\n", Prompt(ReasoningEffort.None), StringComparison.Ordinal);

        string Prompt(ReasoningEffort? effort) => string.Concat(prompts.Build(
            [new(ChatRole.User, "u")], new PromptRequest { Arguments = prompts.Reasoning.Switch(effort, null).Arguments }, CancellationToken.None).Select(part => part.Text));
    }

    private static ReasoningSupport Learn(string template) => ReasoningSupport.Learn(ChatTemplate.Parse(template), "<s>", "</s>");

    private static string Show(TemplateValue value) => string.Concat(ChatTemplate.Parse("{{ x }}").Render(new Dictionary<string, TemplateValue> { ["x"] = value }).Parts.Select(part => part.Text));
}
