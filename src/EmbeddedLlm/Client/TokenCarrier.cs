using EmbeddedLlm.Scheduling;
using Microsoft.Extensions.AI;

namespace EmbeddedLlm.Client;

/// <summary>Brings the tokens of an answer to its caller: as an additional property of the next update, or of the response.</summary>
internal sealed class TokenCarrier
{
    private List<GeneratedToken> _tokens = [];

    /// <summary>Takes the text that is there, perhaps none, and the tokens that belong to it.</summary>
    public string Read(GenerationStream stream)
    {
        string text = stream.ReadText(out IReadOnlyList<GeneratedToken> tokens);
        _tokens.AddRange(tokens);
        return text;
    }

    /// <summary>Hands over what has come since the last call.</summary>
    public ChatResponseUpdate On(ChatResponseUpdate update)
    {
        if (_tokens.Count > 0)
            (update.AdditionalProperties ??= [])[GeneratedToken.PropertyName] = Take();
        return update;
    }

    /// <inheritdoc cref="On(ChatResponseUpdate)"/>
    public ChatResponse On(ChatResponse response)
    {
        if (_tokens.Count > 0)
            (response.AdditionalProperties ??= [])[GeneratedToken.PropertyName] = Take();
        return response;
    }

    private List<GeneratedToken> Take()
    {
        List<GeneratedToken> tokens = _tokens;
        _tokens = [];
        return tokens;
    }
}
