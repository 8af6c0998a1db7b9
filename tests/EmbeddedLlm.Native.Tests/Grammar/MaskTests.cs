using System.Text.Json;
using EmbeddedLlm.SyntheticModels;
using EmbeddedLlm.Tests;
using EmbeddedLlm.Tokens;

namespace EmbeddedLlm.Native.Tests.Grammars;

/// <summary>Masks of real vocabularies against the plain definition: a token may come where the matcher takes its bytes.</summary>
public sealed class MaskTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<string> Vocabularies => ["ggml-vocab-llama-bpe.gguf", "ggml-vocab-llama-spm.gguf", "ggml-vocab-qwen2.gguf"];

    /// <summary>Walks of random allowed tokens through many schemas; at random places of them each token of the vocabulary is tried by itself.</summary>
    [Theory]
    [MemberData(nameof(Vocabularies))]
    public async Task AMaskAllowsTheTokensThatTheMatcherTakes(string vocabularyFile)
    {
        string schemas = SharedData.Require("data", "schemas", "maskbench-dev.jsonl");
        using TemporaryFolder folder = new();
        await using EmbeddedModel model = await LoadAsync(vocabularyFile, folder);
        GrammarVocabulary vocabulary = model.GrammarVocabulary;
        Random random = new(vocabularyFile.Length);
        int compared = 0;
        foreach (Grammar grammar in Grammars(schemas, every: 37, random))
        {
            GrammarMatcher matcher = vocabulary.CreateMatcher(grammar);
            ulong[] mask = new ulong[matcher.MaskLength];
            int steps = random.Next(1, 40);
            for (int step = 0; step < steps && !matcher.IsFinished; step++)
            {
                matcher.WriteMask(mask);
                int[] allowed = [.. Enumerable.Range(0, vocabulary.TokenCount).Where(token => TokenMask.Contains(mask, token) && !vocabulary.EndTokens.Contains(token))];
                if (allowed.Length == 0)
                    break;
                Assert.True(matcher.TryAdvance(allowed[random.Next(allowed.Length)]));
            }

            AssertSame(matcher, mask, vocabulary.TokenCount);
            compared++;
        }

        Assert.True(compared > 50);
    }

    [Theory]
    [MemberData(nameof(Vocabularies))]
    public async Task ForcedTokensAreWhatTheMatcherTakes(string vocabularyFile)
    {
        using TemporaryFolder folder = new();
        await using EmbeddedModel model = await LoadAsync(vocabularyFile, folder);
        Grammar grammar = Grammar.FromJsonSchema(JsonElement.Parse(
            """{"type":"object","properties":{"customerAcceptedTerms":{"type":"boolean"},"größe_大":{"const":"näh\"er"}},"required":["customerAcceptedTerms","größe_大"],"additionalProperties":false}"""));
        GrammarMatcher matcher = model.GrammarVocabulary.CreateMatcher(grammar);
        int[] forced = [.. matcher.ForcedTokens(text => model.Tokenize(text))];
        Assert.NotEmpty(forced);
        Assert.All(forced, token => Assert.True(matcher.TryAdvance(token)));
        Assert.StartsWith("""{"customerAccepted""", model.Detokenize(forced), StringComparison.Ordinal);

        Assert.True(matcher.TryAdvance("""{"customerAcceptedTerms": true"""u8[model.DetokenizeToBytes(forced).Length..]));
        Assert.Equal(""", "größe_大": "näh\"er"}""", model.Detokenize(matcher.ForcedTokens(text => model.Tokenize(text))));
    }

    private static void AssertSame(GrammarMatcher matcher, ulong[] mask, int tokens)
    {
        matcher.WriteMask(mask);
        GrammarCheckpoint checkpoint = matcher.Checkpoint();
        List<int> wrong = [];
        for (int token = 0; token < tokens; token++)
        {
            if (matcher.TryAdvance(token) != TokenMask.Contains(mask, token))
                wrong.Add(token);
            matcher.Rollback(checkpoint);
        }

        Assert.Empty(wrong);
    }

    private static IEnumerable<Grammar> Grammars(string schemas, int every, Random random)
    {
        int number = 0;
        foreach (string line in File.ReadLines(schemas))
        {
            if (number++ % every != 0)
                continue;
            using JsonDocument document = JsonDocument.Parse(line);
            JsonSchemaGrammarOptions options = new() { AnyPropertyOrder = random.Next(2) == 0, AllowWhiteSpace = random.Next(3) == 0, AnySpelling = random.Next(4) == 0 };
            Grammar grammar;
            try
            {
                grammar = Grammar.FromJsonSchema(document.RootElement.GetProperty("schema"), options);
            }
            catch (JsonSchemaNotSupportedException)
            {
                continue;
            }

            yield return grammar;
        }
    }

    private static async Task<EmbeddedModel> LoadAsync(string vocabulary, TemporaryFolder folder)
    {
        string path = folder.PathOf("model.gguf");
        SyntheticModel.Write(path, SyntheticShape.Tiny, SyntheticVocabulary.FromFile(SharedData.Require("data", "vocab", vocabulary)));
        return await EmbeddedModel.LoadAsync(path, new() { ChatTemplateFallback = ChatTemplateFallback.ChatMl }, cancellationToken: Cancel);
    }
}
