using EmbeddedLlm.Gguf;

namespace EmbeddedLlm.Native.Tests;

/// <summary>Model files that are in order but for their numbers.</summary>
internal static class DamagedModel
{
    /// <summary>Makes all numbers of a token's embedding NaN.</summary>
    public static void BreakEmbedding(string path, int token)
    {
        GgufFile file = GgufFile.Open(path);
        Assert.True(file.TryGetTensor("token_embd.weight", out GgufTensorInfo? embeddings));
        byte[] row = new byte[embeddings.ByteSize / embeddings.Dimensions[1]];
        Array.Fill(row, (byte)0xFF);
        using FileStream stream = new(path, FileMode.Open, FileAccess.Write);
        stream.Position = file.DataOffset + embeddings.Offset + ((long)row.Length * token);
        stream.Write(row);
    }
}
