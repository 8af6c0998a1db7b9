using System.Buffers.Binary;
using System.Security.Cryptography;
using EmbeddedLlm.Runtime;

namespace EmbeddedLlm.Tests.Runtime;

/// <summary>Files that are what they say, and files that are not: each of these must end in an exception before anybody believes their state.</summary>
public sealed class PrefixFileTests : IDisposable
{
    private static readonly StateIdentity Identity = new([.. Enumerable.Range(1, 32).Select(i => (byte)i)], "llama.cpp 1.2.3, keys F16, values Q8_0");
    private static readonly int[] Tokens = [5, 0, 1_000_000, 7];
    private static readonly byte[] State = [.. Enumerable.Range(0, 3_000_000).Select(i => (byte)(i * 7))];

    private readonly string _folder = Directory.CreateTempSubdirectory("embeddedllm-").FullName;

    private string Path => System.IO.Path.Combine(_folder, "prefix");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task WhatIsWrittenIsRead()
    {
        await WriteAsync();
        (int[] tokens, byte[] state) = await ReadAsync(Identity);
        Assert.Equal(Tokens, tokens);
        Assert.True(State.AsSpan().SequenceEqual(state));
        Assert.Equal([Path], Directory.GetFiles(_folder));
    }

    [Fact]
    public async Task ALaterFileTakesThePlaceOfAnEarlierOne()
    {
        await WriteAsync();
        await PrefixFile.WriteAsync(Path, Identity, [9], [1], Cancel);
        int[] tokens = (await ReadAsync(Identity)).Tokens;
        Assert.Equal([9], tokens);
    }

    [Fact]
    public async Task ACancelledWriteLeavesWhatWasThere()
    {
        await PrefixFile.WriteAsync(Path, Identity, [9], [1], Cancel);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => PrefixFile.WriteAsync(Path, Identity, Tokens, State, new CancellationToken(canceled: true)));
        int[] tokens = (await ReadAsync(Identity)).Tokens;
        Assert.Equal([9], tokens);
        Assert.Equal([Path], Directory.GetFiles(_folder));
    }

    [Fact]
    public async Task AnotherModelsFileIsRefused()
    {
        await WriteAsync();
        byte[] other = [.. Identity.Fingerprint];
        other[31] ^= 1;
        await RefusesAsync("another model", Identity with { Fingerprint = other });
    }

    [Fact]
    public async Task AFileOfOtherOptionsIsRefusedAndBothAreNamed()
    {
        await WriteAsync();
        await RefusesAsync("values Q8_0, and this is llama.cpp 9", Identity with { Layout = "llama.cpp 9" });
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(8)]
    [InlineData(59)]
    [InlineData(91)]
    [InlineData(92)]
    [InlineData(1000)]
    [InlineData(3_000_000)]
    [InlineData(-1)]
    public async Task ATruncatedFileIsRefused(int length)
    {
        byte[] bytes = await WriteAsync();
        await File.WriteAllBytesAsync(Path, bytes[..(length < 0 ? bytes.Length + length : length)], Cancel);
        await RefusesAsync("");
    }

    [Fact]
    public async Task AFileWithMoreAtItsEndIsRefused()
    {
        byte[] bytes = await WriteAsync();
        await File.WriteAllBytesAsync(Path, [.. bytes, 0], Cancel);
        await RefusesAsync("damaged");
    }

    [Fact]
    public async Task AnyFlippedBitIsNoticed()
    {
        await PrefixFile.WriteAsync(Path, Identity, Tokens, State[..50], Cancel);
        byte[] bytes = await File.ReadAllBytesAsync(Path, Cancel);
        for (int bit = 0; bit < bytes.Length * 8; bit++)
        {
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            await File.WriteAllBytesAsync(Path, bytes, Cancel);
            await RefusesAsync("");
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }

    /// <summary>With a right checksum, so that only the lengths themselves can be found wrong.</summary>
    [Theory]
    [InlineData(12, uint.MaxValue)]
    [InlineData(16, uint.MaxValue)]
    [InlineData(16, 0u)]
    [InlineData(16, 0x4000_0000u)]
    [InlineData(20, uint.MaxValue)]
    [InlineData(24, uint.MaxValue)]
    [InlineData(24, 0x8000_0000u)]
    public async Task AbsurdLengthsAreRefusedAndNothingIsAllocatedForThem(int offset, uint value)
    {
        await PrefixFile.WriteAsync(Path, Identity, Tokens, State[..50], Cancel);
        byte[] bytes = await File.ReadAllBytesAsync(Path, Cancel);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(offset), value);
        SHA256.HashData(bytes.AsSpan(..^32), bytes.AsSpan(^32..));
        await File.WriteAllBytesAsync(Path, bytes, Cancel);
        long before = GC.GetTotalAllocatedBytes();
        await RefusesAsync("damaged");
        Assert.InRange(GC.GetTotalAllocatedBytes() - before, 0, 50_000_000);
    }

    [Fact]
    public async Task MoreTokensThanTheContextHoldsAreRefused()
    {
        await WriteAsync();
        await Assert.ThrowsAsync<PrefixFileException>(() => PrefixFile.ReadAsync(Path, Identity, maxTokens: 3, Cancel));
    }

    [Fact]
    public async Task AMissingFileIsAnIOException() => await Assert.ThrowsAsync<FileNotFoundException>(() => ReadAsync(Identity));

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private async Task<byte[]> WriteAsync()
    {
        await PrefixFile.WriteAsync(Path, Identity, Tokens, State, Cancel);
        return await File.ReadAllBytesAsync(Path, Cancel);
    }

    private Task<(int[] Tokens, byte[] State)> ReadAsync(StateIdentity identity) => PrefixFile.ReadAsync(Path, identity, maxTokens: 100, Cancel);

    private async Task RefusesAsync(string message, StateIdentity? identity = null)
    {
        PrefixFileException exception = await Assert.ThrowsAsync<PrefixFileException>(() => ReadAsync(identity ?? Identity));
        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
    }
}
