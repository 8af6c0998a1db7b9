using System.Buffers.Binary;
using EmbeddedLlm.Gguf;

namespace EmbeddedLlm.Tests.Gguf;

public sealed class GgufTokenizerChecksTests
{
    private static readonly string[] Bytes = [.. Enumerable.Range(0, 256).Select(value => $"<0x{value:X2}>")];

    [Fact]
    public void SentencePieceVocabularyWithAllBytesIsValid() => Valid(new EditableModel().SetTokenizer("llama", ["<unk>", "<s>", "</s>", .. Bytes]));

    [Fact]
    public void SentencePieceVocabularyWithoutAByteIsRefused() =>
        Refused("0x80", new EditableModel().SetTokenizer("llama", ["<unk>", "<s>", "</s>", .. Bytes.Where(text => text != "<0x80>")]));

    [Theory]
    [InlineData("a", "a")]
    [InlineData("a\0b", "a\0c")]
    [InlineData("", "[EMPTY_259]")]
    public void TokensThatAreTheSameToNativeCodeAreRefused(string first, string second) =>
        Refused("are the same", new EditableModel().SetTokenizer("llama", ["<unk>", "<s>", "</s>", .. Bytes, first, second]));

    [Fact]
    public void SeveralEmptyTokensAreValid() => Valid(new EditableModel().SetTokenizer("llama", ["<unk>", "<s>", "</s>", .. Bytes, "", ""]));

    [Fact]
    public void MissingTokensAreRefused()
    {
        Refused("tokenizer.ggml.tokens", new EditableModel().Remove("tokenizer.ggml.tokens"));
        Refused("tokenizer.ggml.tokens", new EditableModel().SetStrings("tokenizer.ggml.tokens"));
        Refused("tokenizer.ggml.tokens", new EditableModel().SetArray("tokenizer.ggml.tokens", 1, 2, 3));
        Refused("tokenizer.ggml.model", new EditableModel().Remove("tokenizer.ggml.model"));
    }

    [Fact]
    public void TablesShorterThanTheVocabularyAreRefused()
    {
        Refused("token_type", new EditableModel().SetArray("tokenizer.ggml.token_type", new int[299]));
        Refused("scores", new EditableModel().SetArray("tokenizer.ggml.scores", new float[299]));
        Refused("token_type", new EditableModel().SetArray("tokenizer.ggml.token_type", new uint[300]));
        Refused("scores", new EditableModel().SetArray("tokenizer.ggml.scores", new double[300]));
    }

    [Fact]
    public void TokenThatIsToBeAddedMustBeOne()
    {
        EditableModel Model() => new EditableModel().SetTokenizer("t5", "<pad>", "</s>", "<unk>", "a").Set("tokenizer.ggml.add_bos_token", true);

        Refused("bos_token_id", Model());
        Refused("bos_token_id", Model().Set("tokenizer.ggml.bos_token_id", 4u));
        Valid(Model().Set("tokenizer.ggml.bos_token_id", 3u));
        Refused("eos_token_id", new EditableModel().SetTokenizer("t5", "<pad>"));
    }

    [Fact]
    public void WordPieceVocabularyNeedsItsBoundaryTokensAndHasNoBytes()
    {
        string[] tokens = [.. Enumerable.Range(0, 110).Select(id => $"token{id}")];
        int[] types = new int[tokens.Length];
        types[50] = 6;

        Valid(new EditableModel().SetTokenizer("bert", tokens));
        Refused("begin and end", new EditableModel().SetTokenizer("bert", tokens[..100]));
        Refused("a byte", new EditableModel().SetTokenizer("bert", tokens).SetArray("tokenizer.ggml.token_type", types));
    }

    [Fact]
    public void RwkvVocabularyNeedsEachFirstByteAsAToken()
    {
        Valid(new EditableModel().SetTokenizer("rwkv", "a", "ab", @"\n", @"\x00", @"\x00b"));
        Refused("0x61", new EditableModel().SetTokenizer("rwkv", "ab", "b"));
        Refused("0x0A", new EditableModel().SetTokenizer("rwkv", "a", @"\nb"));
    }

    [Fact]
    public void TokenThatWouldRecurseTooDeepIsRefused()
    {
        Refused("longer than", new EditableModel().SetTokenizer("rwkv", "a", new string('a', 2_000)));
        Refused("longer than", new EditableModel().SetTokenizer("t5", "<pad>", "</s>", new string('a', 2_000)));
    }

    [Fact]
    public void TokensThatWouldSwellWhenDecodedAreRefused()
    {
        string[] tokens = [.. Enumerable.Range(0, 300).Select(id => new string(' ', 2_000 + id))];

        Refused("stand for no bytes", new EditableModel().SetTokenizer("gpt2", tokens).SetStrings("tokenizer.ggml.merges"));
    }

    [Fact]
    public void WhitespacePreTokenizerOfAnotherTokenizerIsRefused() => Refused("whitespace", new EditableModel().Set("tokenizer.ggml.pre", "whitespace"));

    [Fact]
    public void VocabularyThatIsOnlyASizeIsBounded()
    {
        EditableModel Model(uint size) => new EditableModel().Set("tokenizer.ggml.model", "no_vocab").Set("qwen2.vocab_size", size);

        Valid(Model(300));
        Refused("vocab_size", Model(uint.MaxValue));
    }

    [Fact]
    public void CharacterMapIsFollowedToItsEnds()
    {
        // A root whose children would lie at 0x100 ^ label, of which 'a' is one: a leaf whose replacement is at 0.
        uint[] nodes = new uint[0x200];
        nodes[0] = 0x100 << 10;
        nodes[0x100 ^ 'a'] = 'a' | 0x100 | (1 << 10);
        nodes[0x100 ^ 'a' ^ 1] = 0x8000_0000;
        Valid(WithMap(nodes, "x\0"u8));

        nodes[0x100 ^ 'a' ^ 1] = 0x8000_0002;
        Refused("out of its bounds", WithMap(nodes, "x\0"u8));

        nodes[0x100 ^ 'a' ^ 1] = 0x8000_0000;
        Refused("out of its bounds", WithMap(nodes, "xy"u8));
        Refused("out of its bounds", WithMap(nodes[..0x180], "x\0"u8));

        nodes[0x100 ^ 'a'] = 'a' | 0x100 | (0x1000 << 10);
        Refused("out of its bounds", WithMap(nodes, "x\0"u8));
    }

    [Fact]
    public void CharacterMapShorterThanItDeclaresIsRefused()
    {
        Refused("precompiled_charsmap", Model().SetArray("tokenizer.ggml.precompiled_charsmap", new byte[3]));
        Refused("precompiled_charsmap", Model().SetArray("tokenizer.ggml.precompiled_charsmap", 255, 255, 255, 255, 0));
        Refused("precompiled_charsmap", Model().SetArray("tokenizer.ggml.precompiled_charsmap", 1, 2, 3));
    }

    private static EditableModel Model() => new EditableModel().SetTokenizer("t5", "<pad>", "</s>", "<unk>", "a");

    private static EditableModel WithMap(uint[] nodes, ReadOnlySpan<byte> replacements)
    {
        byte[] map = new byte[sizeof(uint) + (nodes.Length * sizeof(uint)) + replacements.Length];
        BinaryPrimitives.WriteInt32LittleEndian(map, nodes.Length * sizeof(uint));
        for (int i = 0; i < nodes.Length; i++)
            BinaryPrimitives.WriteUInt32LittleEndian(map.AsSpan(sizeof(uint) * (i + 1)), nodes[i]);

        replacements.CopyTo(map.AsSpan(sizeof(uint) * (nodes.Length + 1)));
        return Model().SetArray("tokenizer.ggml.precompiled_charsmap", map);
    }

    private static void Valid(EditableModel model) => GgufModelValidator.ValidateVocabulary(model.Build());

    private static void Refused(string reason, EditableModel model)
    {
        GgufFormatException e = Assert.Throws<GgufFormatException>(() => GgufModelValidator.ValidateVocabulary(model.Build()));
        Assert.Contains(reason, e.Reason, StringComparison.Ordinal);
    }
}
