using EmbeddedLlm;
using Microsoft.Extensions.AI;

// A name in the catalogue, or the path of a .gguf file.
await using EmbeddedModel model = await EmbeddedModel.LoadAsync("starter");
IChatClient chat = model.AsChatClient();

await foreach (ChatResponseUpdate update in chat.GetStreamingResponseAsync("Count to five."))
    Console.Write(update);
Console.WriteLine();
