using EmbeddedLlm.Native.Tests;
using Microsoft.Extensions.AI;

[assembly: AssemblyFixture(typeof(StarterModelFixture))]

namespace EmbeddedLlm.Native.Tests;

/// <summary>The starter model, loaded once for all tests that only ask it something.</summary>
public sealed class StarterModelFixture : IAsyncLifetime
{
    public EmbeddedModel Model { get; private set; } = null!;

    public IChatClient Chat { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Model = await EmbeddedModel.LoadAsync("starter");
        Chat = Model.AsChatClient();
    }

    public ValueTask DisposeAsync() => Model.DisposeAsync();
}
