using System.IO.Pipelines;
using System.Net;
using System.Net.Http.Headers;
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

    /// <summary>A server may send less than it was asked for (RFC 9110, section 15.3.7).</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task APieceThatIsShorterThanAskedForIsNotTheEnd(bool tellsLength)
    {
        byte[] model = Model(tokens: 20_000, width: 512);
        Pieces pieces = new(model) { TellsLength = tellsLength, Most = 100_000 };
        GgufFile file = await RemoteHeader.ReadAsync(pieces, Cancel);
        Assert.Equal(20_000, GgufModelInfo.From(file).VocabularySize);
    }

    [Fact]
    public async Task AServerThatSendsCrumbsIsGivenUp()
    {
        Pieces pieces = new(Model(tokens: 20_000, width: 64)) { Most = 1 };
        IOException exception = await Assert.ThrowsAsync<IOException>(() => RemoteHeader.ReadAsync(pieces, Cancel));
        Assert.Contains("pieces", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AServerMayKnowRangesOrNot(bool knowsRanges)
    {
        byte[] content = [.. Enumerable.Range(0, 300_000).Select(i => (byte)(i / 7))];
        using HttpClient client = new(new Server(content, knowsRanges));
        HttpRemoteFile file = new(client, new Uri("https://example.test/model.gguf"), Timeout.InfiniteTimeSpan);
        (byte[] bytes, long? length) = await file.ReadAsync(100_000, 70_000, Cancel);
        Assert.Equal(content[100_000..170_000], bytes);
        Assert.Equal(content.Length, length);
        Assert.Equal(content[290_000..], (await file.ReadAsync(290_000, 70_000, Cancel)).Bytes);
        Assert.Empty((await file.ReadAsync(300_000, 10, Cancel)).Bytes);
    }

    [Fact]
    public async Task AFileThatIsNotThereIsAnInputError()
    {
        using HttpClient client = new(new Server(null, knowsRanges: true));
        IOException exception = await Assert.ThrowsAsync<IOException>(() => new HttpRemoteFile(client, new Uri("https://example.test/model.gguf"), Timeout.InfiniteTimeSpan).ReadAsync(0, 10, Cancel));
        Assert.Contains("404", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AServerThatFallsSilentInItsAnswerIsGivenUp()
    {
        using HttpClient client = new(new SilentServer());
        HttpRemoteFile file = new(client, new Uri("https://example.test/model.gguf"), TimeSpan.FromMilliseconds(20));
        IOException exception = await Assert.ThrowsAsync<IOException>(() => file.ReadAsync(0, 10, Cancel));
        Assert.Contains("does not answer", exception.Message, StringComparison.Ordinal);
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

        /// <summary>The most bytes of one answer.</summary>
        public int Most { get; init; } = int.MaxValue;

        public long BytesRead { get; private set; }

        public Task<(byte[] Bytes, long? FileLength)> ReadAsync(long offset, int length, CancellationToken cancellationToken)
        {
            byte[] bytes = content[(int)Math.Min(offset, content.Length)..(int)Math.Min(offset + Math.Min(length, Most), content.Length)];
            BytesRead += bytes.Length;
            return Task.FromResult((bytes, TellsLength ? content.Length : (long?)null));
        }
    }

    private sealed class Server(byte[]? content, bool knowsRanges) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) => Task.FromResult(Answer(request));

        private HttpResponseMessage Answer(HttpRequestMessage request)
        {
            if (content is null)
                return new HttpResponseMessage(HttpStatusCode.NotFound);
            if (!knowsRanges)
                return new HttpResponseMessage(HttpStatusCode.OK) { Content = new ByteArrayContent(content) };
            RangeItemHeaderValue range = request.Headers.Range!.Ranges.Single();
            int from = (int)range.From!;
            if (from >= content.Length)
                return new HttpResponseMessage(HttpStatusCode.RequestedRangeNotSatisfiable);
            int to = (int)Math.Min(range.To!.Value, content.Length - 1);
            HttpResponseMessage response = new(HttpStatusCode.PartialContent) { Content = new ByteArrayContent(content[from..(to + 1)]) };
            response.Content.Headers.ContentRange = new ContentRangeHeaderValue(from, to, content.Length);
            return response;
        }
    }

    // Sends its headers and nothing more.
    private sealed class SilentServer : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            Task.FromResult(new HttpResponseMessage(HttpStatusCode.OK) { Content = new StreamContent(new Pipe().Reader.AsStream()) });
    }
}
