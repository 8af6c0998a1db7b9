using System.Buffers;
using System.Text;
using System.Text.Json;
using EmbeddedLlm.Client;
using EmbeddedLlm.SyntheticModels;
using EmbeddedLlm.Templates;
using EmbeddedLlm.Tests;
using EmbeddedLlm.Tokens;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Native.Tests.Client;

/// <summary>Calls in the tokens of real vocabularies, as they leave the engine.</summary>
public sealed class TokenByTokenTests
{
    private const string Odd = """{"text":"\"Ærø\" 東京 👩‍👩‍👧\n</tool_call> } ]","n":-7,"flag":true,"a":["x",{"y":null}]}""";

    public static TheoryData<string> Vocabularies => ["ggml-vocab-llama-bpe.gguf", "ggml-vocab-llama-spm.gguf", "ggml-vocab-qwen2.gguf"];

    [Theory]
    [MemberData(nameof(Vocabularies))]
    public async Task CallsAreReadTokenByToken(string vocabulary)
    {
        using TemporaryFolder folder = new();
        string path = folder.PathOf("model.gguf");
        SyntheticModel.Write(path, SyntheticShape.Tiny, SyntheticVocabulary.FromFile(SharedData.Require("data", "vocab", vocabulary)));
        await using EmbeddedModel model = await EmbeddedModel.LoadAsync(path, new() { ContextLength = 512 }, cancellationToken: TestContext.Current.CancellationToken);
        foreach (string template in FunctionInvocationTests.Templates.Select(row => row.Data))
        {
            ToolCallFormat format = ToolSupportLearner.Learn(ChatTemplate.Parse(await File.ReadAllTextAsync(SharedData.Require("data", "templates", template + ".jinja"), TestContext.Current.CancellationToken)), "<s>", "</s>").Format;
            // Such a vocabulary writes spaces with the character that DeepSeek's markers have, so it cannot write these.
            if (vocabulary.Contains("spm", StringComparison.Ordinal) && format.Trigger.Contains('\u2581', StringComparison.Ordinal))
                continue;
            List<(string Name, string Arguments, string? Id)> calls = [("first", Odd, "abcdefgh1")];
            if (format.Separator is not null)
                calls.Add(("second_one", "{}", "abcdefgh2"));
            AnswerReader reader = format.IsHarmony ? new(null, null, new HarmonyReader()) : new(null, new ToolCallReader(format));
            List<FunctionCallContent> read = [];
            string text = "";
            foreach (string piece in Pieces(model, format.Write(calls)).Append(null!))
            {
                (_, string more, IReadOnlyList<AIContent> found) = reader.Push(piece ?? "", isLast: piece is null);
                text += more;
                read.AddRange(found.Cast<FunctionCallContent>());
            }

            Assert.Equal("", text.Trim());
            Assert.Equal(calls.Select(call => call.Name), read.Select(call => call.Name));
            foreach (JsonProperty argument in JsonElement.Parse(Odd).EnumerateObject())
                Assert.True(JsonElement.DeepEquals(argument.Value, (JsonElement)read[0].Arguments![argument.Name]!), $"{template}: {read[0].Arguments![argument.Name]}");
        }
    }

    private static IEnumerable<string> Pieces(EmbeddedModel model, string answer)
    {
        StopController controller = new([]);
        foreach (int token in model.Tokenize(answer, parseSpecial: true))
        {
            ArrayBufferWriter<byte> text = new();
            controller.Push(model.DetokenizeToBytes([token], includeSpecial: true), text);
            yield return Encoding.UTF8.GetString(text.WrittenSpan);
        }

        ArrayBufferWriter<byte> rest = new();
        controller.Flush(rest);
        yield return Encoding.UTF8.GetString(rest.WrittenSpan);
    }
}
