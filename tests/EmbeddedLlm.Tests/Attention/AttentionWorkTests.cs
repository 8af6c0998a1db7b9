using EmbeddedLlm.Attention;

namespace EmbeddedLlm.Tests.Attention;

public sealed class AttentionWorkTests
{
    [Fact]
    public void AGroupHasAtMostSoManyRows()
    {
        foreach ((int heads, int kvHeads) in new[] { (14, 2), (32, 8), (32, 32), (128, 1), (71, 1) })
        {
            AttentionWork work = Divide(heads, kvHeads, tokens: 512, cells: 4096);
            Assert.InRange(work.TokensPerGroup * (heads / kvHeads), 1, AttentionWork.MostRows);
            Assert.True(work.TokensPerGroup * work.TokenGroups >= 512);
            Assert.True(work.TokensPerGroup * (work.TokenGroups - 1) < 512);
            Assert.Equal(work.TokenGroups * kvHeads, work.Groups);
        }
    }

    [Fact]
    public void ManyGroupsAreNotDividedFurther() => Assert.Equal(1, Divide(32, 32, tokens: 512, cells: 100_000).Parts);

    [Fact]
    public void FewGroupsShareOutTheCells()
    {
        AttentionWork work = Divide(14, 2, tokens: 1, cells: 4096);
        Assert.Equal(16, work.Parts);
        Assert.Equal(32, work.Units);
    }

    /// <summary>Latent attention has one head of keys, so that a token's queries are one group, and a long one.</summary>
    [Theory]
    [InlineData(1024, 4)]
    [InlineData(4096, 16)]
    [InlineData(65_536, 32)]
    public unsafe void ATokenOfLatentAttentionIsSharedOut(int cells, int units)
    {
        AttentionInputs inputs = new() { Heads = 128, KvHeads = 1, KeyLength = 576, ValueLength = 512, Tokens = 1, Cells = cells };
        AttentionWorkspace workspace = new(threads: 1, inputs.KeyLength, inputs.ValueLength);
        Assert.Equal(units, AttentionWork.Divide(inputs, workspace.Job->PartialCapacity).Units);
        GC.KeepAlive(workspace);
    }

    /// <summary>Where there is a cell more or not, the parts begin at the same cells, so that their sums are the same.</summary>
    [Fact]
    public void PartsBeginAtTheSameCellsWhateverTheirNumber()
    {
        for (int cells = 257; cells < 9000; cells += 256)
            Assert.Equal(256, Divide(14, 2, tokens: 1, cells).CellsPerPart);
    }

    [Theory]
    [InlineData(1_000)]
    [InlineData(100_000)]
    [InlineData(1 << 18)]
    public void PartsFitIntoTheirMemory(int capacity)
    {
        for (int tokens = 1; tokens < 200; tokens += 7)
        {
            AttentionInputs inputs = new() { Heads = 28, KvHeads = 4, KeyLength = 128, ValueLength = 128, Tokens = tokens, Cells = 1_000_000 };
            AttentionWork work = AttentionWork.Divide(inputs, capacity);
            if (work.Parts > 1)
                Assert.InRange((long)work.Units * work.TokensPerGroup * 7 * AttentionWork.PartialLength(128), 1, capacity);
            Assert.True((long)work.Parts * work.CellsPerPart >= inputs.Cells);
        }
    }

    private static AttentionWork Divide(int heads, int kvHeads, int tokens, int cells) =>
        AttentionWork.Divide(new AttentionInputs { Heads = heads, KvHeads = kvHeads, KeyLength = 64, ValueLength = 64, Tokens = tokens, Cells = cells }, 1 << 18);
}
