using System.Text;
using EmbeddedLlm.Gguf;

namespace EmbeddedLlm.Tests.Gguf;

public sealed class GgufFileTests
{
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void SupportedVersionsAreRead(int version)
    {
        GgufFile file = GgufBytes.Header(version, tensors: 1, keys: 1).Key("a.b", GgufValueType.UInt32).UInt32(7)
            .Tensor("t", GgmlType.F32, 0, 2, 3).Pad().Raw(new byte[24]).Read();

        Assert.Equal(version, file.Version);
        Assert.Equal(32, file.Alignment);
        Assert.Equal(0, file.DataOffset % 32);
        Assert.True(file.Metadata.TryGetUInt32("a.b", out uint value));
        Assert.Equal(7u, value);
        Assert.True(file.TryGetTensor("t", out GgufTensorInfo? tensor));
        Assert.Equal([2, 3], tensor.Dimensions.ToArray());
        Assert.Equal(24, tensor.ByteSize);
    }

    [Theory]
    [InlineData(1u, "version 1")]
    [InlineData(0u, "version 0")]
    [InlineData(4u, "version 4")]
    [InlineData(0x03000000u, "big-endian")]
    [InlineData(0x02000000u, "big-endian")]
    public void OtherVersionsAreRefusedByName(uint version, string reason)
    {
        byte[] bytes = new GgufBytes().Raw("GGUF"u8).UInt32(version).UInt64(0).UInt64(0).ToArray();

        GgufFormatException e = Assert.Throws<GgufFormatException>(() => GgufFile.Read(new MemoryStream(bytes)));

        Assert.Contains(reason, e.Reason, StringComparison.Ordinal);
        Assert.Equal(4, e.Offset);
    }

    [Fact]
    public void OtherMagicIsRefused()
    {
        GgufFormatException e = Assert.Throws<GgufFormatException>(() => GgufFile.Read(new MemoryStream("PK\x03\x04 something else"u8.ToArray())));

        Assert.Equal(0, e.Offset);
        Assert.False(e.IsTruncated);
    }

    [Fact]
    public void EveryTruncationIsReportedAsOne()
    {
        byte[] bytes = Sample();
        for (int length = 0; length < bytes.Length; length++)
        {
            GgufFormatException e = Assert.Throws<GgufFormatException>(() => GgufFile.Read(new MemoryStream(bytes, 0, length)));
            Assert.True(e.IsTruncated, $"at {length}: {e.Message}");
        }
    }

    [Fact]
    public void PrefixAsksForMoreUntilTheHeaderIsComplete()
    {
        byte[] bytes = Sample();
        long dataOffset = GgufFile.Read(new MemoryStream(bytes)).DataOffset;
        bool[] complete = [.. Enumerable.Range(0, bytes.Length + 1).Select(length => GgufFile.TryReadPrefix(bytes.AsSpan(0, length), bytes.Length, out _))];
        int first = Array.IndexOf(complete, true);

        // The header ends somewhere in the padding's 32 bytes before the data.
        Assert.InRange(first, dataOffset - 31, dataOffset);
        Assert.All(complete[first..], Assert.True);
        Assert.True(GgufFile.TryReadPrefix(bytes, fileLength: null, out _));
    }

    [Fact]
    public void PrefixThatNoFurtherBytesCanMendIsRefused()
    {
        byte[] bytes = GgufBytes.Header(keys: 1).Key("k", GgufValueType.String).UInt64(1 << 20).ToArray();

        Assert.False(GgufFile.TryReadPrefix(bytes, fileLength: null, out _));
        Assert.False(GgufFile.TryReadPrefix(bytes, fileLength: 2 << 20, out _));
        Assert.Throws<GgufFormatException>(() => GgufFile.TryReadPrefix(bytes, fileLength: 4096, out _));
    }

    [Fact]
    public void PrefixLongerThanItsFileIsMisuse() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => GgufFile.TryReadPrefix(new byte[16], fileLength: 8, out _));

    [Fact]
    public void StreamThatCannotSeekIsRead()
    {
        byte[] bytes = Sample();

        GgufFile file = GgufFile.Read(new ForwardStream(bytes));

        Assert.Null(file.Length);
        Assert.Equal(2, file.Tensors.Count);
    }

    [Fact]
    public void PositionOfTheStreamIsPutBack()
    {
        MemoryStream stream = new([.. new byte[100], .. Sample()]) { Position = 100 };
        GgufFile.Read(stream);
        Assert.Equal(100, stream.Position);

        stream.Position = 1;
        Assert.Throws<GgufFormatException>(() => GgufFile.Read(stream));
        Assert.Equal(1, stream.Position);
    }

    [Fact]
    public void StreamThatCannotBeReadIsMisuse()
    {
        MemoryStream closed = new();
        closed.Dispose();
        Assert.Throws<ArgumentException>(() => GgufFile.Read(closed));
    }

    [Theory]
    [MemberData(nameof(BadHeaders))]
    public void BadHeaderIsRefused(string reason, byte[] bytes)
    {
        GgufFormatException e = Assert.Throws<GgufFormatException>(() => GgufFile.Read(new MemoryStream(bytes)));

        Assert.Contains(reason, e.Reason, StringComparison.Ordinal);
        Assert.InRange(e.Offset, 0, bytes.Length);
    }

    public static TheoryData<string, byte[]> BadHeaders => new()
    {
        { "the number of metadata keys", GgufBytes.Header(keys: ulong.MaxValue).ToArray() },
        { "the number of tensors", GgufBytes.Header(tensors: 1UL << 62).ToArray() },
        { "key is empty", GgufBytes.Header(keys: 1).Key("", GgufValueType.UInt8).Raw([1]).ToArray() },
        { "the most is 65,535", GgufBytes.Header(keys: 1).Key(new string('k', 70_000), GgufValueType.UInt8).Raw([1]).ToArray() },
        { "there twice", GgufBytes.Header(keys: 2).Key("k", GgufValueType.UInt8).Raw([1]).Key("k", GgufValueType.UInt8).Raw([1]).ToArray() },
        { "zero byte", GgufBytes.Header(keys: 1).Key("k\0x", GgufValueType.UInt8).Raw([1]).ToArray() },
        { "not valid UTF-8", GgufBytes.Header(keys: 1).UInt64(2).Raw([0xC3, 0x28]).UInt32(0).Raw([1]).ToArray() },
        { "the type of 'k' is 13", GgufBytes.Header(keys: 1).Key("k", (GgufValueType)13).Raw([1]).ToArray() },
        { "bytes long", GgufBytes.Header(keys: 1).Key("k", GgufValueType.String).UInt64(ulong.MaxValue).ToArray() },
        { "the number of elements of 'k'", GgufBytes.Header(keys: 1).Key("k", GgufValueType.Array).Array(GgufValueType.UInt64, 1UL << 61).ToArray() },
        { "the type of 'k' is 77", GgufBytes.Header(keys: 1).Key("k", GgufValueType.Array).Array((GgufValueType)77, 1).Raw([1]).ToArray() },
        { "nested more than 8", NestedArrays(10) },
        { "not a power of two", GgufBytes.Header(keys: 1).Key("general.alignment", GgufValueType.UInt32).UInt32(24).ToArray() },
        { "not a power of two", GgufBytes.Header(keys: 1).Key("general.alignment", GgufValueType.UInt32).UInt32(0).ToArray() },
        { "not a power of two", GgufBytes.Header(keys: 1).Key("general.alignment", GgufValueType.UInt32).UInt32(1u << 31).ToArray() },
        { "is of type UInt64", GgufBytes.Header(keys: 1).Key("general.alignment", GgufValueType.UInt64).UInt64(32).ToArray() },
        { "5 dimensions", GgufBytes.Header(tensors: 1).Tensor("t", GgmlType.F32, 0, 1, 1, 1, 1, 1).Pad().Raw(new byte[4]).ToArray() },
        { "a dimension of", GgufBytes.Header(tensors: 1).Tensor("t", GgmlType.F32, 0, ulong.MaxValue).ToArray() },
        { "more elements than", GgufBytes.Header(tensors: 1).Tensor("t", GgmlType.F32, 0, 1UL << 40, 1UL << 40, 1UL << 40, 1UL << 40).ToArray() },
        { "more bytes than", GgufBytes.Header(tensors: 1).Tensor("t", GgmlType.F32, 0, 1UL << 62).ToArray() },
        { "not a multiple of the 32", GgufBytes.Header(tensors: 1).Tensor("t", GgmlType.Q4_0, 0, 33).ToArray() },
        { "of type 4,", GgufBytes.Header(tensors: 1).Tensor("t", (GgmlType)4, 0, 32).ToArray() },
        { "of type 9999,", GgufBytes.Header(tensors: 1).Tensor("t", (GgmlType)9999, 0, 32).ToArray() },
        { "not a multiple of 32", GgufBytes.Header(tensors: 1).Tensor("t", GgmlType.F32, 4, 1).Pad().Raw(new byte[64]).ToArray() },
        { "the tensor 't' is there twice", GgufBytes.Header(tensors: 2).Tensor("t", GgmlType.F32, 0, 1).Tensor("t", GgmlType.F32, 32, 1).Pad().Raw(new byte[64]).ToArray() },
        { "the most is 64", GgufBytes.Header(tensors: 1).Tensor(new string('t', 65), GgmlType.F32, 0, 1).Pad().Raw(new byte[32]).ToArray() },
        { "the data of 't' takes 1,024 bytes", GgufBytes.Header(tensors: 1).Tensor("t", GgmlType.F32, 0, 256).Pad().Raw(new byte[1020]).ToArray() },
    };

    [Theory]
    [InlineData("<!DOCTYPE html>", "a web page")]
    [InlineData("\uFEFF\r\n <html>", "a web page")]
    [InlineData("{\"error\":\"not found\"}", "JSON")]
    [InlineData("{\"abcd\":{}}", "JSON")]
    [InlineData("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a", "git lfs pull")]
    [InlineData("\u0008\0\0\0\0\0\0\0{\"a\":1} ", "a safetensors file")]
    [InlineData("PK\u0003\u0004....", "a ZIP archive")]
    [InlineData("tjgg\u0003\0\0\0", "before GGUF")]
    public void WhatOftenLiesInPlaceOfAModelIsNamed(string content, string named)
    {
        GgufFormatException exception = Assert.Throws<GgufFormatException>(() => GgufFile.Read(new MemoryStream(Encoding.UTF8.GetBytes(content))));
        Assert.StartsWith("it does not begin with 'GGUF': it looks like ", exception.Reason, StringComparison.Ordinal);
        Assert.Contains(named, exception.Reason, StringComparison.Ordinal);
        Assert.False(exception.IsTruncated);
    }

    [Theory]
    [InlineData("GGML")]
    [InlineData("........")]
    public void WhatLooksLikeNothingKnownIsNotGuessedAt(string content) => Assert.Equal(
        "it does not begin with 'GGUF'", Assert.Throws<GgufFormatException>(() => GgufFile.Read(new MemoryStream(Encoding.UTF8.GetBytes(content)))).Reason);

    [Fact]
    public void AnEmptyFileIsCalledEmpty()
    {
        GgufFormatException exception = Assert.Throws<GgufFormatException>(() => GgufFile.Read(new MemoryStream()));
        Assert.Equal("it is empty", exception.Reason);
        Assert.EndsWith("get it again.", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void VocabularyOf150KTokensIsOpenedWithoutAStringPerToken()
    {
        string path = SharedData.Require("data", "vocab", "ggml-vocab-qwen2.gguf");
        GgufFile.Open(path);

        long before = GC.GetAllocatedBytesForCurrentThread();
        GgufFile file = GgufFile.Open(path);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.True(file.Metadata.TryGetStrings("tokenizer.ggml.tokens", out GgufArray? tokens));
        Assert.Equal(151_936, tokens.Count);
        Assert.Equal("Ġthe", tokens.GetString(279));
        Assert.InRange(allocated, 0, 3 * new FileInfo(path).Length);
    }

    internal static byte[] Sample()
    {
        GgufWriter writer = new();
        writer.Add("general.architecture", "test");
        writer.Add("a.uint8", (byte)200);
        writer.AddStrings("a.strings", ["one", "", "zwei", "三"]);
        writer.AddArray<float>("a.floats", [1.5f, -2]);
        writer.AddTensor("first", GgmlType.Q8_0, [64, 2], new byte[136]);
        writer.AddTensor("second", GgmlType.F32, [8], new byte[32]);
        MemoryStream stream = new();
        writer.Write(stream);
        return stream.ToArray();
    }

    private static byte[] NestedArrays(int depth)
    {
        GgufBytes bytes = GgufBytes.Header(keys: 1).Key("k", GgufValueType.Array);
        for (int i = 0; i < depth; i++)
            bytes.Array(GgufValueType.Array, 1);

        return bytes.Array(GgufValueType.UInt8, 0).ToArray();
    }

    private sealed class ForwardStream(byte[] bytes) : MemoryStream(bytes)
    {
        public override bool CanSeek => false;

        public override long Length => throw new NotSupportedException();

        // Pieces of odd sizes, as a network gives them.
        public override int Read(byte[] buffer, int offset, int count) => base.Read(buffer, offset, Math.Min(count, 7));
    }
}
