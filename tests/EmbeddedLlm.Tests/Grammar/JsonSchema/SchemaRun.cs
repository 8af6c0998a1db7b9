using System.Text;
using System.Text.Json;
using EmbeddedLlm.Grammars;

namespace EmbeddedLlm.Tests.Grammars;

/// <summary>Compiles schemas for tests, which may write <c>'</c> for <c>"</c>, and walks through their grammars.</summary>
internal static class SchemaRun
{
    public static string Json(string text) => text.Replace('\'', '"');

    public static Grammar Compile(string schema, JsonSchemaGrammarOptions? options = null)
    {
        using JsonDocument document = JsonDocument.Parse(Json(schema), new JsonDocumentOptions { MaxDepth = 100_000 });
        return JsonSchemaCompiler.CompileGrammar(document.RootElement, options ?? JsonSchemaGrammarOptions.Default);
    }

    public static bool Accepts(this Grammar grammar, string text) => grammar.Accepts(Encoding.UTF8.GetBytes(Json(text)));

    /// <summary>
    /// Writes a text byte by byte, each drawn from those that are allowed; quotes and closing brackets often, so that it comes to an end. Fails where nothing is allowed and the
    /// text may not end; null where it has not ended within the limit.
    /// </summary>
    public static byte[]? Write(Grammar grammar, Random random, int limit = 3_000)
    {
        List<byte> text = [];
        Configuration configuration = grammar.Machine.Root;
        for (int i = 0; i < limit; i++)
        {
            List<byte> allowed = [];
            for (int next = 0; next < 256; next++)
            {
                if (configuration.Next((byte)next) is not null)
                    allowed.Add((byte)next);
            }

            if (configuration.IsComplete && (allowed.Count == 0 || random.Next(3) == 0))
                return [.. text];
            Assert.True(allowed.Count > 0, $"A dead end after {Encoding.UTF8.GetString([.. text])}");
            byte drawn = allowed[random.Next(allowed.Count)];
            if (random.Next(3) > 0)
            {
                foreach (byte closing in "\"}]"u8)
                {
                    if (allowed.Contains(closing))
                    {
                        drawn = closing;
                        break;
                    }
                }
            }

            text.Add(drawn);
            configuration = configuration.Next(drawn)!;
        }

        return null;
    }

    /// <summary>Whether some text follows after a beginning.</summary>
    public static bool AllowsAfter(this Configuration configuration, string beginning)
    {
        foreach (byte next in Encoding.UTF8.GetBytes(Json(beginning)))
        {
            if (configuration.Next(next) is not { } further)
                return false;
            configuration = further;
        }

        return true;
    }
}
