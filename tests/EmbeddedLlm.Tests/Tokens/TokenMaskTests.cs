using EmbeddedLlm.Tokens;

namespace EmbeddedLlm.Tests.Tokens;

public sealed class TokenMaskTests
{
    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 1)]
    [InlineData(64, 1)]
    [InlineData(65, 2)]
    [InlineData(151_936, 2374)]
    public void AWordHolds64Tokens(int tokens, int words) => Assert.Equal(words, TokenMask.WordsFor(tokens));

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(40)]
    public void AUnionHoldsTheTokensOfBoth(int words)
    {
        ulong[] mask = new ulong[words];
        ulong[] other = new ulong[words];
        for (int token = 0; token < words * 64; token++)
        {
            if (token % 3 == 0)
                TokenMask.Add(mask, token);
            if (token % 5 == 0)
                TokenMask.Add(other, [token]);
        }

        TokenMask.Union(mask, other);
        Assert.All(Enumerable.Range(0, words * 64), token => Assert.Equal(token % 3 == 0 || token % 5 == 0, TokenMask.Contains(mask, token)));
    }
}
