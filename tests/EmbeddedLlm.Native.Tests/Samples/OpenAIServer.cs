using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace EmbeddedLlm.Native.Tests.Samples;

/// <summary>A small server of OpenAI's chat completions, on a free port of this machine: it answers what the starter model would, and remembers what it was asked.</summary>
internal sealed class OpenAIServer : IAsyncDisposable
{
    private const string Answer = "1, 2, 3, 4, 5.";
    private readonly WebApplication _application;

    private OpenAIServer(WebApplication application) => _application = application;

    /// <summary>Where it listens.</summary>
    public string Url => $"{_application.Urls.Single()}/v1";

    /// <summary>The requests, in order, with their keys.</summary>
    public List<(string? Key, JsonElement Body)> Requests { get; } = [];

    public static async Task<OpenAIServer> StartAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        OpenAIServer server = new(builder.Build());
        server._application.Urls.Add("http://127.0.0.1:0");
        server._application.MapPost("/v1/chat/completions", server.AnswerAsync);
        await server._application.StartAsync();
        return server;
    }

    public ValueTask DisposeAsync() => _application.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        JsonElement body = (await JsonDocument.ParseAsync(context.Request.Body)).RootElement;
        Requests.Add((context.Request.Headers.Authorization, body));
        string model = body.GetProperty("model").GetString()!;
        if (!body.TryGetProperty("stream", out JsonElement stream) || !stream.GetBoolean())
        {
            context.Response.ContentType = "application/json";
            await context.Response.WriteAsync($$$"""
                {"id": "1", "object": "chat.completion", "created": 1, "model": "{{{model}}}",
                 "choices": [{"index": 0, "message": {"role": "assistant", "content": "{{{Answer}}}"}, "finish_reason": "stop"}],
                 "usage": {"prompt_tokens": 14, "completion_tokens": 11, "total_tokens": 25}}
                """);
            return;
        }

        context.Response.ContentType = "text/event-stream";
        foreach (char piece in Answer)
            await WriteAsync($$"""{"content": "{{piece}}"}""", "null");
        await WriteAsync("{}", "\"stop\"");
        await context.Response.WriteAsync("data: [DONE]\n\n");

        async Task WriteAsync(string delta, string reason) => await context.Response.WriteAsync(
            $$$"""data: {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "{{{model}}}", "choices": [{"index": 0, "delta": {{{delta}}}, "finish_reason": {{{reason}}}}]}""" + "\n\n");
    }
}
