namespace EmbeddedLlm.Gguf;

/// <summary>What often lies where a GGUF file is expected, told by its first bytes, and what to do about it.</summary>
internal static class ForeignContent
{
    /// <summary>What the bytes look like; null where they look like nothing that is known.</summary>
    /// <param name="bytes">The file's first bytes, as many as there are.</param>
    public static string? Find(ReadOnlySpan<byte> bytes)
    {
        // A byte order mark and white space go before what servers send.
        ReadOnlySpan<byte> text = (bytes.StartsWith("\uFEFF"u8) ? bytes[3..] : bytes).TrimStart(" \t\r\n"u8);
        return bytes.StartsWith("version https://git-lfs"u8) ? "the pointer that Git LFS leaves in place of a file; fetch the file itself with 'git lfs pull'"
            : text.StartsWith("<"u8) ? "a web page, as servers send it in place of a file that is not there or needs a login"
            : bytes is [_, _, _, _, _, 0, 0, 0, (byte)'{', ..] ? "a safetensors file; convert it with llama.cpp's convert_hf_to_gguf.py"
            : text.StartsWith("{"u8) ? "JSON, such as a server's error or a model's configuration"
            : bytes.StartsWith("PK\u0003\u0004"u8) ? "a ZIP archive, as PyTorch's checkpoints are; convert it with llama.cpp's convert_hf_to_gguf.py"
            : bytes is [0x1F, 0x8B, ..] ? "something packed with gzip; unpack it"
            : bytes is [(byte)'l' or (byte)'f' or (byte)'t' or (byte)'a', (byte)'m' or (byte)'j' or (byte)'l', (byte)'g', (byte)'g', ..] ? "a model in the format before GGUF; convert it again"
            : null;
    }
}
