namespace EmbeddedLlm.Benchmarks.Tests;

public sealed class CommandsTests
{
    /// <summary>Exit code 1 of <c>compare</c> says that a figure is worse: a gate must not take a slip of the pen for that.</summary>
    [Theory]
    [InlineData("compare", "one.json")]
    [InlineData("compare", "one.json", "two.json", "--tolerance", "abc")]
    [InlineData("compare", "one.json", "two.json", "--tolerance", "NaN")]
    [InlineData("compare", "one.json", "two.json", "--tolerance", "-0.1")]
    [InlineData("compare", "one.json", "two.json", "--tolerance", "5")]
    [InlineData("reprot", "--quick")]
    [InlineData("report", "--pairs", "0")]
    [InlineData("report", "--pairs", "-1")]
    [InlineData("report", "--callers", "0")]
    [InlineData("report", "--callers", "abc")]
    [InlineData("report", "--callers", "4", "--callers", "100000")]
    [InlineData("report", "--callers", "4", "100000")]
    [InlineData("report", "--subject", "decode", "--quik")]
    [InlineData("report", "--threads", "abc")]
    [InlineData("report", "--kv-type", "77")]
    [InlineData("report", "--bare-poll", "101")]
    [InlineData("report", "--model", "nosuch")]
    [InlineData("report", "--quik", "--subject", "tokenizer", "--model", "starter", "--pairs", "1")]
    [InlineData("report", "starter", "--subject", "tokenizer", "--model", "starter", "--pairs", "1")]
    [InlineData("grammar-masks", "--limit", "-1")]
    [InlineData("schemas", "--failures", "-1")]
    [InlineData("peers", "--rounds", "0")]
    [InlineData("shapes", "--pairs", "0")]
    public async Task AWrongCommandLineEndsWithTwo(params string[] arguments) => Assert.Equal(Commands.UsageError, await Commands.RunAsync(arguments));

    [Fact]
    public async Task SeveralValuesMayFollowOneOption()
    {
        using TemporaryFolder folder = new();
        Assert.Equal(0, await Commands.RunAsync(["report", "--callers", "1", "2", "--subject", "template", "tokenizer", "--model", "starter", "--pairs", "1", "--output", folder.File("out")]));
        string figures = await File.ReadAllTextAsync(folder.File("out/results.json"), TestContext.Current.CancellationToken);
        Assert.Contains("\"template\"", figures, StringComparison.Ordinal);
        Assert.Contains("\"tokenizer\"", figures, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TwoModelsThatFiguresWouldNameAlikeAreRefused()
    {
        using TemporaryFolder folder = new();
        string one = folder.File("one/model.gguf"), other = folder.File("other/model.gguf");
        foreach (string path in (string[])[one, other])
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            await File.WriteAllTextAsync(path, "", TestContext.Current.CancellationToken);
        }

        Assert.Equal(Commands.UsageError, await Commands.RunAsync(["report", "--model", one, "--model", other, "--output", folder.File("out")]));
        Assert.False(Directory.Exists(folder.File("out")));
    }
}
