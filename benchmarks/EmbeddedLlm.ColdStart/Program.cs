using EmbeddedLlm;
using Microsoft.Extensions.AI;

// What the cold start is measured with: MODEL and DEVICE in, an answer out, its first byte as soon as there is one.
EmbeddedModelOptions options = new() { Devices = [args[1]] };
await using EmbeddedModel model = await EmbeddedModel.LoadAsync(args[0], options);
IChatClient chat = model.AsChatClient();
await using Stream output = Console.OpenStandardOutput();
await foreach (ChatResponseUpdate update in chat.GetStreamingResponseAsync("Count to five.", new ChatOptions { Temperature = 0, MaxOutputTokens = 8 }))
{
    if (update.Text.Length == 0)
        continue;
    output.Write(System.Text.Encoding.UTF8.GetBytes(update.Text));
    output.Flush();
}
