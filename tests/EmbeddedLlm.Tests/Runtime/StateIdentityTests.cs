using System.Globalization;
using EmbeddedLlm.Runtime;

namespace EmbeddedLlm.Tests.Runtime;

public sealed class StateIdentityTests
{
    private static readonly StateIdentity s_model = new([1, 2, 3], "llama.cpp 1.2.3");

    private static readonly (byte[], float) s_one = ([1], 1);
    private static readonly (byte[], float) s_two = ([2], 0.5f);

    [Fact]
    public void WithoutAdaptersItIsTheModels() => Assert.Same(s_model, s_model.With([]));

    [Fact]
    public void TheOrderOfAdaptersDoesNotMatter()
    {
        StateIdentity identity = s_model.With([s_one, s_two]);
        Assert.Equal(identity.Fingerprint, s_model.With([s_two, s_one]).Fingerprint);
        Assert.Equal("llama.cpp 1.2.3, adapters with scale 1 and 0.5", identity.Layout);
        Assert.Equal(identity.Layout, s_model.With([s_two, s_one]).Layout);
    }

    // Danish sorts AA, the old spelling of its last letter, behind B.
    [Fact]
    public void TheUsersCultureDoesNotMatter()
    {
        (byte[], float)[] adapters = [([0xAA], 1), ([0xB0], 0.5f)];
        CultureInfo before = CultureInfo.CurrentCulture;
        try
        {
            CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
            StateIdentity identity = s_model.With(adapters);
            CultureInfo.CurrentCulture = CultureInfo.GetCultureInfo("da-DK");
            Assert.Equal(identity.Layout, s_model.With(adapters).Layout);
            Assert.Equal(identity.Fingerprint, s_model.With(adapters).Fingerprint);
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [Fact]
    public void EachSetOfFilesAndScalesHasItsOwn()
    {
        StateIdentity[] identities =
        [
            s_model, s_model.With([s_one]), s_model.With([s_two]), s_model.With([s_one, s_two]), s_model.With([([1], 0.5f), ([2], 1f)]), s_model.With([([1], 0.5f)]), s_model.With([([3], 1f)]),
            new StateIdentity([1, 2, 4], s_model.Layout).With([s_one]),
        ];
        Assert.Equal(identities.Length, identities.Select(identity => Convert.ToHexString(identity.Fingerprint)).Distinct().Count());
    }
}
