namespace EmbeddedLlm.Catalog;

/// <summary>A small file that is there whole or not at all: it is written under another name, and its own comes last.</summary>
internal static class WholeFile
{
    private const string NewEnding = ".new";

    public static void Write(string path, byte[] content)
    {
        string temporary = path + NewEnding;
        try
        {
            File.WriteAllBytes(temporary, content);
            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            // As on a full disk, where even an empty file would stay.
            File.Delete(temporary);
            throw;
        }
    }

    /// <summary>Deletes the file, and what a process that ended while it wrote it has left.</summary>
    public static void Delete(string path)
    {
        File.Delete(path);
        File.Delete(path + NewEnding);
    }
}
