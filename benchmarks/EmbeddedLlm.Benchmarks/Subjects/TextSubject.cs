using System.Runtime.CompilerServices;
using EmbeddedLlm.Benchmarks.Results;
using EmbeddedLlm.Client;
using EmbeddedLlm.Templates;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Benchmarks.Subjects;

/// <summary>Text to tokens and back.</summary>
internal sealed class TokenizerWork
{
    private const string Sentence = "The quick brown fox, born in 1987, doesn't jump over 3 lazy dogs: \"größer\" 日本語 🦊\n";

    private readonly EmbeddedModel _model;
    private readonly string _text;
    private readonly int[] _tokens;

    public TokenizerWork(EmbeddedModel model, int sentences)
    {
        _model = model;
        _text = string.Concat(Enumerable.Repeat(Sentence, sentences));
        _tokens = model.Tokenize(_text);
    }

    public int TokenCount => _tokens.Length;

    public int[] Tokenize() => _model.Tokenize(_text);

    public string Detokenize() => _model.Detokenize(_tokens);
}

/// <summary>A conversation's way through a chat template.</summary>
internal sealed class TemplateWork
{
    /// <summary>As most models have it: a system message first, roles by turns, a reasoning part that is cut off.</summary>
    private const string Source =
        "{%- if messages[0]['role'] == 'system' -%}{{- '<|im_start|>system\\n' + messages[0]['content'] + '<|im_end|>\\n' -}}"
        + "{%- else -%}{{- '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' -}}{%- endif -%}"
        + "{%- for message in messages -%}"
        + "{%- if message.role == 'user' or (message.role == 'system' and not loop.first) -%}{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' -}}"
        + "{%- elif message.role == 'assistant' -%}{%- set content = message.content -%}"
        + "{%- if '</think>' in content -%}{%- set content = content.split('</think>')[-1].lstrip('\\n') -%}{%- endif -%}"
        + "{{- '<|im_start|>' + message.role + '\\n' + content + '<|im_end|>' + '\\n' -}}{%- endif -%}{%- endfor -%}"
        + "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}";

    private readonly ChatTemplate _template = ChatTemplate.Parse(Source);
    private readonly PromptBuilder _builder;
    private readonly ChatMessage[] _messages;

    public TemplateWork(int turns)
    {
        _builder = new PromptBuilder(_template, "", "<|im_end|>");
        _messages =
        [
            new ChatMessage(ChatRole.System, "Answer in one sentence."),
            .. Enumerable.Range(0, (2 * turns) - 1).Select(i => new ChatMessage(
                i % 2 == 0 ? ChatRole.User : ChatRole.Assistant, $"This is message number {i}, and it is as long as a short question or an answer to it may be.")),
        ];
    }

    /// <summary>The parts of the prompt.</summary>
    public int Render() => _builder.Build(_messages, instructions: null, tools: null, CancellationToken.None).Count;

    public ChatTemplate Parse() => ChatTemplate.Parse(Source);
}

internal static class TextSubject
{
    private const int Sentences = 100;

    public static async IAsyncEnumerable<Figure> TokenizerAsync(RunSettings settings, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (string name in settings.Models)
        {
            EmbeddedModelOptions options = settings.CreateOptions();
            options.ContextLength = 512;
            await using EmbeddedModel model = await EmbeddedModel.LoadAsync(BenchmarkFiles.Resolve(name, cancellationToken), options, cancellationToken: cancellationToken);
            FigureMaker maker = new("tokenizer", settings, name);
            TokenizerWork work = new(model, Sentences);
            Spread tokenize = MicroMeasurement.Microseconds(() => work.Tokenize(), settings.Budget);
            Spread detokenize = MicroMeasurement.Microseconds(() => work.Detokenize(), settings.Budget);
            yield return maker.Of("text to tokens", FigureUnit.TokensPerSecond, tokenize.Divide(work.TokenCount * 1e6)) with { Remark = $"{work.TokenCount} tokens" };
            yield return maker.Of("tokens to text", FigureUnit.TokensPerSecond, detokenize.Divide(work.TokenCount * 1e6)) with { Remark = $"{work.TokenCount} tokens" };
        }
    }

    public static IEnumerable<Figure> Template(RunSettings settings)
    {
        FigureMaker maker = new("template", settings);
        foreach (int turns in (int[])[1, 20])
        {
            TemplateWork work = new(turns);
            yield return maker.Of($"render {Plural.Of(turns, "turn")}", FigureUnit.Microseconds, MicroMeasurement.Microseconds(() => work.Render(), settings.Budget));
            if (turns == 1)
                yield return maker.Of("parse", FigureUnit.Microseconds, MicroMeasurement.Microseconds(() => work.Parse(), settings.Budget));
        }
    }
}
