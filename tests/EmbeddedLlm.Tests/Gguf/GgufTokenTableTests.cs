using System.Text;
using EmbeddedLlm.Gguf;

namespace EmbeddedLlm.Tests.Gguf;

public sealed class GgufTokenTableTests
{
    [Theory]
    [InlineData(1, 3, 0.0)]
    [InlineData(2, 9, 0.0)]
    [InlineData(3, 9, 0.05)]
    [InlineData(4, 25, 0.02)]
    [InlineData(5, 25, 0.0)]
    public void TableAgreesWithADictionary(int seed, int longest, double zeroShare)
    {
        Random random = new(seed);
        for (int round = 0; round < 50; round++)
        {
            string[] texts = [.. Enumerable.Range(0, random.Next(1, 700)).Select(_ => Text(random, longest, zeroShare))];
            GgufTokenTable table = Table(texts);

            Dictionary<string, int> first = new(StringComparer.Ordinal);
            (int First, int Second)? duplicate = null;
            for (int id = 0; id < texts.Length; id++)
            {
                string name = AsNativeCodeSees(texts[id], id);
                if (!first.TryAdd(name, id))
                    duplicate ??= (first[name], id);
            }

            Assert.Equal(duplicate, table.Duplicate);
            foreach (string name in first.Keys)
                Assert.True(table.Contains(Encoding.UTF8.GetBytes(name)), name);
            for (int i = 0; i < 100; i++)
            {
                string other = Text(random, longest + 2, zeroShare: 0);
                Assert.Equal(first.ContainsKey(other), table.Contains(Encoding.UTF8.GetBytes(other)));
            }
        }
    }

    private static string AsNativeCodeSees(string text, int id) => text.Split('\0')[0] is { Length: > 0 } start ? start : $"[EMPTY_{id}]";

    private static string Text(Random random, int longest, double zeroShare)
    {
        char[] letters = new char[random.Next(longest + 1)];
        for (int i = 0; i < letters.Length; i++)
            letters[i] = random.NextDouble() < zeroShare ? '\0' : (char)('a' + random.Next(5));
        return new string(letters);
    }

    private static GgufTokenTable Table(string[] texts)
    {
        Assert.True(new EditableModel().SetStrings("tokenizer.ggml.tokens", texts).Build().Metadata.TryGetValue("tokenizer.ggml.tokens", out GgufValue value));
        return new GgufTokenTable(value.GetArray());
    }
}
