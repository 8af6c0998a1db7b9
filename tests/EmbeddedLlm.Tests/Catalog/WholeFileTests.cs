using System.Text;
using EmbeddedLlm.Catalog;

namespace EmbeddedLlm.Tests.Catalog;

public sealed class WholeFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("embeddedllm-").FullName;

    private string FilePath => Path.Combine(_folder, "a.json");

    [Fact]
    public void AFileIsReplacedWhole()
    {
        WholeFile.Write(FilePath, "old"u8.ToArray());
        WholeFile.Write(FilePath, "new"u8.ToArray());
        Assert.Equal("new", File.ReadAllText(FilePath, Encoding.UTF8));
        Assert.Equal([FilePath], Directory.EnumerateFileSystemEntries(_folder));
    }

    [Fact]
    public void WhatCannotBeWrittenLeavesNothingBehind()
    {
        Directory.CreateDirectory(FilePath);
        Assert.ThrowsAny<Exception>(() => WholeFile.Write(FilePath, "new"u8.ToArray()));
        Assert.Equal([FilePath], Directory.EnumerateFileSystemEntries(_folder));
    }

    [Fact]
    public void WhatAnotherProcessLeftIsDeletedToo()
    {
        File.WriteAllText(FilePath + ".new", "half");
        WholeFile.Delete(FilePath);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
