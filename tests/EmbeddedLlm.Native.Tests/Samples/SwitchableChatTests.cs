using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Native.Tests.Samples;

/// <summary>The same program, against a server and in this process.</summary>
public sealed class SwitchableChatTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AServerAnswersWhereOneIsConfigured()
    {
        await using OpenAIServer server = await OpenAIServer.StartAsync();
        Dictionary<string, string> settings = new() { ["LLM_BASE_URL"] = server.Url, ["LLM_API_KEY"] = "secret", ["LLM_MODEL"] = "qwen3" };
        await AssertProgramAsync(settings, "qwen3");
        Assert.Equal(2, server.Requests.Count);
        Assert.All(server.Requests, request => Assert.Equal(("Bearer secret", "qwen3"), (request.Key, request.Body.GetProperty("model").GetString())));
        JsonElement message = server.Requests[0].Body.GetProperty("messages").EnumerateArray().Last();
        Assert.Contains("Count to five.", message.GetRawText(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task TheModelAnswersInThisProcessWhereNoneIs() => await AssertProgramAsync([], "starter");

    /// <summary>The program: nothing in it knows where the model is.</summary>
    private static async Task AssertProgramAsync(Dictionary<string, string> settings, string modelId)
    {
        using IChatClient chat = await SwitchableChat.CreateAsync(settings.GetValueOrDefault, Cancel);
        ChatOptions options = new() { Temperature = 0, MaxOutputTokens = 50 };
        ChatResponse response = await chat.GetResponseAsync("Count to five.", options, Cancel);
        Assert.Equal(("1, 2, 3, 4, 5.", modelId), (response.Text, response.ModelId));
        Assert.Equal(ChatFinishReason.Stop, response.FinishReason);
        Assert.Equal(25, response.Usage!.TotalTokenCount);

        StringBuilder text = new();
        ChatFinishReason? reason = null;
        await foreach (ChatResponseUpdate update in chat.GetStreamingResponseAsync("Count to five.", options, Cancel))
        {
            text.Append(update.Text);
            reason = update.FinishReason ?? reason;
        }

        Assert.Equal(("1, 2, 3, 4, 5.", ChatFinishReason.Stop), (text.ToString(), reason));
    }
}
