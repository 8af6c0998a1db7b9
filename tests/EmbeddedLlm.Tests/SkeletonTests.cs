namespace EmbeddedLlm.Tests;

public sealed class SkeletonTests
{
    [Fact]
    public void RootIsFound() => Assert.True(Directory.Exists(SharedData.RepositoryRoot));
}
