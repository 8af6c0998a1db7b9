using EmbeddedLlm.Catalog;
using EmbeddedLlm.Gguf;
using EmbeddedLlm.SyntheticModels;

namespace EmbeddedLlm.Tests.Catalog;

public sealed class RemoteHeaderTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task OnlyTheHeaderIsRead(bool tellsLength)
    {
        byte[] model = Model(tokens: 20_000, width: 512);
        Pieces pieces = new(model) { TellsLength = tellsLength };
        GgufFile file = await RemoteHeader.ReadAsync(pieces, Cancel);
        Assert.Equal(20_000, GgufModelInfo.From(file).VocabularySize);
        Assert.True(pieces.BytesRead < model.Length / 2);
    }

    [Fact]
    public async Task AFileThatEndsInItsHeaderIsDamaged()
    {
        byte[] model = Model(tokens: 20_000, width: 64);
        await Assert.ThrowsAsync<GgufFormatException>(() => RemoteHeader.ReadAsync(new Pieces(model[..200_000]), Cancel));
    }

    [Fact]
    public async Task WhatIsNoModelIsRefusedAtOnce()
    {
        Pieces pieces = new(new byte[100_000_000]);
        await Assert.ThrowsAsync<GgufFormatException>(() => RemoteHeader.ReadAsync(pieces, Cancel));
        Assert.True(pieces.BytesRead <= 1 << 20);
    }

    private static byte[] Model(int tokens, int width)
    {
        using MemoryStream stream = new();
        SyntheticModel.Describe(SyntheticShape.Tiny with { Width = width }, SyntheticVocabulary.ByteLevel(tokens)).Write(stream);
        return stream.ToArray();
    }

    private sealed class Pieces(byte[] content) : IRemoteFile
    {
        public bool TellsLength { get; init; } = true;

        public long BytesRead { get; private set; }

        public Task<(byte[] Bytes, long? FileLength)> ReadAsync(long offset, int length, CancellationToken cancellationToken)
        {
            byte[] bytes = content[(int)Math.Min(offset, content.Length)..(int)Math.Min(offset + length, content.Length)];
            BytesRead += bytes.Length;
            return Task.FromResult((bytes, TellsLength ? content.Length : (long?)null));
        }
    }
}
