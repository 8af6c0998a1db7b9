using EmbeddedLlm.Scheduling;

namespace EmbeddedLlm.Tests.Scheduling;

public sealed class KvCachePoolTests
{
    [Fact]
    public void SharedCellsCountOnce()
    {
        KvCachePool pool = Create(out FakeDecoder decoder, out int first, out int second);
        Fill(pool, decoder, first, 10);
        pool.Share(first, second, 6);
        Assert.Equal((10, 6, 10), (pool.LengthOf(first), pool.LengthOf(second), pool.UsedCells));
        Fill(pool, decoder, second, 3);
        Assert.Equal((10, 9, 13), (pool.LengthOf(first), pool.LengthOf(second), pool.UsedCells));
        pool.CheckIntegrity();
    }

    [Fact]
    public void SharedCellsAreFreedWithTheirLastHolder()
    {
        KvCachePool pool = Create(out FakeDecoder decoder, out int first, out int second);
        Fill(pool, decoder, first, 10);
        pool.Share(first, second, 6);
        pool.Release(first);
        Assert.Equal(6, pool.UsedCells);
        pool.Release(second);
        Assert.Equal((0, 4), (pool.UsedCells, pool.FreeSlots));
        pool.CheckIntegrity();
    }

    [Theory]
    [InlineData(9)]
    [InlineData(6)]
    [InlineData(3)]
    [InlineData(0)]
    public void ACutTakesNothingFromOthers(int count)
    {
        KvCachePool pool = Create(out FakeDecoder decoder, out int first, out int second);
        Fill(pool, decoder, first, 10);
        pool.Share(first, second, 6);
        Fill(pool, decoder, second, 5);
        Assert.Equal(count, pool.Cut(second, count));
        Assert.Equal((10, count, 10 + Math.Max(0, count - 6)), (pool.LengthOf(first), pool.LengthOf(second), pool.UsedCells));
        Assert.Equal(pool.UsedCells, decoder.UsedCells);
        pool.CheckIntegrity();
    }

    [Fact]
    public void AMemoryThatCannotBeCutLosesAllOfTheSlot()
    {
        KvCachePool pool = Create(out FakeDecoder decoder, out int first, out _);
        decoder.IsRecurrent = true;
        Fill(pool, decoder, first, 10);
        Assert.Equal(0, pool.Cut(first, 9));
        Assert.Equal((0, 0), (pool.UsedCells, decoder.UsedCells));
    }

    [Fact]
    public void CountingSlotsTogetherCountsEachCellOnce()
    {
        KvCachePool pool = Create(out FakeDecoder decoder, out int first, out int second);
        Fill(pool, decoder, first, 10);
        pool.Share(first, second, 6);
        Fill(pool, decoder, second, 5);
        pool.BeginCount();
        Assert.Equal(11, pool.Count(second, 11));
        Assert.Equal(2, pool.Count(first, 8));
        pool.BeginCount();
        Assert.Equal(0, pool.Count(first, 0));
        Assert.Equal(4, pool.Count(first, 4));
    }

    [Fact]
    public void MisuseIsRefused()
    {
        KvCachePool pool = Create(out _, out int first, out int second);
        Assert.Throws<ArgumentOutOfRangeException>(() => pool.Append(first, 1000));
        Assert.Throws<ArgumentOutOfRangeException>(() => pool.Share(first, second, 1));
        pool.Release(second);
        Assert.Throws<InvalidOperationException>(() => pool.Release(second));
        Assert.Throws<InvalidOperationException>(() => pool.Append(second, 1));
    }

    [Fact]
    public void TheBooksAgreeWithTheCellsAfterAnyOperations()
    {
        for (int seed = 0; seed < 50; seed++)
        {
            Random random = new(seed);
            FakeDecoder decoder = new(8, cells: 200);
            KvCachePool pool = new(decoder);
            List<int> taken = [];
            for (int i = 0; i < 300; i++)
            {
                int slot = taken.Count == 0 ? -1 : taken[random.Next(taken.Count)];
                switch (random.Next(5))
                {
                    case 0 when pool.TryAcquire(out int free):
                        taken.Add(free);
                        break;
                    case 1 when slot >= 0 && pool.LengthOf(slot) > 0 && pool.TryAcquire(out int free):
                        taken.Add(free);
                        pool.Share(slot, free, random.Next(1, pool.LengthOf(slot) + 1));
                        break;
                    case 2 when slot >= 0 && pool.FreeCells > 20:
                        Fill(pool, decoder, slot, random.Next(1, 20));
                        break;
                    case 3 when slot >= 0:
                        pool.Cut(slot, random.Next(0, pool.LengthOf(slot) + 1));
                        break;
                    case 4 when slot >= 0 && random.Next(3) == 0:
                        pool.Release(slot);
                        taken.Remove(slot);
                        break;
                }

                pool.CheckIntegrity();
                Assert.Equal(decoder.UsedCells, pool.UsedCells);
            }
        }
    }

    private static KvCachePool Create(out FakeDecoder decoder, out int first, out int second)
    {
        decoder = new FakeDecoder(4, cells: 100);
        KvCachePool pool = new(decoder);
        Assert.True(pool.TryAcquire(out first));
        Assert.True(pool.TryAcquire(out second));
        return pool;
    }

    private static void Fill(KvCachePool pool, FakeDecoder decoder, int slot, int count)
    {
        decoder.Batch.Clear();
        decoder.Batch.Add(slot, new int[count], pool.LengthOf(slot), wantsLogits: false);
        pool.Append(slot, count);
        Assert.Equal(DecodeResult.Done, decoder.Decode());
    }
}
