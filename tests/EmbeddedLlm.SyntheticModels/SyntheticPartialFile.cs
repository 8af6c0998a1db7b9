namespace EmbeddedLlm.SyntheticModels;

/// <summary>
/// A file that is deleted with the object, or with the process where that ends first, unless it was given its name before. What a process that was killed left behind is deleted by the next one.
/// </summary>
internal sealed class SyntheticPartialFile : IDisposable
{
    private const string Extension = ".partial";

    private readonly EventHandler _onExit;

    /// <param name="path">The name that the file is meant to get; its own is that with something behind.</param>
    public SyntheticPartialFile(string path)
    {
        Path = $"{path}.{Guid.NewGuid():N}{Extension}";
        _onExit = (_, _) => Delete();
        AppDomain.CurrentDomain.ProcessExit += _onExit;
    }

    /// <summary>Where the file is.</summary>
    public string Path { get; }

    /// <summary>Gives the file its name, in place of another that has it.</summary>
    public void MoveTo(string path) => File.Move(Path, path, overwrite: true);

    public void Dispose()
    {
        AppDomain.CurrentDomain.ProcessExit -= _onExit;
        Delete();
    }

    /// <summary>Deletes what others left behind.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="age">How long ago a file was written to that nobody needs any more.</param>
    public static void DeleteLeftovers(string folder, TimeSpan age)
    {
        foreach (FileInfo file in new DirectoryInfo(folder).EnumerateFiles("*" + Extension))
        {
            if (DateTime.UtcNow - file.LastWriteTimeUtc > age)
                file.Delete();
        }
    }

    // With what the quantiser writes beside it on the way.
    private void Delete()
    {
        foreach (string file in Directory.EnumerateFiles(System.IO.Path.GetDirectoryName(Path)!, System.IO.Path.GetFileName(Path) + "*"))
            File.Delete(file);
    }
}
