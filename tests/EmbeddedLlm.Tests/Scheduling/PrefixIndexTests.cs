using EmbeddedLlm.Scheduling;

namespace EmbeddedLlm.Tests.Scheduling;

public sealed class PrefixIndexTests
{
    [Fact]
    public void TheLongestCommonBeginningComesFirst()
    {
        PrefixIndex index = new(4);
        index.Add(0, AdapterSet.None, [1, 2, 3], 3);
        index.Add(1, AdapterSet.None, [1, 2, 3, 4, 5], 5);
        index.Add(2, AdapterSet.None, [1, 9], 2);
        index.Add(3, AdapterSet.None, [7], 1);
        Assert.Equal((1, 4), index.Match(AdapterSet.None, [1, 2, 3, 4, 8], 5).First());
        Assert.Equal([3, 3], index.Match(AdapterSet.None, [1, 2, 3, 6], 4).Where(match => match.Slot < 2).Take(2).Select(match => match.Count));
        Assert.Equal((2, 1), index.Match(AdapterSet.None, [1, 2, 3], 3).Last(match => match.Slot == 2));
        Assert.Empty(index.Match(AdapterSet.None, [5], 1));
    }

    [Fact]
    public void OnlyTheTokensThatAreAskedForCount()
    {
        PrefixIndex index = new(1);
        index.Add(0, AdapterSet.None, [1, 2, 3, 99], 3);
        Assert.Equal((0, 2), index.Match(AdapterSet.None, [1, 2, 3], 2).First());
        Assert.Equal((0, 3), index.Match(AdapterSet.None, [1, 2, 3, 99], 4).First());
    }

    [Fact]
    public void ASlotIsAddedOnce()
    {
        PrefixIndex index = new(1);
        index.Add(0, AdapterSet.None, [1], 1);
        Assert.Throws<InvalidOperationException>(() => index.Add(0, AdapterSet.None, [1], 1));
        index.Remove(0);
        index.Remove(0);
        index.Add(0, AdapterSet.None, [1], 1);
    }

    [Fact]
    public void ItFindsWhatAScanFinds()
    {
        for (int seed = 0; seed < 100; seed++)
        {
            Random random = new(seed);
            PrefixIndex index = new(32);
            Dictionary<int, int[]> slots = [];
            for (int i = 0; i < 200; i++)
            {
                int slot = random.Next(32);
                if (slots.Remove(slot))
                    index.Remove(slot);
                else
                    index.Add(slot, AdapterSet.None, slots[slot] = RandomTokens(random), slots[slot].Length);
                index.CheckIntegrity();

                int[] wanted = RandomTokens(random);
                Dictionary<int, int> expected = slots.ToDictionary(pair => pair.Key, pair => pair.Value.AsSpan().CommonPrefixLength(wanted));
                (int Slot, int Count)[] found = [.. index.Match(AdapterSet.None, wanted, wanted.Length)];
                Assert.Equal(found.Select(match => match.Count).OrderDescending(), found.Select(match => match.Count));
                foreach ((int other, int count) in expected.Where(pair => pair.Value > 0))
                    Assert.Equal(count, found.First(match => match.Slot == other).Count);
                Assert.All(found, match => Assert.InRange(match.Count, 1, expected[match.Slot]));
            }

            foreach (int slot in slots.Keys)
                index.Remove(slot);
            index.CheckIntegrity();
            Assert.Empty(index.Match(AdapterSet.None, [0, 0, 0], 3));
        }
    }

    [Fact]
    public void WhatWasComputedWithOtherAdaptersIsNotFound()
    {
        AdapterSet half = AdapterSet.Of(new ScaledAdapter(0, 0.5f));
        PrefixIndex index = new(3);
        index.Add(0, AdapterSet.None, [1, 2, 3], 3);
        index.Add(1, half, [1, 2, 3, 4], 4);
        index.Add(2, AdapterSet.Of(new ScaledAdapter(1, 0.5f)), [1, 2, 3, 4, 5], 5);
        index.CheckIntegrity();
        Assert.Equal([0], index.Match(AdapterSet.None, [1, 2, 3, 4, 5], 5).Select(match => match.Slot).Distinct());
        Assert.Equal([1], index.Match(AdapterSet.Of(new ScaledAdapter(0, 0.5f)), [1, 2, 3, 4, 5], 5).Select(match => match.Slot).Distinct());
        Assert.Empty(index.Match(AdapterSet.Of(new ScaledAdapter(0, 0.25f)), [1, 2, 3, 4, 5], 5));
        index.Remove(1);
        index.CheckIntegrity();
        Assert.Empty(index.Match(half, [1, 2, 3, 4, 5], 5));
        Assert.Equal((0, 3), index.Match(AdapterSet.None, [1, 2, 3], 3).First());
    }

    private static int[] RandomTokens(Random random) => [.. Enumerable.Range(0, random.Next(1, 12)).Select(_ => random.Next(2))];
}
