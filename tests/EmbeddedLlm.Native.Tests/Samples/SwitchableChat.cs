using System.ClientModel;
using Microsoft.Extensions.AI;
using OpenAI;

namespace EmbeddedLlm.Native.Tests.Samples;

#region sample

/// <summary>
/// One <see cref="IChatClient"/> for development and production. With LLM_BASE_URL it talks to any server of OpenAI's API (OpenAI, Ollama, vLLM, llama-server); without, the model runs in this
/// process. LLM_MODEL names the model: the server's name for it, or a catalogue name or path for EmbeddedLlm. LLM_API_KEY is the server's key, where it wants one.
/// </summary>
public static class SwitchableChat
{
    public static async Task<IChatClient> CreateAsync(Func<string, string?> setting, CancellationToken cancellationToken = default)
    {
        string model = setting("LLM_MODEL") ?? "starter";
        if (setting("LLM_BASE_URL") is { Length: > 0 } server)
        {
            ApiKeyCredential key = new(setting("LLM_API_KEY") ?? "none");
            return new OpenAIClient(key, new OpenAIClientOptions { Endpoint = new Uri(server) }).GetChatClient(model).AsIChatClient();
        }

        EmbeddedModel embedded = await EmbeddedModel.LoadAsync(model, cancellationToken: cancellationToken);
        return new OwningChatClient(embedded.AsChatClient(), embedded);
    }

    /// <summary>A client that frees its model when it is disposed.</summary>
    private sealed class OwningChatClient(IChatClient client, EmbeddedModel model) : DelegatingChatClient(client)
    {
        protected override void Dispose(bool disposing)
        {
            base.Dispose(disposing);
            if (disposing)
                model.Dispose();
        }
    }
}
#endregion
