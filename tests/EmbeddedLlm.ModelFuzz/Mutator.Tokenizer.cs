using System.Text;
using EmbeddedLlm.Gguf;

namespace EmbeddedLlm.ModelFuzz;

/// <content>Vocabularies.</content>
internal sealed partial class Mutator
{
    private static readonly string[] Templates =
        ["", "{%", "{{ messages[0]['content'] }}", "{% for m in messages %}{{ m.content * 100000 }}{% endfor %}", "{{ [1] * 1000000 }}", "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}"];

    private void MutateTokenizer(RawModel model)
    {
        switch (random.Next(14))
        {
            case 0:
                model.Set(RawKey.Of("tokenizer.ggml.model", Pick(Names.Tokenizers)));
                break;
            case 1:
                model.Set(RawKey.Of("tokenizer.ggml.pre", Pick(Names.PreTokenizers)));
                break;
            case < 4:
                model.Set(RawKey.Of(Pick(Names.TokenNumbers), (uint)(random.Next(2) == 0 ? random.Next(320) : InterestingInteger(300))));
                break;
            case 4:
                model.Set(RawKey.Of(Pick(Names.Switches), random.Next(2) == 0));
                break;
            case < 7:
                ChangeToken(model);
                break;
            case < 9:
                if (model.Find(Pick(Names.Tables)) is { } table)
                    ChangeLength(table);
                break;
            case 9:
                ChangeTypesOrScores(model);
                break;
            case 10:
                ChangeMerge(model);
                break;
            case 11:
                SwapTokens(model);
                break;
            case 12:
                model.Set(random.Next(3) == 0
                    ? RawKey.OfArray("tokenizer.ggml.precompiled_charsmap", GgufValueType.Int8, Garbage(4096))
                    : RawKey.Of("tokenizer.ggml.suppress_tokens", Enumerable.Range(0, random.Next(5)).Select(_ => (int)InterestingInteger(300))));
                break;
            default:
                model.Set(RawKey.Of("tokenizer.chat_template", random.Next(4) == 0 ? new string('{', random.Next(1, 3_000_000)) : Pick(Templates)));
                break;
        }
    }

    private void ChangeToken(RawModel model)
    {
        if (model.Find("tokenizer.ggml.tokens")?.Strings is not { Count: > 0 } tokens)
            return;
        int id = random.Next(tokens.Count);
        byte[] old = tokens[id];
        tokens[id] = random.Next(10) switch
        {
            0 => [],
            1 => Garbage(16),
            2 => Pick(tokens),
            3 => [.. old, 0, .. old],
            4 => [0xFF, 0xC0, 0x80],
            5 => Encoding.UTF8.GetBytes(new string('a', random.Next(1, 70_000))),
            6 => "<0xZZ>"u8.ToArray(),
            7 => Encoding.UTF8.GetBytes(new string('\u0100', random.Next(1, 3000))),
            8 => old.Length > 0 ? old[..^1] : [1],
            _ => [.. old, .. Pick(tokens)],
        };
    }

    private void SwapTokens(RawModel model)
    {
        if (model.Find("tokenizer.ggml.tokens")?.Strings is not { Count: > 1 } tokens)
            return;
        int first = random.Next(tokens.Count);
        int second = random.Next(tokens.Count);
        (tokens[first], tokens[second]) = (tokens[second], tokens[first]);
    }

    private void ChangeTypesOrScores(RawModel model)
    {
        if (model.Find(random.Next(2) == 0 ? "tokenizer.ggml.token_type" : "tokenizer.ggml.scores") is not { IsArray: true, Data.Length: > 0 } table)
            return;
        for (int count = random.Next(1, 40); count > 0; count--)
        {
            if (table.ElementType == (uint)GgufValueType.Int32)
                BitConverter.TryWriteBytes(table.Data.AsSpan(random.Next(table.Data.Length / 4) * 4), random.Next(8) == 0 ? (int)InterestingInteger(1) : random.Next(8));
            else
                ChangeNumber(table);
        }
    }

    private void ChangeMerge(RawModel model)
    {
        if (model.Find("tokenizer.ggml.merges")?.Strings is not { Count: > 0 } merges)
            return;
        int index = random.Next(merges.Count);
        merges[index] = random.Next(7) switch
        {
            0 => [],
            1 => " "u8.ToArray(),
            2 => "ab"u8.ToArray(),
            3 => " a"u8.ToArray(),
            4 => "a "u8.ToArray(),
            5 => Garbage(20),
            _ => Pick(merges),
        };
    }
}
