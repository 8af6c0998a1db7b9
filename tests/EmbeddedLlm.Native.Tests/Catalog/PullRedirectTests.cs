using Microsoft.AspNetCore.Http;

namespace EmbeddedLlm.Native.Tests.Catalog;

/// <summary>Wherever a server leads, secrets stay where they belong and files come to lie where they should.</summary>
public sealed class PullRedirectTests : PullTestBase
{
    [Fact]
    public async Task TheTokenIsForTheHubAlone()
    {
        await using HubServer other = await HubServer.StartAsync();
        other.Add($"{Repository}/{FileName}", Content);
        Server.Cdn = other.Address;
        await AssertPulledAsync(CreateStore(options => options.Token = "secret"));
        Assert.All(Server.Requests, request => Assert.Equal("Bearer secret", request.Authorization));
        Assert.Null(Assert.Single(other.Requests).Authorization);
    }

    [Fact]
    public async Task TheTokenDoesNotComeBackByWayOfAnotherHost()
    {
        await using HubServer other = await HubServer.StartAsync();
        string back = new Uri(Server.Address, $"/cdn/{Repository}/{FileName}").AbsoluteUri;
        other.ResolveFaults.Enqueue(context => Redirect(context, back));
        Server.ResolveFaults.Enqueue(context => Redirect(context, new Uri(other.Address, "/a/b/resolve/main/c").AbsoluteUri));
        await AssertPulledAsync(CreateStore(options => options.Token = "secret"));
        Assert.Null(Assert.Single(Server.Contents).Authorization);
    }

    [Fact]
    public async Task TheTokenIsNotForAddressesElsewhere()
    {
        await using HubServer other = await HubServer.StartAsync();
        other.Add($"{Repository}/{FileName}", Content);
        await CreateStore(options => options.Token = "secret").PullAsync(new Uri(other.Address, $"/cdn/{Repository}/{FileName}").AbsoluteUri, cancellationToken: Cancellation);
        Assert.Null(Assert.Single(other.Requests).Authorization);
    }

    [Fact]
    public async Task RedirectsInACircleEnd()
    {
        for (int i = 0; i < 20; i++)
            Server.ResolveFaults.Enqueue(context => Redirect(context, context.Request.Path));
        await AssertRefusedAsync("redirects more than 10 times");
    }

    [Theory]
    [InlineData("file:///etc/passwd")]
    [InlineData("ftp://127.0.0.1/model.gguf")]
    public async Task RedirectsOutOfTheWebAreNotFollowed(string target)
    {
        Server.ResolveFaults.Enqueue(context => Redirect(context, target));
        await AssertRefusedAsync("less safe");
    }

    /// <summary>Storage is asked with addresses that are signed: who reads the signature in a log can ask as well.</summary>
    [Theory]
    [InlineData("/cdn/nothing/here.gguf?signature=secret", 404)]
    [InlineData("http://127.0.0.1:1/model.gguf?signature=secret", null)]
    [InlineData("ftp://127.0.0.1/model.gguf?signature=secret", null)]
    public async Task SignaturesInAddressesAreInNoMessage(string target, int? status)
    {
        string address = status is null ? Source : new Uri(Server.Address, target).AbsoluteUri;
        if (status is null)
            Server.ResolveFaults.Enqueue(context => Redirect(context, target));
        ModelDownloadException exception = await Assert.ThrowsAsync<ModelDownloadException>(
            () => CreateStore(options => options.MaxRetries = 0).PullAsync(address, cancellationToken: Cancellation));
        Assert.Equal(status, (int?)exception.StatusCode);
        Assert.Contains(".gguf?…'", exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", exception.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task SignaturesInAddressesThatNothingWasPulledFromAreInNoMessage()
    {
        string address = new Uri(Server.Address, $"/cdn/{Repository}/{FileName}?signature=secret").AbsoluteUri;
        EmbeddedModelOptions options = new() { Download = ModelDownload.Never, Store = new ModelStoreOptions { Folder = Folder.Path, Endpoint = Server.Address } };
        Folder.Write("models", "a file"u8);
        Exception[] exceptions =
        [
            await Assert.ThrowsAsync<ModelLoadException>(() => EmbeddedModel.LoadAsync(address, options, cancellationToken: Cancellation)),
            await Assert.ThrowsAsync<ModelLoadException>(() => CreateStore().VerifyAsync(address, cancellationToken: Cancellation)),
            await Assert.ThrowsAsync<ModelDownloadException>(() => CreateStore().PullAsync(address, cancellationToken: Cancellation)),
        ];
        Assert.All(exceptions, exception => Assert.DoesNotContain("secret", exception.ToString(), StringComparison.Ordinal));
    }

    [Fact]
    public async Task NamesThatLeadElsewhereAreNotInTheList()
    {
        Server.AlsoListed.AddRange(["../../../evil-Q4_K_M.gguf", "/etc/evil-Q4_K_M.gguf", "C:/evil-Q4_K_M.gguf", "a/../../evil-Q4_K_M.gguf", "NUL-Q4_K_M.gguf/..", "..\\evil-Q4_K_M.gguf"]);
        await AssertPulledAsync(CreateStore());
    }

    [Fact]
    public async Task TheNameThatAServerProposesIsNotTaken()
    {
        Server.Faults.Enqueue(async (context, content) =>
        {
            context.Response.Headers.ContentDisposition = "attachment; filename=\"../../../evil.gguf\"";
            await context.Response.Body.WriteAsync(content, context.RequestAborted);
        });
        StoredModel model = await CreateStore().PullAsync(new Uri(Server.Address, $"/cdn/{Repository}/{FileName}").AbsoluteUri, cancellationToken: Cancellation);
        Assert.Equal(FileName, Path.GetFileName(model.Path));
        Assert.Empty(Directory.EnumerateFiles(Folder.Path, "evil*", SearchOption.AllDirectories));
    }

    private static Task Redirect(HttpContext context, string target)
    {
        context.Response.StatusCode = 302;
        context.Response.Headers.Location = target;
        return Task.CompletedTask;
    }
}
