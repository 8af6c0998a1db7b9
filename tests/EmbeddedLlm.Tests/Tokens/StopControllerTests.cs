using System.Buffers;
using System.Text;
using EmbeddedLlm.Tokens;

namespace EmbeddedLlm.Tests.Tokens;

public sealed class StopControllerTests
{
    /// <summary>Tokens in (as text; \xNN for a byte), stop strings, and what comes out token by token, the flush last.</summary>
    public static TheoryData<string[], string[], string[]> Cases => new()
    {
        { ["Hello", " world"], [], ["Hello", " world", ""] },
        { ["a", "b", "c"], ["b"], ["a", "", "", ""] },
        { ["Hello", " Us", "er", ":", " x"], ["User:"], ["Hello", " ", "", "", "", ""] },
        { ["Hello", " Us", "ual"], ["User:"], ["Hello", " ", "Usual", ""] },
        { ["one STOP two"], ["STOP"], ["one ", ""] },
        { ["STOP"], ["STOP"], ["", ""] },
        { ["ab", "ab", "ac", "d"], ["abac"], ["", "ab", "", "", ""] },
        { ["aaa", "ab"], ["aab"], ["a", "a", ""] },
        { ["x", "\n", "\n", "y"], ["\n\n"], ["x", "", "", "", ""] },
        { ["x", "\n"], ["\n\n"], ["x", "", "\n"] },
        { ["abcd"], ["bcd", "cd"], ["a", ""] },
        { ["abcd"], ["bcde", "cd"], ["ab", ""] },
        { ["\\xF0\\x9F", "\\x98\\x80", "!"], [], ["", "😀", "!", ""] },
        { ["a\\xE4", "\\xBD", "\\xA0b"], [], ["a", "", "你b", ""] },
        { ["\\xE4\\xBD"], [], ["", "\uFFFD"] },
        { ["\\xE4\\xBD", "a"], [], ["", "\uFFFDa", ""] },
        { ["\\xFF", "\\x80", "ok"], [], ["\uFFFD", "\uFFFD", "ok", ""] },
        { ["\\xC0\\xAF"], [], ["\uFFFD\uFFFD", ""] },
        { ["\\xED\\xA0\\x80"], [], ["\uFFFD\uFFFD\uFFFD", ""] },
        { ["x\\xE4", "STOP"], ["STOP"], ["x", "\uFFFD", ""] },
        { ["\\xE4\\xBD", "\\xA0 ende"], ["你"], ["", "", ""] },
        { ["你\\xE5", "\\xA5\\xBD!"], ["你好"], ["", "", ""] },
        { ["你\\xE5", "\\xA5\\xBE!"], ["你好"], ["", "你\u597E!", ""] },
        { ["", "a", ""], ["b"], ["", "a", "", ""] },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void TokensInTextOut(string[] tokens, string[] stops, string[] expected)
    {
        StopController controller = new([.. stops.Select(Encoding.UTF8.GetBytes)]);
        List<string> actual = [];
        foreach (string token in tokens)
            actual.Add(Collect(output => controller.Push(Bytes(token), output)));
        actual.Add(Collect(controller.Flush));
        Assert.Equal(expected, actual);
    }

    [Fact]
    public void EverySplitOfATextIntoTokensGivesTheSameText()
    {
        byte[] text = Encoding.UTF8.GetBytes("Zeit — 時間 🕰️ und <|Ende|> danach");
        for (int first = 0; first <= text.Length; first++)
        {
            for (int second = first; second <= text.Length; second++)
            {
                StopController controller = new([Encoding.UTF8.GetBytes("<|Ende|>")]);
                string actual = Collect(output =>
                {
                    controller.Push(text.AsSpan(0, first), output);
                    controller.Push(text.AsSpan(first, second - first), output);
                    controller.Push(text.AsSpan(second), output);
                    controller.Flush(output);
                });
                Assert.Equal("Zeit — 時間 🕰️ und ", actual);
                Assert.True(controller.IsStopped);
            }
        }
    }

    [Fact]
    public void RandomBytesComeOutAsTheFrameworkDecodesThem()
    {
        Random random = new(7);
        for (int round = 0; round < 500; round++)
        {
            byte[] bytes = new byte[random.Next(40)];
            random.NextBytes(bytes);
            StopController controller = new([]);
            string actual = Collect(output =>
            {
                for (int i = 0; i < bytes.Length;)
                {
                    int count = Math.Min(random.Next(1, 4), bytes.Length - i);
                    controller.Push(bytes.AsSpan(i, count), output);
                    i += count;
                }

                controller.Flush(output);
            });
            Assert.Equal(Encoding.UTF8.GetString(bytes), actual);
        }
    }

    [Fact]
    public void ALongStopStringCostsEachByteTheSame()
    {
        byte[] stop = Encoding.UTF8.GetBytes(new string('a', 100_000) + "b");
        StopController controller = new([stop]);
        ArrayBufferWriter<byte> output = new();
        for (int i = 0; i < 300_000; i++)
            controller.Push("a"u8, output);
        Assert.Equal(200_000, output.WrittenCount);
    }

    private static string Collect(Action<IBufferWriter<byte>> write)
    {
        ArrayBufferWriter<byte> output = new();
        write(output);
        return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(output.WrittenSpan);
    }

    private static byte[] Bytes(string token)
    {
        List<byte> bytes = [];
        for (int i = 0; i < token.Length;)
        {
            if (token.AsSpan(i).StartsWith("\\x"))
            {
                bytes.Add(Convert.ToByte(token.Substring(i + 2, 2), 16));
                i += 4;
            }
            else
            {
                Rune rune = Rune.GetRuneAt(token, i);
                bytes.AddRange(Encoding.UTF8.GetBytes(rune.ToString()));
                i += rune.Utf16SequenceLength;
            }
        }

        return [.. bytes];
    }
}
