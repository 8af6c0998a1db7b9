using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using EmbeddedLlm.Grammars;

namespace EmbeddedLlm.Tests.Grammars;

/// <summary>Real schemas with instances that others have judged, where they lie beside the checkout.</summary>
public sealed class JsonSchemaScoreTests
{
    [Fact]
    public void NoInvalidInstanceOfMaskBenchIsAcceptedAndNearlyAllSchemasPass()
    {
        Score score = Judge(SharedData.Require("data", "schemas", "maskbench-dev.jsonl"), []);
        Assert.Empty(score.InvalidAccepted);
        Assert.True(score.ValidRefused.Count <= 5, string.Join(", ", score.ValidRefused));
        Assert.True(score.Passed >= 0.99 * score.Schemas, $"{score.Passed} of {score.Schemas} pass");
    }

    [Fact]
    public void NoInvalidInstanceOfTheTestSuiteIsAccepted()
    {
        // Formats as assertions and other documents are left out: the draft makes the one optional, and the other is not read.
        Score score = Judge(SharedData.Require("data", "schemas", "json-schema-test-suite-2020-12.jsonl"), ["format:", "optional/format", "refRemote:"]);
        Assert.Empty(score.InvalidAccepted);
        // Its metaschema, which is not read, takes the assertions out of the language.
        Assert.All(score.ValidRefused, name => Assert.StartsWith("vocabulary:", name));
        Assert.True(score.Passed >= 0.93 * score.Schemas, $"{score.Passed} of {score.Schemas} pass");
    }

    [Fact]
    public void WhatIsWrittenAtRandomForRealSchemasEndsAndIsReadBack()
    {
        Random random = new(5);
        int written = 0;
        int number = 0;
        foreach (string line in File.ReadLines(SharedData.Require("data", "schemas", "maskbench-dev.jsonl")))
        {
            if (number++ % 8 != 0)
                continue;
            using JsonDocument document = JsonDocument.Parse(line, new JsonDocumentOptions { MaxDepth = 1_000 });
            JsonElement schema = document.RootElement.GetProperty("schema");
            try
            {
                Grammar writer = JsonSchemaCompiler.CompileGrammar(schema, JsonSchemaGrammarOptions.Default);
                if (writer.Machine.Root is { Items.Length: 0, IsComplete: false } || SchemaRun.Write(writer, random) is not { } text)
                    continue;
                Grammar reader = JsonSchemaCompiler.CompileGrammar(schema, JsonSchemaGrammarOptions.Reading);
                Assert.True(reader.Accepts(text), $"{document.RootElement.GetProperty("name")}: {Encoding.UTF8.GetString(text)}");
                written++;
            }
            catch (GrammarException)
            {
                // Counted by the other tests.
            }
        }

        Assert.True(written > 250, $"{written} texts");
    }

    private static Score Judge(string path, string[] leftOut)
    {
        Score score = new();
        foreach (string line in File.ReadLines(path))
        {
            using JsonDocument document = JsonDocument.Parse(line, new JsonDocumentOptions { MaxDepth = 1_000 });
            string name = document.RootElement.GetProperty("name").GetString()!;
            if (leftOut.Any(prefix => name.StartsWith(prefix, StringComparison.Ordinal)))
                continue;
            score.Schemas++;
            Grammar grammar;
            try
            {
                grammar = JsonSchemaCompiler.CompileGrammar(document.RootElement.GetProperty("schema"), JsonSchemaGrammarOptions.Reading);
            }
            catch (GrammarException)
            {
                continue;
            }

            bool isPassed = true;
            foreach (JsonElement test in document.RootElement.GetProperty("tests").EnumerateArray())
            {
                bool isValid = test.GetProperty("valid").GetBoolean();
                if (grammar.Accepts(JsonMarshal.GetRawUtf8Value(test.GetProperty("data"))) == isValid)
                    continue;
                isPassed = false;
                (isValid ? score.ValidRefused : score.InvalidAccepted).Add(name);
            }

            score.Passed += isPassed ? 1 : 0;
        }

        return score;
    }

    private sealed class Score
    {
        public int Schemas { get; set; }

        public int Passed { get; set; }

        public List<string> ValidRefused { get; } = [];

        public List<string> InvalidAccepted { get; } = [];
    }
}
