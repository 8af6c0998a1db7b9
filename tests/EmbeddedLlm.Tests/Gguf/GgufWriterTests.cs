using System.Security.Cryptography;
using EmbeddedLlm.Gguf;

namespace EmbeddedLlm.Tests.Gguf;

public sealed class GgufWriterTests
{
    public static TheoryData<string> RealFiles => ["ggml-vocab-qwen2.gguf", "ggml-vocab-llama-bpe.gguf", "ggml-vocab-llama-spm.gguf"];

    [Theory]
    [MemberData(nameof(RealFiles))]
    public void VocabularyIsRewrittenByteForByte(string name) => AssertRewritesItself(SharedData.Require("data", "vocab", name));

    [Fact]
    public void StarterModelIsRewrittenByteForByte() =>
        AssertRewritesItself(Path.Combine(SharedData.RepositoryRoot, "src", "EmbeddedLlm.Starter", "starter.gguf"));

    [Theory]
    [InlineData(1)]
    [InlineData(32)]
    [InlineData(4096)]
    public void TensorsLieAtTheAlignment(int alignment)
    {
        GgufWriter writer = new();
        writer.Add("general.alignment", (uint)alignment);
        writer.AddTensor("a", GgmlType.F16, [3], new byte[] { 1, 2, 3, 4, 5, 6 });
        writer.AddTensor("b", GgmlType.I8, [5], new byte[] { 7, 8, 9, 10, 11 });
        MemoryStream stream = new();
        writer.Write(stream);
        stream.Position = 0;

        GgufFile file = GgufFile.Read(stream);

        Assert.Equal(alignment, file.Alignment);
        Assert.Equal(0, file.DataOffset % alignment);
        Assert.Equal(0, file.Tensors[1].Offset % alignment);
        Assert.Equal(0, stream.Length % alignment);
        Assert.Equal([1, 2, 3, 4, 5, 6], Data(stream, file, file.Tensors[0]));
        Assert.Equal([7, 8, 9, 10, 11], Data(stream, file, file.Tensors[1]));
    }

    [Fact]
    public void LargeTensorIsFilledInWholeBlocksWithoutEverBeingInMemory()
    {
        const long Rows = 200_000;
        List<(long Offset, int Length)> pieces = [];
        GgufWriter writer = new();
        writer.AddTensor("t", GgmlType.Q4_K, [256, Rows], (offset, destination) => pieces.Add((offset, destination.Length)));
        writer.Write(Stream.Null);

        Assert.All(pieces, piece => Assert.Equal(0, (piece.Offset % 144) + (piece.Length % 144)));
        Assert.Equal(Rows * 144, pieces.Sum(piece => (long)piece.Length));
        Assert.True(pieces.Max(piece => piece.Length) <= 4 * 1024 * 1024);
    }

    [Fact]
    public void WritingStopsWhenCancelled()
    {
        using CancellationTokenSource source = new();
        GgufWriter writer = new();
        writer.AddTensor("t", GgmlType.I8, [64L << 20], (_, _) => source.Cancel());

        Assert.Throws<OperationCanceledException>(() => writer.Write(Stream.Null, source.Token));
    }

    [Fact]
    public void MisuseIsRefused()
    {
        GgufWriter writer = new();
        writer.Add("k", 1u);
        writer.AddTensor("t", GgmlType.F32, [1], new byte[4]);

        Assert.Throws<ArgumentException>(() => writer.Add("k", 2u));
        Assert.Throws<ArgumentException>(() => writer.Add("", 2u));
        Assert.Throws<ArgumentException>(() => writer.Add("a\0b", 2u));
        Assert.Throws<ArgumentException>(() => writer.AddTensor("t", GgmlType.F32, [1], new byte[4]));
        Assert.Throws<ArgumentException>(() => writer.AddTensor("u", GgmlType.F32, [1], new byte[5]));
        Assert.Throws<ArgumentException>(() => writer.AddTensor("u", GgmlType.F32, [1, 1, 1, 1, 1], new byte[4]));
        Assert.Throws<ArgumentException>(() => writer.AddTensor("u", GgmlType.Q4_0, [31], new byte[18]));
        Assert.Throws<ArgumentException>(() => writer.AddTensor(new string('u', 65), GgmlType.F32, [1], new byte[4]));
        Assert.Throws<ArgumentOutOfRangeException>(() => writer.AddTensor("u", (GgmlType)4, [32], new byte[18]));
        Assert.Throws<ArgumentOutOfRangeException>(() => writer.AddTensor("u", GgmlType.F32, [-1], new byte[4]));
        Assert.Throws<InvalidOperationException>(() => writer.Add("general.alignment", 64u));
        Assert.Throws<NotSupportedException>(() => writer.Add("c", 'c'));
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(48u)]
    public void AlignmentThatIsNoPowerOfTwoIsRefused(uint alignment) =>
        Assert.Throws<ArgumentException>(() => new GgufWriter().Add("general.alignment", alignment));

    [Fact]
    public void AlignmentThatIsNoNumberIsRefused()
    {
        GgufWriter writer = new();

        Assert.Throws<ArgumentException>(() => writer.Add("general.alignment", "64"));
        Assert.Throws<ArgumentException>(() => writer.Add("general.alignment", true));
        Assert.Throws<ArgumentException>(() => writer.AddArray("general.alignment", [64u]));
        Assert.Throws<ArgumentException>(() => writer.AddStrings("general.alignment", ["64"]));
    }

    [Fact]
    public void WhatIsRefusedLeavesTheFileAsItWas()
    {
        GgufWriter writer = new();
        writer.Add("general.alignment", 64u);
        Assert.Throws<ArgumentException>(() => writer.Add("general.alignment", 4096u));
        Assert.Throws<ArgumentNullException>(() => writer.AddStrings("strings", ["a", null!]));
        writer.AddStrings("strings", ["a", "b"]);
        writer.AddTensor("a", GgmlType.I8, [1], new byte[] { 1 });
        Assert.Throws<OverflowException>(() => writer.AddTensor("b", GgmlType.I8, [long.MaxValue - 65], (_, _) => { }));
        writer.AddTensor("b", GgmlType.I8, [1], new byte[] { 2 });
        MemoryStream stream = new();
        writer.Write(stream);
        stream.Position = 0;

        GgufFile file = GgufFile.Read(stream);

        Assert.Equal(64, file.Alignment);
        Assert.Equal(["general.alignment", "strings"], file.Metadata.Select(pair => pair.Key));
        Assert.Equal(["a", "b"], file.Tensors.Select(tensor => tensor.Name));
        Assert.Equal([2], Data(stream, file, file.Tensors[1]));
    }

    internal static GgufWriter Copy(GgufFile file, Stream data)
    {
        GgufWriter writer = new();
        foreach ((string key, GgufValue value) in file.Metadata)
            writer.Add(key, value);
        foreach (GgufTensorInfo tensor in file.Tensors)
        {
            writer.AddTensor(tensor.Name, tensor.Type, tensor.Dimensions, (offset, destination) =>
            {
                data.Position = file.DataOffset + tensor.Offset + offset;
                data.ReadExactly(destination);
            });
        }

        return writer;
    }

    private static byte[] Data(MemoryStream stream, GgufFile file, GgufTensorInfo tensor) =>
        stream.ToArray().AsSpan((int)(file.DataOffset + tensor.Offset), (int)tensor.ByteSize).ToArray();

    private static void AssertRewritesItself(string path)
    {
        using FileStream source = File.OpenRead(path);
        GgufFile file = GgufFile.Read(source);
        MemoryStream written = new();
        Copy(file, source).Write(written);

        source.Position = 0;
        Assert.Equal(source.Length, written.Length);
        Assert.Equal(Convert.ToHexString(SHA256.HashData(source)), Convert.ToHexString(SHA256.HashData(written.ToArray())));
    }
}
