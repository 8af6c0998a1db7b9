using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using EmbeddedLlm.Gguf;
using EmbeddedLlm.Interop;

namespace EmbeddedLlm.Runtime;

/// <summary>What the state of a sequence depends on beside its tokens: a model can go on from states of an equal identity only.</summary>
/// <param name="Fingerprint">
/// SHA-256 of each of the model's files, and of each adapter that takes part: its length, its header (all metadata and the layout of all tensors), and samples of its tensor data, 4 KiB from each of 256 equal parts. Quick for files of many
/// gigabytes; two models of one layout that differ in no sample are told apart by nothing.
/// </param>
/// <param name="Layout">llama.cpp's version and the options that decide what a state looks like, to be read by people as well.</param>
internal sealed record StateIdentity(byte[] Fingerprint, string Layout)
{
    private const int Samples = 256;
    private const int SampleBytes = 4096;

    /// <param name="path">The model's file.</param>
    /// <param name="cacheLength">The KV cache's size in tokens.</param>
    /// <param name="options">How the model was loaded.</param>
    /// <param name="gpuLayers">The layers on GPUs.</param>
    /// <exception cref="IOException">A file cannot be read.</exception>
    /// <exception cref="GgufFormatException">A file has been damaged since it was loaded.</exception>
    public static unsafe StateIdentity Create(string path, int cacheLength, EmbeddedModelOptions options, int gpuLayers)
    {
        IReadOnlyList<GgufFile> files = GgufFile.OpenParts(path);
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        string[] paths = [path, .. GgufSplitChecks.OtherPaths(files[0], path)];
        for (int i = 0; i < paths.Length; i++)
            Add(hash, paths[i], files[i].DataOffset);

        string version = Marshal.PtrToStringUTF8((nint)NativeMethods.llama_version()) ?? "";
        string layout = $"llama.cpp {version}, keys {options.KeyCacheType}, values {options.ValueCacheType}";
        // Values are kept by cell or by number, as attention takes them.
        if (!AttentionKernel.IsFused(GgufModelInfo.From(files), options, gpuLayers))
            layout += ", attention in steps";
        // Of two sets of rotary factors the KV cache's size decides.
        if (files.Any(file => file.TryGetTensor("rope_factors_long.weight", out _)))
            layout += string.Create(CultureInfo.InvariantCulture, $", cache {cacheLength}");
        return new StateIdentity(hash.GetHashAndReset(), layout);
    }

    /// <summary>What stands for one file: all that goes into <see cref="Fingerprint"/> of it.</summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="GgufFormatException">The file has been damaged since it was loaded.</exception>
    public static byte[] FingerprintOf(string path)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Add(hash, path, GgufFile.Open(path).DataOffset);
        return hash.GetHashAndReset();
    }

    /// <summary>The identity of states that are computed with adapters, whatever their names and order.</summary>
    public StateIdentity With(IEnumerable<(byte[] Fingerprint, float Scale)> adapters)
    {
        // By code units: where A comes in the alphabet is for each culture to say, and an identity outlives the process.
        (string Name, float Scale)[] sorted = [.. adapters.Select(adapter => (Name: Convert.ToHexString(adapter.Fingerprint), adapter.Scale)).OrderBy(adapter => adapter.Name, StringComparer.Ordinal).ThenBy(adapter => adapter.Scale)];
        if (sorted.Length == 0)
            return this;
        string[] scales = [.. sorted.Select(adapter => adapter.Scale.ToString("R", CultureInfo.InvariantCulture))];
        byte[] parts = Encoding.UTF8.GetBytes(string.Join(' ', sorted.Select((adapter, i) => $"{adapter.Name} {scales[i]}")));
        return new StateIdentity(SHA256.HashData([.. Fingerprint, .. parts]), $"{Layout}, adapters with scale {string.Join(" and ", scales)}");
    }

    private static void Add(IncrementalHash hash, string path, long dataOffset)
    {
        using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        long length = stream.Length;
        hash.AppendData(BitConverter.GetBytes(BitConverter.IsLittleEndian ? length : System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(length)));
        byte[] buffer = new byte[1 << 16];
        for (long left = Math.Min(dataOffset, length); left > 0;)
        {
            int count = stream.ReadAtLeast(buffer.AsSpan(0, (int)Math.Min(left, buffer.Length)), 1);
            hash.AppendData(buffer.AsSpan(0, count));
            left -= count;
        }

        long data = Math.Max(0, length - dataOffset);
        for (int i = 0; i < Samples; i++)
        {
            stream.Position = dataOffset + (long)((Int128)data * i / Samples);
            int count = stream.ReadAtLeast(buffer.AsSpan(0, SampleBytes), SampleBytes, throwOnEndOfStream: false);
            hash.AppendData(buffer.AsSpan(0, count));
        }
    }
}
